# SPDX-License-Identifier: AGPL-3.0-or-later
"""The invites that one account got from the bot, over all migrations."""

from __future__ import annotations

from mautrix.util.async_db import Connection

from migrationbot.core.pacing import Spending

from .database import Table

_LOOKS_BACK = 24 * 3_600_000  # milliseconds: what is older counts no more


class Spendings(Table):
    """What core/pacing.py judges by."""

    async def of(self, account: str, *, now: int) -> Spending:
        """When its invites were taken, and when one was last refused. Times: ms since the epoch."""

        async def work(connection: Connection) -> Spending:
            rows = await connection.fetch(
                """SELECT step.at FROM step JOIN migration ON migration.number = step.migration
                   WHERE migration.new_account = $1 AND step.step = 'invite' AND step.done
                       AND step.at > $2""",
                account,
                now - _LOOKS_BACK,
            )
            query = "SELECT at FROM invite_refused WHERE account = $1"
            return Spending(
                taken=tuple(row["at"] for row in rows), refused_at=await connection.fetchval(query, account)
            )

        return await self._run(work)

    async def refused(self, account: str, *, now: int) -> None:
        """Note that one was refused that was beyond the allowance."""
        await self._write(
            """INSERT INTO invite_refused (account, at) VALUES ($1, $2)
               ON CONFLICT (account) DO UPDATE SET at = excluded.at""",
            account,
            now,
        )
