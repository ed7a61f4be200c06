# SPDX-License-Identifier: AGPL-3.0-or-later
"""Handing the ownership of a room over: the room that an upgrade makes, and whether it is what was agreed to.

Creators of rooms of version 12 can't be changed (MSC4289): only an upgrade can name others, and whoever does
it is a creator of the new room for ever. So people upgrade, and the bot follows and looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from .errors import Code, Refused
from .levels import level_asked_now
from .move import RoomMove
from .power import PowerLevels, privileged_creators
from .room import Member, RoomState
from .steps import Step

VERSION: Final = "12"  # the first room version in which a room has owners
TOMBSTONE: Final = "m.room.tombstone"


class Flaw(Enum):
    """Why a new room is not the one that was agreed to. Each has its sentence in the templates."""

    NAMELESS = "nameless"  # the tombstone names no room
    BY_A_STRANGER = "by_a_stranger"  # whoever upgraded was no party to it
    OTHER_MAKER = "other_maker"  # it was made by another account than the one that upgraded
    NO_PREDECESSOR = "no_predecessor"  # it does not say that it follows the old room
    NOT_A_CREATOR = "not_a_creator"  # the new account is no creator of it


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One thing that the bot has tried to do after an upgrade."""

    done: bool = False
    failed: bool = False  # the homeserver refused the last try; neither: a crash came between
    tries: int = 1
    at: int = 0  # milliseconds since the epoch: when it was last tried


@dataclass(frozen=True, kw_only=True)
class Parent:
    """A space in which the old room is, or was."""

    space: str  # its room ID
    lists_old: bool
    lists_new: bool
    bot_may: bool  # the bot may change what it lists
    agreed: bool  # and so may one of those who agreed to the move


@dataclass(frozen=True, kw_only=True)
class Succession:
    """What the homeserver shows of an upgrade at one moment."""

    successor: RoomState | None = None  # None: the bot is not in it
    absent: tuple[str, ...] = ()  # members of the old room that can't come in without an invite
    more: int = 0  # how many of these there are beyond those that the bot would invite
    parents: tuple[Parent, ...] = ()
    stale: tuple[str, ...] = ()  # aliases of the bot's server that still point to the old room
    foreign: tuple[str, ...] = ()  # aliases of other servers that still point to the old room
    unnamed: tuple[str, ...] = ()  # aliases of the old room that are the new one's, and that it does not name
    watched: tuple[str, ...] = ()  # accounts whose coming there matters
    deeds: Mapping[tuple[Step, str], Deed] = field(default_factory=dict)  # by what they were about

    def deed(self, step: Step, target: str) -> Deed | None:
        """What was done about it, if anything."""
        return self.deeds.get((step, target))

    @property
    def invited(self) -> tuple[Deed, ...]:
        """The invites of members that were tried."""
        return tuple(deed for (step, _), deed in self.deeds.items() if step is Step.INVITE_MEMBER)


def check_hand_over(room: RoomState, *, old: str, new: str, lost: bool = False) -> None:
    """Raises Refused BAD_OPTION where there is no ownership that the old account could hand over."""
    power = room.power
    if lost:
        raise _refused("hand_over_lost", old=old)
    if power.is_creator(new):
        raise _refused("hand_over_done", new=new)
    if privileged_creators(room.version):
        if not power.is_creator(old):
            raise _refused("hand_over_not_yours", old=old)
    elif old != room.create_sender or power.level_of(old) < power.to_send(TOMBSTONE):
        raise _refused("hand_over_needless", version=room.version)


def upgrade_version(room: RoomState) -> str:
    """The version to upgrade to: the same, where it has owners already."""
    return room.version if privileged_creators(room.version) else VERSION


def creators_to_name(power: PowerLevels, *, caller: str, old: str, new: str) -> tuple[str, ...]:
    """What `additional_creators` has to say so that the new account owns the next room and nobody loses it.

    The list is the whole one: creators that are not named are dropped. The old account hands over.
    """
    others = power.creators - {caller, old}
    return tuple(sorted(others | {new} - {caller}))


def flaw(move: RoomMove, room: RoomState, succession: Succession | None) -> Flaw | None:
    """The first thing that is wrong with the successor of `room`, as far as the bot can see it.

    That whoever sent the tombstone had the level for it at that time is for the homeserver to check: it shows
    no state that the authorisation rules forbid.
    """
    if not room.successor or room.successor == room.room_id:
        return Flaw.NAMELESS
    if not _is_party(room.upgraded_by, move, room):
        return Flaw.BY_A_STRANGER
    successor = succession.successor if succession else None
    if successor is None:
        return None
    if successor.create_sender != room.upgraded_by:
        return Flaw.OTHER_MAKER
    if successor.predecessor != room.room_id:
        return Flaw.NO_PREDECESSOR
    return None if successor.power.is_creator(move.new) else Flaw.NOT_A_CREATOR


def heir_of(move: RoomMove, succession: Succession | None) -> Member | None:
    """The new account's standing in the successor, where it is known."""
    successor = succession.successor if succession else None
    return successor.members.get(move.new) if successor else None


def handed_over(move: RoomMove, room: RoomState, succession: Succession | None) -> bool:
    """Whether the new account is in the successor that was agreed to, and a creator of it."""
    successor = succession.successor if succession else None
    if successor is None or flaw(move, room, succession) is not None:
        return False
    return successor.joined(move.new)


def _is_party(user_id: str, move: RoomMove, room: RoomState) -> bool:
    """Whether this account's upgrade is what was asked for: its own, or one who has or could have agreed."""
    known = user_id in (move.old, move.new, *move.approvers)
    return known or room.holds(user_id, level_asked_now(move, room))


def _refused(problem: str, **details: str) -> Refused:
    return Refused(Code.BAD_OPTION, option="--hand-over", problem=problem, **details)
