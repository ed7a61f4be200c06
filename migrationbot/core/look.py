# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a goal is judged by, and what it can ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from .approval import Evidence
from .decisions import Act, Wait
from .move import RoomMove
from .room import RoomState
from .succession import Succession


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the homeserver shows of a move at one moment."""

    move: RoomMove
    room: RoomState
    evidence: Evidence
    succession: Succession | None = None  # None: nothing is followed
    now: int = 0  # milliseconds since the epoch


Next: TypeAlias = Act | Wait | None  # None: the goal is met, or not wanted
Reach: TypeAlias = Callable[[Look], Next]
