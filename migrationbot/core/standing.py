# SPDX-License-Identifier: AGPL-3.0-or-later
"""How far a room move is: which goals the room shows met, and which are still to come."""

from __future__ import annotations

from dataclasses import dataclass

from .address import main_address
from .approval import Evidence, confirmed, judge, missing
from .goals import may_act
from .levels import level_asked_now, level_now
from .move import RoomMove
from .reasons import Goal
from .room import RoomState
from .steps import Step
from .succession import Succession, handed_over
from .traces import invite_stands, opening_stands
from .ways import needs_invite


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The goals of one move, in the order in which they are reached."""

    met: tuple[Goal, ...]
    to_come: tuple[Goal, ...]
    agreed: tuple[str, ...] = ()  # whose yes counts now
    missing: int = 0  # how many more have to agree
    level: int  # what the new account has, or will be given


def standing(
    move: RoomMove, room: RoomState, evidence: Evidence, succession: Succession | None = None
) -> Standing:
    """Look at every goal of the move. What the plan does without appears in neither list."""
    level, has = level_now(move, room), room.power.level_of(move.new)
    if move.ending is not None:
        return Standing(met=(), to_come=_to_undo(move, room), level=has)
    consent = judge(move, room, evidence, level_asked_now(move, room))
    more = missing(move, evidence, consent)
    goals = {
        Goal.APPROVED: _approved(move, room, more),
        Goal.HISTORY_OPEN: _history_open(move, room),
        Goal.INVITED: _invited(move, room),
        Goal.JOINED: room.joined(move.new),
        Goal.HISTORY_RESTORED: _history_restored(move, room),
        Goal.CONFIRMED: move.done(Step.PROMOTE) or confirmed(move, room, evidence),
        Goal.PROMOTED: _promoted(move, room, level),
        Goal.STEPPED_DOWN: _stepped_down(move, room),
        Goal.LEFT: not room.joined(move.old) if move.options.leave else None,
        Goal.ADDRESSED: _addressed(move, room),
        Goal.PUBLISHED: True if move.done(Step.PUBLISH) else None,
        Goal.UPGRADED: room.successor is not None if move.options.hand_over else None,
        Goal.SUCCEEDED: handed_over(move, room, succession) if move.options.hand_over else None,
    }
    return Standing(
        met=tuple(goal for goal, met in goals.items() if met),
        to_come=tuple(goal for goal, met in goals.items() if met is False),
        agreed=consent.approvers,
        missing=more,
        level=max(level, has),
    )


def _approved(move: RoomMove, room: RoomState, missing: int) -> bool | None:
    """Where the bot may do nothing, people act in their own right, and nobody's yes is waited for."""
    if move.done(Step.PROMOTE) or not missing:
        return True
    return None if move.plan.guided and not may_act(move, room) else False


def _history_open(move: RoomMove, room: RoomState) -> bool | None:
    if move.done(Step.OPEN_HISTORY):
        return True
    # Once the new account is in, or somebody has changed the setting, there is nothing left to open.
    wanted = move.plan.open_from is room.visibility and not room.joined(move.new)
    return False if wanted else None


def _invited(move: RoomMove, room: RoomState) -> bool | None:
    if needs_invite(move.plan.way, room, move.new):
        return False
    return True if move.plan.invite else None


def _history_restored(move: RoomMove, room: RoomState) -> bool | None:
    if opening_stands(move, room) or _history_open(move, room) is False:
        return False
    return True if move.done(Step.RESTORE_HISTORY) else None


def _promoted(move: RoomMove, room: RoomState, level: int) -> bool | None:
    if level > room.power.level_of(move.new):
        return False
    return True if level > room.power.users_default else None


def _stepped_down(move: RoomMove, room: RoomState) -> bool | None:
    power = room.power
    if not move.options.step_down or power.is_creator(move.old):
        return None
    return power.level_of(move.old) <= power.users_default


def _addressed(move: RoomMove, room: RoomState) -> bool | None:
    address = move.options.address
    return move.done(Step.SET_ADDRESS) or address == main_address(room) if address else None


def _to_undo(move: RoomMove, room: RoomState) -> tuple[Goal, ...]:
    left = {
        Goal.HISTORY_RESTORED: opening_stands(move, room),
        Goal.INVITE_WITHDRAWN: invite_stands(move, room),
    }
    return tuple(goal for goal, applies in left.items() if applies)
