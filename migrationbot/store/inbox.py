# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which messages were answered, and how far the bot has looked."""

from __future__ import annotations

from mautrix.util.async_db import Connection

from .database import Table

KEPT_FOR = 30 * 24 * 3_600_000  # milliseconds: no catching up reaches further back


class Answered(Table):
    """The commands that were answered, so that none is answered twice, and the sync token reached."""

    async def has(self, room_id: str, event_id: str) -> bool:
        """Whether this message was answered."""
        query = "SELECT 1 FROM answered WHERE room_id = $1 AND event_id = $2"
        return await self._row(query, room_id, event_id) is not None

    async def add(self, room_id: str, event_id: str, *, now: int) -> None:
        """Note that this message was answered; notes older than a month are dropped."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "INSERT INTO answered (room_id, event_id, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                room_id,
                event_id,
                now,
            )
            await connection.execute("DELETE FROM answered WHERE at < $1", now - KEPT_FOR)

        await self._run(work)

    async def token(self) -> str | None:
        """The sync token up to which everything was seen."""
        row = await self._row("SELECT token FROM sync_cursor")
        return row["token"] if row else None

    async def reached(self, token: str) -> None:
        """Everything before this sync token was seen and noted."""
        await self._write(
            """INSERT INTO sync_cursor (only_row, token) VALUES (1, $1)
               ON CONFLICT (only_row) DO UPDATE SET token = excluded.token""",
            token,
        )
