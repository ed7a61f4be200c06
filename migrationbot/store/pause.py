# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether an operator has paused the bot."""

from __future__ import annotations

from dataclasses import dataclass

from mautrix.util.async_db import Connection

from migrationbot.core.reasons import Reason

from .database import Table, Transactions


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Who paused the bot, and when."""

    by: str  # a user ID
    at: int  # milliseconds since the epoch


class Pauses(Table):
    """One row while the bot is paused, none otherwise. No other program writes it, so it is read once."""

    def __init__(self, transactions: Transactions) -> None:
        super().__init__(transactions)
        self._known: Pause | None = None
        self._read = False

    async def now(self) -> Pause | None:
        """The pause that holds now, if one does. Raises StoreDown."""
        if self._read:
            return self._known
        row = await self._row("SELECT paused_by, at FROM pause")
        found = Pause(by=row["paused_by"], at=row["at"]) if row else None
        if not self._read:  # else it was paused or resumed meanwhile
            self._known, self._read = found, True
        return self._known

    async def begin(self, pause: Pause) -> Pause:
        """Pause the bot, unless it is paused; gives the pause that holds. Raises StoreDown."""
        standing = await self.now()
        if standing is not None:
            return standing
        await self._write(
            """INSERT INTO pause (only_row, paused_by, at) VALUES (1, $1, $2)
               ON CONFLICT (only_row) DO NOTHING""",
            pause.by,
            pause.at,
        )
        self._known, self._read = pause, True
        return pause

    async def end(self) -> None:
        """Resume; the next pause is told to people anew. Raises StoreDown."""

        async def work(connection: Connection) -> None:
            await connection.execute("DELETE FROM pause")
            said = Reason.PAUSED.value
            await connection.execute("UPDATE told SET standing = false WHERE reason = $1", said)

        await self._run(work)
        self._known, self._read = None, True
