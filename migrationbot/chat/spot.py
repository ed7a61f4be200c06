# SPDX-License-Identifier: AGPL-3.0-or-later
"""The room that a card speaks of, seen from the chat in which the card stands."""

from __future__ import annotations

from dataclasses import dataclass

_LONGEST_NAME = 60  # characters of a room's name


@dataclass(frozen=True, kw_only=True)
class Spot:
    """In the room itself a card says "this room"; anywhere else it has to name it."""

    room_id: str
    name: str  # as people may read it; empty when the room has none
    here: bool


HERE = Spot(room_id="", name="", here=True)


def spot(room_id: str, name: str | None, *, at: str) -> Spot:
    """The room `room_id`, for a card that is posted in the room `at`."""
    return Spot(room_id=room_id, name=title(name or ""), here=room_id == at)


def title(name: str) -> str:
    """A room's name without what nobody sees in it, and what turns its direction."""
    seen = "".join(each if each.isprintable() else " " for each in name)
    return " ".join(seen.split())[:_LONGEST_NAME]
