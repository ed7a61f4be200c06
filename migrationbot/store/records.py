# SPDX-License-Identifier: AGPL-3.0-or-later
"""The table `step`: what the bot is about to do and has done, in each room and for a migration as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mautrix.util.async_db import Connection

from migrationbot.core.steps import Record, Step

from . import codec
from .database import Row
from .memory import WHOLE, Place, RememberedTable

_OF_WHOLE = frozenset({Step.CONFIRM_CARD, Step.SEED_CONFIRM})  # asked once, in whichever room that is
_ANSWERED = frozenset({Step.ROOM_CARD, Step.ASK_OLD})  # cards about single rooms


class Records(RememberedTable):
    """Writing steps down, before they are done and once the room shows them done."""

    async def intend(self, number: int, room_id: str, record: Record) -> None:
        """Write down what is about to be done, before it is done. The same intent twice is one."""
        await self._write_about(
            _about(number, room_id, record.step),
            """INSERT INTO step (migration, room_id, step, attempt, done, base, at)
               VALUES ($1, $2, $3, $4, false, $5, $6)
               ON CONFLICT (migration, room_id, step, attempt)
               DO UPDATE SET base = excluded.base, at = excluded.at""",
            number,
            room_id,
            record.step.value,
            record.attempt,
            record.base,
            record.at,
        )

    async def accomplished(self, number: int, room_id: str, record: Record, *, now: int) -> None:
        """Write down that the room shows the step done."""
        await self._write_about(
            _about(number, room_id, record.step),
            """UPDATE step SET done = true, event_id = $5, at = $6
               WHERE migration = $1 AND room_id = $2 AND step = $3 AND attempt = $4""",
            number,
            room_id,
            record.step.value,
            record.attempt,
            record.event_id,
            now,
        )

    async def room_cards(self, number: int) -> Sequence[tuple[str, str]]:
        """The cards that are about single rooms, and are answered: room IDs and event IDs."""

        async def read() -> Sequence[tuple[str, str]]:
            rows = await self._rows(
                """SELECT room_id, event_id FROM step WHERE migration = $1 AND done
                       AND step IN ('room_card', 'ask_old') AND event_id IS NOT NULL""",
                number,
            )
            return [(row["room_id"], row["event_id"]) for row in rows]

        return await self._memory.of((number, WHOLE), "room cards", read)


def _about(number: int, room_id: str, step: Step) -> tuple[Place, ...]:
    """What a step is about."""
    whole = step in _OF_WHOLE | _ANSWERED
    return ((number, room_id), (number, WHOLE)) if whole else ((number, room_id),)


async def of_whole(connection: Connection, number: int) -> Mapping[Step, Record]:
    """The steps of the migration as a whole. The new account is asked once, in whichever room that is."""
    rows = await connection.fetch(
        """SELECT * FROM step
           WHERE migration = $1 AND (room_id = $2 OR step IN ('confirm_card', 'seed_confirm'))
           ORDER BY attempt, done""",
        number,
        WHOLE,
    )
    return _latest(rows)


async def of_room(connection: Connection, number: int, room_id: str) -> Mapping[Step, Record]:
    """The steps of one room."""
    query = "SELECT * FROM step WHERE migration = $1 AND room_id = $2 ORDER BY attempt"
    return _latest(await connection.fetch(query, number, room_id))


async def of_rooms(connection: Connection, number: int) -> Mapping[str, Mapping[Step, Record]]:
    """The steps of all rooms, by room ID; a room in which nothing was done yet is not among them."""
    query = "SELECT * FROM step WHERE migration = $1 ORDER BY attempt"
    by_room: dict[str, list[Row]] = {}
    for row in await connection.fetch(query, number):
        by_room.setdefault(row["room_id"], []).append(row)
    return {room_id: _latest(rows) for room_id, rows in by_room.items()}


def _latest(rows: Iterable[Row]) -> Mapping[Step, Record]:
    """The last row of each step, which is its latest attempt."""
    records = (codec.record_from_row(row) for row in rows)
    return {record.step: record for record in records}
