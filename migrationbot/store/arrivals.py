# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which invites the bot still has to follow, and in which rooms it has introduced itself."""

from __future__ import annotations

from collections.abc import Sequence

from mautrix.util.async_db import Connection

from .database import Table


class Arrivals(Table):
    """One row for each room that the bot follows an invite to, or has introduced itself in."""

    async def expected(self, room_id: str) -> None:
        """Note an invite that is going to be followed. Raises StoreDown."""
        await self._write(
            """INSERT INTO arrival (room_id, expected, greeted) VALUES ($1, true, false)
               ON CONFLICT (room_id) DO UPDATE SET expected = true""",
            room_id,
        )

    async def over(self, room_id: str) -> None:
        """Note that the invite was followed, or can't be. Raises StoreDown."""

        async def work(connection: Connection) -> None:
            await connection.execute("DELETE FROM arrival WHERE room_id = $1 AND NOT greeted", room_id)
            await connection.execute("UPDATE arrival SET expected = false WHERE room_id = $1", room_id)

        await self._run(work)

    async def greeted(self, room_id: str) -> None:
        """Note that the bot is there and has introduced itself, once and for all. Raises StoreDown."""
        await self._write(
            """INSERT INTO arrival (room_id, expected, greeted) VALUES ($1, false, true)
               ON CONFLICT (room_id) DO UPDATE SET expected = false, greeted = true""",
            room_id,
        )

    async def is_greeted(self, room_id: str) -> bool:
        """Whether the bot has introduced itself there. Raises StoreDown."""
        query = "SELECT 1 FROM arrival WHERE room_id = $1 AND greeted"
        return await self._row(query, room_id) is not None

    async def still_expected(self) -> Sequence[str]:
        """The rooms whose invite was not followed to its end. Raises StoreDown."""
        rows = await self._rows("SELECT room_id FROM arrival WHERE expected")
        return [row["room_id"] for row in rows]
