# SPDX-License-Identifier: AGPL-3.0-or-later
"""Another way into a room, where the space that was to let the new account in will not do so any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from migrationbot.core.community import rerouted, waits_for_space
from migrationbot.core.move import Migration, Phase, RoomMove, Rules
from migrationbot.core.room import RoomState
from migrationbot.core.ways import Way
from migrationbot.matrix.rooms import Rooms
from migrationbot.store.migrations import Migrations
from migrationbot.store.roster import Rosters

_MOST_ALLOWED = 10  # rooms of a join rule that are looked at


@dataclass(frozen=True, kw_only=True)
class Detours:
    """Looks, and changes nothing."""

    store: Migrations
    rosters: Rosters
    rooms: Rooms
    rules: Callable[[], Rules]

    async def rerouted(self, migration: Migration, move: RoomMove, room: RoomState) -> RoomMove:
        """The move as it is to go on."""
        if not waits_for_space(move, room):
            return move
        spaces = sorted(room.allowed_from)[:_MOST_ALLOWED]
        found = await asyncio.gather(*(self.rooms.joined(space, move.new) for space in spaces))
        joined = [space for space, there in zip(spaces, found, strict=True) if there]
        return rerouted(move, room, await self.store.moves(migration, self.rules()), joined)

    async def behind(self, move: RoomMove) -> list[str]:
        """The rooms that the new account may have been going to join by way of this one."""
        entry = await self.rosters.one(move.migration, move.room_id)
        migration = await self.store.migration(move.migration) if entry and entry.is_space else None
        if migration is None:
            return []
        waiting = await self.store.moves(migration, self.rules())
        return [
            each.room_id for each in waiting if each.plan.way is Way.SPACE and each.phase is not Phase.ENDED
        ]
