# SPDX-License-Identifier: AGPL-3.0-or-later
"""The nouns: a migration, its moves of single rooms, and what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from .history import Reading, Visibility
from .ways import Way


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


class Phase(Enum):
    """Where a room move stands; which phase follows which is `decide.TABLE`."""

    ASKING = "asking"  # nobody has agreed yet, or not enough
    MOVING = "moving"  # agreed: the bot acts or waits for the new account
    BLOCKED = "blocked"  # agreed, but a person has to mend something first
    UNDOING = "undoing"  # it will not happen: what was done on the way is put back
    ENDED = "ended"  # nothing more will be done


class Outcome(Enum):
    """How a room move ended."""

    DONE = "done"  # every goal is met
    PARTIAL = "partial"  # the new account is there, something is left to a person
    REFUSED = "refused"  # somebody entitled said no, or the room did
    CANCELLED = "cancelled"  # the requester took it back
    EXPIRED = "expired"  # nobody answered in time


class Reason(Enum):
    """Why a move waits or ended. Each has its sentence in the templates."""

    APPROVAL = "approval"  # waits for those who may approve
    APPROVAL_LOST = "approval_lost"  # what was agreed no longer stands; waits for another approval
    JOIN = "join"  # waits for the new account to join
    CONFIRM = "confirm"  # waits for the new account's yes
    BOT_LACKS_POWER = "bot_lacks_power"  # waits for the bot's level to be mended, or for a person to do it
    SERVER_UNREACHABLE = "server_unreachable"  # the new account's server does not take the invite now
    INVITES_SPENT = "invites_spent"  # the new account's server takes one invite at a time
    INVITE_BLOCKED = "invite_blocked"  # the new account accepts no invites
    UNSUPPORTED_VERSION = "unsupported_version"  # the new server does not know this room version
    NOT_ALLOWED = "not_allowed"  # the homeserver forbids an act for a reason that the room does not show
    OWNER_INVITE = "owner_invite"  # waits for the old account to send the invite itself
    PAUSED = "paused"  # waits for an operator to resume the bot
    TAKE_OVER = "take_over"  # the bot now has the level to go on, and waits for those who may approve
    STEP_DOWN = "step_down"  # waits for the old account to lower its own level
    ADDRESS_MISSING = "address_missing"  # waits for the new alias to be made on its server
    ADDRESS_UNSET = "address_unset"  # waits for somebody to make the new alias the main address
    LEAVE = "leave"  # waits for the old account to leave
    UPGRADE = "upgrade"  # waits for the old or the new account to upgrade the room
    ENTER = "enter"  # waits for the bot to be let into the new room
    REPAIR = "repair"  # waits for its turn to go on with what an upgrade leaves behind
    HEIR = "heir"  # waits for the new account to join the new room
    ARRIVED = "arrived"  # all goals are met
    REFUSED_BY_ADMIN = "refused_by_admin"  # ❌ by someone who may approve
    REFUSED_BY_NEW = "refused_by_new"  # ❌ by the new account
    REFUSED_BY_OLD = "refused_by_old"  # the account that was said to be lost says no
    OLD_IN_USE = "old_in_use"  # the account that was said to be lost is in use
    DECLINED = "declined"  # the new account turned the invite down, or left again
    NEW_REMOVED = "new_removed"  # somebody removed or banned the new account
    OLD_REMOVED = "old_removed"  # somebody removed or banned the old account
    CANCELLED = "cancelled"  # taken back by the requester
    COMMAND_REDACTED = "command_redacted"  # the command was deleted
    CARD_REMOVED = "card_removed"  # a card that consent hangs on was deleted or altered
    ROOM_UPGRADED = "room_upgraded"  # the room has a successor
    SERVER_DENIED = "server_denied"  # the server ACL now shuts the new server out
    NOT_APPROVED = "not_approved"  # time ran out before anyone agreed
    NOT_JOINED = "not_joined"  # time ran out before the new account joined
    NOT_CONFIRMED = "not_confirmed"  # time ran out before the new account said yes
    GAVE_UP = "gave_up"  # what had to be mended was not mended in time


class Goal(Enum):
    """A fact about the room that the move has to reach. Each has its sentences in the templates."""

    APPROVED = "approved"  # enough of those who may answer said yes
    HISTORY_OPEN = "history_open"  # newcomers can read what is sent from now on
    INVITED = "invited"  # the new account may come in
    JOINED = "joined"  # the new account is in the room
    HISTORY_RESTORED = "history_restored"  # the setting is what it was
    CONFIRMED = "confirmed"  # the new account itself said yes
    PROMOTED = "promoted"  # the new account has its level
    STEPPED_DOWN = "stepped_down"  # the old account has no more than the room's default
    LEFT = "left"  # the old account is not in the room any more
    ADDRESSED = "addressed"  # the new alias is the room's main address
    PUBLISHED = "published"  # the room keeps a record of the move
    UPGRADED = "upgraded"  # the room has a successor
    SUCCEEDED = "succeeded"  # the new account is in it, as a creator of it
    INVITE_WITHDRAWN = "invite_withdrawn"  # of a move that stopped: the unanswered invite is gone


class Mishap(Enum):
    """What went wrong beside the move, and has to be said. Each has its sentence in the templates."""

    POWER_CHANGE_LOST = "power_change_lost"  # somebody changed power levels while the bot did


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was asked for beside the move itself."""

    keep_history: bool = False  # leave the history visibility alone
    step_down: bool = False  # afterwards the old account gives up its level
    leave: bool = False  # afterwards the old account leaves
    hand_over: bool = False  # afterwards the room is upgraded, with the new account as a creator
    address: str = ""  # the alias that becomes the canonical one
    record: bool = False  # afterwards the room keeps a public record of it
    scope: str = ""  # of many rooms "space" or "all"; empty when it is one room
    space: str = ""  # the room ID of that space


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is agreed to when the request card is approved. It never changes afterwards."""

    level: int  # the most that the new account will be given
    old_level: int  # the old account's level when it asked (power.CREATOR for a v12 creator)
    way: Way  # how the new account comes in
    guided: bool = False  # the bot lacked a level when it was planned: people do what it may not
    bot_level: int = 0  # the bot's level when it was planned
    open_from: Visibility | None  # the setting that is opened to `shared` and put back, if any
    visibility: Visibility  # the setting when it was planned
    reading: Reading  # from when on the new account will read

    @property
    def invite(self) -> bool:
        """Whether the new account has to be invited."""
        return self.way is Way.INVITE


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The operator's settings, as far as decisions depend on them."""

    approvals_needed: int = 1
    requester_may_approve: bool = True
    wait_for_owner_invite: int = 0  # milliseconds that the old account has to invite by itself
    give_up_after: int = 48 * 3_600_000  # milliseconds that a blocker may last
    step_down_after: bool = False  # the bot lowers its own level when it is done
    publish_record: bool = False  # rooms keep a public record of who moved where
    approvals_for_lost: int = 2  # when nobody vouches from the old account
    lost_after: int = 30 * 86_400_000  # milliseconds of silence after which an account may be lost


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
class Trouble:
    """A step that did not work and will be tried again."""

    step: Step
    reason: Reason
    since: int  # milliseconds since the epoch
    attempts: int
    retry_at: int  # milliseconds since the epoch


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How and why a move stops, and by whom."""

    outcome: Outcome
    reason: Reason
    by: str = ""  # the user ID of who caused it, where someone did
    at: int = 0  # milliseconds since the epoch


@dataclass(frozen=True, kw_only=True)
class RoomMove:
    """One room of one migration."""

    migration: int
    room_id: str
    bot: str  # the bot's own user ID
    requester: str
    old: str
    new: str
    plan: Plan
    rules: Rules
    options: Options = Options()
    phase: Phase = Phase.ASKING
    expires_at: int  # milliseconds since the epoch
    approved_level: int | None = None  # the old account's level at the moment of approval
    approvers: tuple[str, ...] = ()  # whose approval counted last
    records: Mapping[Step, Record] = field(default_factory=dict)  # the latest attempt of each step
    trouble: Trouble | None = None
    ending: Ending | None = None  # set once it stops
    alone: bool = True  # no other open migration needs the bot in this room

    @property
    def lost(self) -> bool:
        """Whether somebody else speaks for the old account, because nobody can use it any more."""
        return self.requester != self.old

    def done(self, step: Step) -> bool:
        """Whether the latest attempt of the step is known to have worked."""
        record = self.records.get(step)
        return record is not None and record.done

    def event_of(self, step: Step) -> str | None:
        """The event that the step made, when it is done."""
        record = self.records.get(step)
        return record.event_id if record and record.done else None

    @property
    def history_is_open(self) -> bool:
        """Whether the bot opened the history and has not put it back."""
        opened, restored = self.records.get(Step.OPEN_HISTORY), self.records.get(Step.RESTORE_HISTORY)
        if opened is None or not opened.done:
            return False
        return restored is None or not restored.done or restored.attempt < opened.attempt


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One request: who moves where, and the messages that it is made of."""

    number: int
    requester: str
    old: str
    new: str
    home_room: str  # where it was asked
    command_event: str  # the message that asked
    thread_root: str  # where the bot answers
    created_at: int  # milliseconds since the epoch
    expires_at: int  # milliseconds since the epoch
    options: Options = Options()
    cancelled_by: str = ""  # who typed `!migrate cancel`, if anyone did
    ended: bool = False
    records: Mapping[Step, Record] = field(default_factory=dict)

    @property
    def lost(self) -> bool:
        """Whether somebody else asks for the old account, because nobody can use it any more."""
        return self.requester != self.old

    @property
    def many(self) -> bool:
        """Whether it was asked for in many rooms at once, however many move then."""
        return bool(self.options.scope)

    def done(self, step: Step) -> bool:
        """Whether the latest attempt of the step is known to have worked."""
        record = self.records.get(step)
        return record is not None and record.done

    def event_of(self, step: Step) -> str | None:
        """The event that the step made, when it is done."""
        record = self.records.get(step)
        return record.event_id if record and record.done else None

    def room_of(self, step: Step) -> str:
        """The room in which the step's event stands: where it was asked, unless it belongs to another."""
        record = self.records.get(step)
        return (record.room_id if record else "") or self.home_room
