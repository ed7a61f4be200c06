# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where a message about a migration is posted: in the thread where it was asked, or in the room itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.steps import Step
from migrationbot.matrix.messages import in_thread
from migrationbot.matrix.rooms import Message, Rooms
from migrationbot.moves.steps import Place
from migrationbot.store.memory import WHOLE


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A room and a thread in it, for the cards of a migration as a whole or of one room."""

    place: Place
    room_id: str
    root: str | None = None  # the thread's; None: in no thread

    def content(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The content of a message, as it is posted here."""
        return dict(content) if self.root is None else in_thread(content, self.root)


def at_home(migration: Migration) -> Stage:
    """Where it was asked."""
    place = Place(migration=migration, room_id=WHOLE)
    return Stage(place=place, room_id=migration.home_room, root=migration.thread_root)


def in_room(migration: Migration, move: RoomMove) -> Stage:
    """In the room itself, below the request card there, if there is one."""
    place = Place(migration=migration, room_id=move.room_id)
    return Stage(place=place, room_id=move.room_id, root=move.event_of(Step.ROOM_CARD))


def about_room(migration: Migration, move: RoomMove) -> Stage:
    """Where people are told what they have to do in one room."""
    return replace(nearest(migration, move), place=Place(migration=migration, room_id=move.room_id))


async def said_on(stage: Stage, rooms: Rooms, sender: str) -> tuple[Message, ...]:
    """The latest messages there of this account, and perhaps of others."""
    if stage.root is None:
        return await rooms.said_by(stage.room_id, sender)
    return await rooms.thread(stage.room_id, stage.root)


def nearest(migration: Migration, move: RoomMove) -> Stage:
    """Where those of the room read along: in it where it has a request card of its own, else at home."""
    return at_home(migration) if move.event_of(Step.ROOM_CARD) is None else in_room(migration, move)
