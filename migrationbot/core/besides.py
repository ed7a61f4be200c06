# SPDX-License-Identifier: AGPL-3.0-or-later
"""State that only some moves need: read for them, and for no others."""

from __future__ import annotations

from .address import PLACE
from .move import RoomMove
from .moved import place_of, wants_record


def read_besides(move: RoomMove) -> tuple[tuple[str, str], ...]:
    """The types and state keys of what this move needs to know beside the usual."""
    record = (place_of(move),) if wants_record(move) else ()
    return (*record, PLACE) if move.options.address else record
