# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bot does, step by step, and what is on record of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Step(Enum):
    """An act of the bot's. The values stand in the database and in transaction IDs, so they never change."""

    REQUEST_CARD = "request_card"  # say what was asked and who may approve
    SEED_YES = "seed_yes"  # put a ✅ under it to tap
    SEED_NO = "seed_no"  # and a ❌
    OPEN_HISTORY = "open_history"  # set the visibility to shared
    INVITE = "invite"  # invite the new account
    RESTORE_HISTORY = "restore_history"  # put the visibility back
    CONFIRM_CARD = "confirm_card"  # ask the new account
    SEED_CONFIRM = "seed_confirm"  # put a ✅ under that
    PROMOTE = "promote"  # raise the new account's power level
    WITHDRAW_INVITE = "withdraw_invite"  # take an unanswered invite back
    CHECKLIST = "checklist"  # say what people have to do, and tick it off
    ASK_OLD = "ask_old"  # ask the old account to send the invite itself
    SEED_SKIP = "seed_skip"  # put a ⏭️ under that, for "the bot shall invite"
    ROOM_CARD = "room_card"  # ask in the room itself, when the request was made elsewhere
    SEED_ROOM_YES = "seed_room_yes"  # put a ✅ under that
    SEED_ROOM_NO = "seed_room_no"  # and a ❌
    CLOSE_ROOM_CARD = "close_room_card"  # edit that to its final state
    SET_ADDRESS = "set_address"  # make the new alias the room's canonical one
    STEP_DOWN = "step_down"  # lower the old account's power level to the room's default
    REMOVE_OLD = "remove_old"  # remove the old account, which asked for it
    PUBLISH = "publish"  # write into the room that the account has moved
    BOT_DOWN = "bot_down"  # lower the bot's own power level
    LAST_SUMMARY = "last_summary"  # say how it ended once more, after rooms that came later
    LAST_TABLE = "last_table"  # and attach the table
    FOLLOW = "follow"  # go into the room that an upgrade has made
    INVITE_HEIR = "invite_heir"  # invite the new account into it
    CARRY_HISTORY = "carry_history"  # set its history visibility as it was in the old room
    LIST_CHILD = "list_child"  # list it in a space that lists the old room
    UNLIST_CHILD = "unlist_child"  # take the old room out of that space
    MOVE_ALIAS = "move_alias"  # let an alias point to it
    NAME_ALIAS = "name_alias"  # name its aliases in it
    INVITE_MEMBER = "invite_member"  # invite a member of the old room into it
    SUCCESSOR_CARD = "successor_card"  # say there what was done
    SUMMARY = "summary"  # say how it ended
    CLOSE_CARD = "close_card"  # edit the request card to its final state
    ROOM_LIST = "room_list"  # attach the list of all rooms to the request
    PROGRESS = "progress"  # say how far many rooms are
    TABLE = "table"  # attach a table of every room to the summary


@dataclass(frozen=True, kw_only=True)
class Record:
    """What the database knows of one step: intended before it is tried, done once the room showed it."""

    step: Step
    attempt: int = 1  # a step that was undone may be done again
    done: bool = False
    event_id: str | None = None  # the event that the step made
    base: str | None = None  # the event that it was based on
    at: int = 0  # milliseconds since the epoch: when it was intended, then when it was done
    room_id: str = ""  # the room whose step it is; empty for the migration as a whole


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Something of which steps are on record."""

    records: Mapping[Step, Record] = field(default_factory=dict)  # the latest attempt of each step

    def done(self, step: Step) -> bool:
        """Whether the latest attempt of the step is known to have worked."""
        record = self.records.get(step)
        return record is not None and record.done

    def event_of(self, step: Step) -> str | None:
        """The event that the step made, when it is done."""
        record = self.records.get(step)
        return record.event_id if record and record.done else None
