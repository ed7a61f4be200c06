# SPDX-License-Identifier: AGPL-3.0-or-later
"""The nouns: a migration, its moves of single rooms, and what was asked for and planned."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .history import Reading, Visibility
from .reasons import Ending, Trouble
from .steps import Recorded, Step
from .ways import Way


class Phase(Enum):
    """Where a room move stands; which follows which is in `turns.TABLE`."""

    ASKING = "asking"  # nobody has agreed yet, or not enough
    MOVING = "moving"  # agreed: the bot acts or waits for the new account
    BLOCKED = "blocked"  # agreed, but a person has to mend something first
    UNDOING = "undoing"  # it will not happen: what was done on the way is put back
    ENDED = "ended"  # nothing more will be done


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
    later: bool = False  # its card says that rooms which can't move yet do so once they can


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
class RoomMove(Recorded):
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
    trouble: Trouble | None = None
    ending: Ending | None = None  # set once it stops
    alone: bool = True  # no other open migration needs the bot in this room

    @property
    def lost(self) -> bool:
        """Whether somebody else speaks for the old account, because nobody can use it any more."""
        return self.requester != self.old

    @property
    def history_is_open(self) -> bool:
        """Whether the bot opened the history and has not put it back."""
        opened, restored = self.records.get(Step.OPEN_HISTORY), self.records.get(Step.RESTORE_HISTORY)
        if opened is None or not opened.done:
            return False
        return restored is None or not restored.done or restored.attempt < opened.attempt


@dataclass(frozen=True, kw_only=True)
class Migration(Recorded):
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

    @property
    def lost(self) -> bool:
        """Whether somebody else asks for the old account, because nobody can use it any more."""
        return self.requester != self.old

    @property
    def many(self) -> bool:
        """Whether it was asked for in many rooms at once, however many move then."""
        return bool(self.options.scope)

    def room_of(self, step: Step) -> str:
        """The room in which the step's event stands: where it was asked, unless it belongs to another."""
        record = self.records.get(step)
        return (record.room_id if record else "") or self.home_room
