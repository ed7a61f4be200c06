# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms that could not move when it was asked for, and do once what was in their way is gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from logging import Logger

from migrationbot.core.community import Entry, Prospect, may_still_come
from migrationbot.core.move import Migration, RoomMove, Rules
from migrationbot.moves.announcing import announced
from migrationbot.moves.steps import Clock
from migrationbot.store.database import AlreadyThere
from migrationbot.store.migrations import Migrations
from migrationbot.store.roster import Rosters

# Looks at a room again, given the spaces that let the new account in.
Look = Callable[[Migration, Entry, frozenset[str]], Awaitable[Prospect]]


@dataclass(frozen=True, kw_only=True)
class Latecomers:
    """Looks at them again. What was agreed to counts there as it does elsewhere: by those who may say so."""

    store: Migrations
    rosters: Rosters
    look: Look
    rules: Callable[[], Rules]
    now: Clock
    log: Logger

    async def of(self, migration: Migration, moves: Sequence[RoomMove] | None = None) -> tuple[Entry, ...]:
        """Those that may still come."""
        if not migration.many or migration.ended:
            return ()
        if moves is None:
            moves = await self.store.moves(migration, self.rules())
        return may_still_come(migration, moves, await self.rosters.of(migration.number), self.now())

    async def look_again(self, migration: Migration, room_id: str) -> Prospect | None:
        """The room as it is now, noted down; None when it is not to be waited for any more, or moves."""
        if not announced(migration):
            return None
        moves = await self.store.moves(migration, self.rules())
        before = _named(await self.of(migration, moves), room_id)
        if before is None:
            return None
        entries, going = await self.rosters.of(migration.number), {move.room_id for move in moves}
        spaces = frozenset(entry.room_id for entry in entries if entry.is_space and entry.room_id in going)
        found = await self.look(migration, before, spaces)
        if found.plan is None and found.entry != before:
            await self.rosters.note(migration.number, found.entry)
        return found

    async def admit(self, number: int, found: Prospect) -> None:
        """Let the room move from now on, if the migration is still open for it."""
        migration = await self.store.migration(number)
        if migration is None or found.plan is None:
            return
        if _named(await self.of(migration), found.entry.room_id) is None:
            return
        try:
            await self.store.admit(migration, found.entry, found.plan)
        except AlreadyThere:
            return  # it began to move for another request meanwhile
        self.log.info("migration %d in %s: can move now", number, found.entry.room_id)


def _named(entries: Sequence[Entry], room_id: str) -> Entry | None:
    return next((entry for entry in entries if entry.room_id == room_id), None)
