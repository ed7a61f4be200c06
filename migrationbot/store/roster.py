# SPDX-License-Identifier: AGPL-3.0-or-later
"""The rooms of migrations that span many, as they were found when they were asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mautrix.util.async_db import Connection

from migrationbot.core.community import Entry
from migrationbot.core.errors import Code

from .database import Row, Transactions


async def write_roster(connection: Connection, number: int, entries: Sequence[Entry]) -> None:
    """Store the rooms of a new migration, in their order."""
    for position, entry in enumerate(entries):
        await connection.execute(
            """INSERT INTO roster (migration, room_id, position, name, is_space, at_home, code, details)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
            number,
            entry.room_id,
            position,
            entry.name,
            entry.is_space,
            entry.at_home,
            entry.code.value if entry.code else "",
            json.dumps(dict(entry.details)),
        )


class Rosters:
    """Reads them back."""

    def __init__(self, transactions: Transactions) -> None:
        self._run = transactions.run

    async def of(self, number: int) -> Sequence[Entry]:
        """All rooms of that migration, in order; none when it was asked for in one room."""

        async def work(connection: Connection) -> Sequence[Entry]:
            query = "SELECT * FROM roster WHERE migration = $1 ORDER BY position"
            return [_entry(row) for row in await connection.fetch(query, number)]

        return await self._run(work)

    async def note(self, number: int, entry: Entry) -> None:
        """Store how one of its rooms that could not move is found now."""

        async def work(connection: Connection) -> None:
            await update_roster(connection, number, entry)

        await self._run(work)

    async def one(self, number: int, room_id: str) -> Entry | None:
        """One of its rooms."""

        async def work(connection: Connection) -> Entry | None:
            query = "SELECT * FROM roster WHERE migration = $1 AND room_id = $2"
            row = await connection.fetchrow(query, number, room_id)
            return _entry(row) if row else None

        return await self._run(work)


async def update_roster(connection: Connection, number: int, entry: Entry) -> None:
    """Store how a room is found now, as part of a transaction."""
    await connection.execute(
        """UPDATE roster SET name = $3, is_space = $4, at_home = $5, code = $6, details = $7
           WHERE migration = $1 AND room_id = $2""",
        number,
        entry.room_id,
        entry.name,
        entry.is_space,
        entry.at_home,
        entry.code.value if entry.code else "",
        json.dumps(dict(entry.details)),
    )


def _entry(row: Row) -> Entry:
    return Entry(
        room_id=row["room_id"],
        name=row["name"],
        is_space=bool(row["is_space"]),
        at_home=bool(row["at_home"]),
        code=Code(row["code"]) if row["code"] else None,
        details=json.loads(row["details"]),
    )
