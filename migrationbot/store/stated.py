# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people typed instead of reacting: where each answer can be read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from migrationbot.core.approval import Answer

from .database import Table

MOST_READ = 20  # each is read back from the homeserver before every act


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One message that answers a request. It counts as long as the homeserver still shows it so."""

    room_id: str
    event_id: str
    sender: str
    answer: Answer


class Stated(Table):
    """The latest statement of each person about each migration."""

    async def add(self, number: int, statement: Statement, *, now: int) -> None:
        """Note what somebody typed; it takes the place of what they typed before."""
        await self._write(
            """INSERT INTO stated (migration, sender, room_id, event_id, answer, at)
               VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (migration, sender)
               DO UPDATE SET room_id = excluded.room_id, event_id = excluded.event_id,
                   answer = excluded.answer, at = excluded.at""",
            number,
            statement.sender,
            statement.room_id,
            statement.event_id,
            statement.answer.name,
            now,
        )

    async def of(self, number: int) -> Sequence[Statement]:
        """The statements about a migration: what says no first, then the earliest, MOST_READ at most.

        So nobody's later yes pushes out a no, or a yes that counted.
        """
        rows = await self._rows(
            """SELECT room_id, event_id, sender, answer FROM stated WHERE migration = $1
               ORDER BY answer, at, sender LIMIT $2""",
            number,
            MOST_READ,
        )
        return [
            Statement(
                room_id=row["room_id"],
                event_id=row["event_id"],
                sender=row["sender"],
                answer=Answer[row["answer"]],
            )
            for row in rows
        ]
