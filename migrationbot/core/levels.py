# SPDX-License-Identifier: AGPL-3.0-or-later
"""The level that a move gives now, and the level that it takes to approve it."""

from __future__ import annotations

from .able import worth
from .move import Phase, RoomMove
from .power import PowerLevels
from .reasons import Reason
from .room import CANONICAL_ALIAS, RoomState
from .ways import needs_invite


def level_now(move: RoomMove, room: RoomState) -> int:
    """The level to give: the least of what was planned, the old account's at approval, and its level now.

    While the move asks, for the first time or again, no approval binds it yet.
    """
    levels = [move.plan.level, worth(room.power, move.old)]
    if move.approved_level is not None and move.phase is not Phase.ASKING:
        levels.append(move.approved_level)
    return min(levels)


def level_asked_now(move: RoomMove, room: RoomState) -> int:
    """The level that someone must hold who could do by hand what is agreed to.

    At least the level that is given, and what the room asks for each act that the move uses.
    """
    power, level = room.power, level_now(move, room)
    asked = [level]
    if level > power.level_of(move.new) or move.options.step_down:
        asked.append(power.to_send("m.room.power_levels"))
    if move.plan.invite or needs_invite(move.plan.way, room, move.new):
        asked.append(power.invite)
    if move.plan.open_from is not None:
        asked.append(power.to_send("m.room.history_visibility"))
    if move.options.address:
        asked.append(power.to_send(CANONICAL_ALIAS))
    if move.options.leave:
        asked.append(power.kick)
    if move.options.hand_over:
        asked.append(power.to_send("m.room.tombstone"))
    return max(asked)


def level_missing(reason: Reason | None, move: RoomMove, room: RoomState) -> int:
    """The level that somebody needs, the bot or a person, for what is waited for."""
    if reason is Reason.ADDRESS_UNSET:
        return room.power.to_send(CANONICAL_ALIAS)
    return level_needed(move, room)


def level_needed(move: RoomMove, room: RoomState) -> int:
    """The level with which the bot could do all that it may still have to."""
    power: PowerLevels = room.power
    history = power.to_send("m.room.history_visibility") if move.plan.open_from else 0
    address = power.to_send(CANONICAL_ALIAS) if move.options.address else 0
    return max(level_now(move, room), power.invite, power.to_send("m.room.power_levels"), history, address)
