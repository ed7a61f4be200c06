# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people were told about waits, so that nothing is said twice."""

from __future__ import annotations

from collections.abc import Iterable

from mautrix.util.async_db import Connection

from migrationbot.core.approval import Hint
from migrationbot.core.move import Mishap, Reason, RoomMove

from .database import Transactions


class Told:
    """For each move and reason: how often it was said, and whether that still stands."""

    def __init__(self, transactions: Transactions) -> None:
        self._run = transactions.run

    async def times(self, move: RoomMove, reason: Reason | Hint | Mishap) -> tuple[int, bool]:
        """How often this was said in all, and whether what was said last still stands."""

        async def work(connection: Connection) -> tuple[int, bool]:
            row = await connection.fetchrow(
                "SELECT times, standing FROM told WHERE migration = $1 AND room_id = $2 AND reason = $3",
                move.migration,
                move.room_id,
                reason.value,
            )
            return (row["times"], bool(row["standing"])) if row else (0, False)

        return await self._run(work)

    async def add(self, move: RoomMove, reason: Reason | Hint | Mishap) -> None:
        """Note that it was said."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                """INSERT INTO told (migration, room_id, reason, times, standing) VALUES ($1, $2, $3, 1, true)
                   ON CONFLICT (migration, room_id, reason)
                   DO UPDATE SET times = told.times + 1, standing = true""",
                move.migration,
                move.room_id,
                reason.value,
            )

        await self._run(work)

    async def over(self, move: RoomMove) -> None:
        """Note that the waits are over."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "UPDATE told SET standing = false WHERE migration = $1 AND room_id = $2",
                move.migration,
                move.room_id,
            )

        await self._run(work)

    async def how_often(self, key: tuple[int, str], reason: Reason) -> tuple[int, bool]:
        """The same as `times`, by the migration's number and a room ID; '' is the migration as a whole."""

        async def work(connection: Connection) -> tuple[int, bool]:
            query = "SELECT times, standing FROM told WHERE migration = $1 AND room_id = $2 AND reason = $3"
            row = await connection.fetchrow(query, *key, reason.value)
            return (row["times"], bool(row["standing"])) if row else (0, False)

        return await self._run(work)

    async def note(self, key: tuple[int, str], reason: Reason) -> None:
        """Note that it was said."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                """INSERT INTO told (migration, room_id, reason, times, standing) VALUES ($1, $2, $3, 1, true)
                   ON CONFLICT (migration, room_id, reason)
                   DO UPDATE SET times = told.times + 1, standing = true""",
                *key,
                reason.value,
            )

        await self._run(work)

    async def only(self, key: tuple[int, str], reasons: Iterable[Reason]) -> None:
        """Note that no other waits are left than these."""
        left = {reason.value for reason in reasons}

        async def work(connection: Connection) -> None:
            query = "SELECT reason FROM told WHERE migration = $1 AND room_id = $2 AND standing"
            for row in await connection.fetch(query, *key):
                if row["reason"] not in left:
                    await connection.execute(
                        """UPDATE told SET standing = false
                           WHERE migration = $1 AND room_id = $2 AND reason = $3""",
                        *key,
                        row["reason"],
                    )

        await self._run(work)
