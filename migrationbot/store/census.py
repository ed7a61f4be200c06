# SPDX-License-Identifier: AGPL-3.0-or-later
"""How many migrations there are, and how they stand or ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from mautrix.util.async_db import Connection

from migrationbot.core.move import Phase
from migrationbot.core.reasons import Outcome

from . import codec
from .database import Table


@dataclass(frozen=True, kw_only=True)
class Census:
    """Counts of one moment."""

    open: int  # migrations that have not ended
    moves: Mapping[Phase, int]  # room moves that have not ended
    paused: bool  # whether an operator has paused the bot


class Counting(Table):
    """Counts what the database holds."""

    async def now(self) -> Census:
        """What is open. Raises StoreDown."""

        async def work(connection: Connection) -> Census:
            open_ones = await connection.fetchval("SELECT count(*) FROM migration WHERE NOT ended")
            moves = await connection.fetch(
                "SELECT phase, count(*) AS count FROM room_move WHERE phase <> 'ended' GROUP BY phase"
            )
            return Census(
                open=open_ones,
                moves={Phase(row["phase"]): row["count"] for row in moves},
                paused=await connection.fetchrow("SELECT 1 FROM pause") is not None,
            )

        return await self._run(work)

    async def ended(self) -> Mapping[Outcome, int]:
        """How room moves ended, over all time. Raises StoreDown."""
        rows = await self._rows("SELECT ending FROM room_move WHERE phase = 'ended'")
        endings = (codec.ending_from_text(row["ending"]) for row in rows)
        return Counter(ending.outcome for ending in endings if ending is not None)
