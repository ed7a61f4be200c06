# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people have to do because the bot may not, and who of them can: the least powerful who is able to."""

from __future__ import annotations

from dataclasses import dataclass

from .able import may_raise, worth
from .levels import level_now
from .move import RoomMove
from .reasons import Goal
from .room import RoomState
from .standing import Standing


@dataclass(frozen=True, kw_only=True)
class Errand:
    """One thing to do by hand."""

    goal: Goal
    asked: int  # the level that it takes
    by: tuple[str, ...] = ()  # user IDs: the old account, if it can, else those known to be able to
    level: int = 0  # for PROMOTED: the level to give


def errands(move: RoomMove, room: RoomState, standing: Standing) -> tuple[Errand, ...]:
    """Everything that is still to come and not the bot's to do, in the order in which it is due.

    Of others than the accounts that move, those count whose membership `room` knows.
    """
    found = (_errand(goal, move, room) for goal in standing.to_come)
    return tuple(errand for errand in found if errand is not None)


def could_help(move: RoomMove, room: RoomState) -> tuple[str, ...]:
    """The accounts whose level is enough for something that the bot may not do, the most powerful first.

    Whether they are in the room is not known yet.
    """
    power, least = room.power, min(room.power.invite, room.power.to_send("m.room.power_levels"))
    others = {*power.users, *power.creators} - _not_asked(move)
    able = (user for user in others if power.level_of(user) >= least)
    return tuple(sorted(able, key=lambda user: (-power.level_of(user), user)))


def _errand(goal: Goal, move: RoomMove, room: RoomState) -> Errand | None:
    power = room.power
    if goal is Goal.INVITED and not room.holds(move.bot, power.invite):
        return Errand(goal=goal, asked=power.invite, by=_able(move, room, power.invite))
    level = level_now(move, room)
    if goal is Goal.PROMOTED and not may_raise(room, move.bot, move.new, level):
        asked = max(power.to_send("m.room.power_levels"), level)
        return Errand(goal=goal, asked=asked, by=_able(move, room, asked), level=level)
    return None


def _able(move: RoomMove, room: RoomState, asked: int) -> tuple[str, ...]:
    if not move.lost and room.holds(move.old, asked):
        return (move.old,)
    others = (user for user in room.members if user not in _not_asked(move) | {move.old})
    able = [user for user in others if room.holds(user, asked)]
    return tuple(sorted(able, key=lambda user: (worth(room.power, user), user)))


def _not_asked(move: RoomMove) -> set[str]:
    """The accounts that are not asked to do anything by hand; one that is lost can't."""
    return {move.bot, move.new, *((move.old,) if move.lost else ())}
