# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people were told about waits, so that nothing is said twice."""

from __future__ import annotations

from collections.abc import Iterable

from mautrix.util.async_db import Connection

from migrationbot.core.approval import Hint
from migrationbot.core.move import RoomMove
from migrationbot.core.reasons import Mishap, Reason

from .database import Table


class Told(Table):
    """For each move and reason: how often it was said, and whether that still stands."""

    async def times(self, move: RoomMove, reason: Reason | Hint | Mishap) -> tuple[int, bool]:
        """How often this was said in all, and whether what was said last still stands."""
        return await self.how_often((move.migration, move.room_id), reason)

    async def add(self, move: RoomMove, reason: Reason | Hint | Mishap) -> None:
        """Note that it was said."""
        await self.note((move.migration, move.room_id), reason)

    async def over(self, move: RoomMove) -> None:
        """Note that the waits are over."""
        await self._write(
            "UPDATE told SET standing = false WHERE migration = $1 AND room_id = $2",
            move.migration,
            move.room_id,
        )

    async def how_often(self, key: tuple[int, str], reason: Reason | Hint | Mishap) -> tuple[int, bool]:
        """The same as `times`, by the migration's number and a room ID; '' is the migration as a whole."""
        query = "SELECT times, standing FROM told WHERE migration = $1 AND room_id = $2 AND reason = $3"
        row = await self._row(query, *key, reason.value)
        return (row["times"], bool(row["standing"])) if row else (0, False)

    async def note(self, key: tuple[int, str], reason: Reason | Hint | Mishap) -> None:
        """Note that it was said."""
        await self._write(
            """INSERT INTO told (migration, room_id, reason, times, standing) VALUES ($1, $2, $3, 1, true)
               ON CONFLICT (migration, room_id, reason)
               DO UPDATE SET times = told.times + 1, standing = true""",
            *key,
            reason.value,
        )

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
