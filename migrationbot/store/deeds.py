# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bot has tried after an upgrade of a room: intended before it is tried, done once it was taken."""

from __future__ import annotations

from collections.abc import Mapping

from migrationbot.core.move import RoomMove
from migrationbot.core.steps import Step
from migrationbot.core.succession import Deed

from .database import Table


class Deeds(Table):
    """Each by what it was about: an account, a room or an alias."""

    async def of(self, move: RoomMove) -> Mapping[tuple[Step, str], Deed]:
        """All of one move."""
        rows = await self._rows(
            "SELECT * FROM deed WHERE migration = $1 AND room_id = $2", move.migration, move.room_id
        )
        return {
            (Step(row["step"]), row["target"]): Deed(
                done=bool(row["done"]), failed=bool(row["failed"]), tries=row["tries"], at=row["at"]
            )
            for row in rows
        }

    async def intend(self, move: RoomMove, step: Step, target: str, *, now: int) -> None:
        """Write down what is about to be tried, for the first time or again."""
        await self._write(
            """INSERT INTO deed (migration, room_id, step, target, done, failed, tries, at)
               VALUES ($1, $2, $3, $4, false, false, 1, $5)
               ON CONFLICT (migration, room_id, step, target)
               DO UPDATE SET tries = deed.tries + CASE WHEN deed.failed THEN 1 ELSE 0 END,
                   failed = false, at = excluded.at""",
            move.migration,
            move.room_id,
            step.value,
            target,
            now,
        )

    async def tried(self, move: RoomMove, step: Step, target: str, *, done: bool, now: int) -> None:
        """Write down how it went."""
        await self._write(
            """UPDATE deed SET done = $5, failed = $6, at = $7
               WHERE migration = $1 AND room_id = $2 AND step = $3 AND target = $4""",
            move.migration,
            move.room_id,
            step.value,
            target,
            done,
            not done,
            now,
        )
