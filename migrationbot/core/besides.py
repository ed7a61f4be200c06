# SPDX-License-Identifier: AGPL-3.0-or-later
"""What state a decision depends on: some for every move, some for certain moves, or at certain times."""

from __future__ import annotations

from .address import PLACE
from .move import RoomMove
from .moved import place_of, wants_record
from .room import Membership, RoomState
from .steps import Step

Place = tuple[str, str]  # a type and a state key

_ALWAYS = ("m.room.create", "m.room.power_levels", "m.room.server_acl", "m.room.tombstone")
_HISTORY = "m.room.history_visibility"
_DOOR = "m.room.join_rules"
_ENCRYPTION = "m.room.encryption"


def read_first(move: RoomMove) -> tuple[Place, ...]:
    """What every decision about this move depends on, the members apart."""
    history = move.plan.open_from is not None or Step.OPEN_HISTORY in move.records
    kinds = (*_ALWAYS, _HISTORY) if history or _seldom(move) else _ALWAYS
    return (*((kind, "") for kind in kinds), *read_besides(move))


def read_then(move: RoomMove, room: RoomState) -> tuple[Place, ...]:
    """What it depends on besides, now that the members are known: how one comes in, and what to ask with."""
    inside = room.membership(move.new) in (Membership.JOIN, Membership.INVITE)
    door = ((_DOOR, ""),) if not inside or _seldom(move) else ()
    sealed = ((_ENCRYPTION, ""),) if not inside or not move.done(Step.CONFIRM_CARD) else ()
    return (*door, *sealed)


def read_besides(move: RoomMove) -> tuple[Place, ...]:
    """The types and state keys of what this move needs to know beside the usual."""
    record = (place_of(move),) if wants_record(move) else ()
    return (*record, PLACE) if move.options.address else record


def _seldom(move: RoomMove) -> bool:
    """Whether it is one of the moves that follow a room or a person further than others do."""
    return move.lost or move.options.hand_over
