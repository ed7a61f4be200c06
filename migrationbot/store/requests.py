# SPDX-License-Identifier: AGPL-3.0-or-later
"""The table `migration`: who asked for what, where, and whether it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import LiteralString

from mautrix.util.async_db import Connection

from migrationbot.core.community import Entry
from migrationbot.core.move import Migration, Plan

from . import codec
from .memory import ANY, WHOLE, RememberedTable
from .records import of_whole
from .room_moves import write_moves
from .roster import update_roster, write_roster

_MIGRATIONS: LiteralString = "SELECT * FROM migration "


class Requests(RememberedTable):
    """Beginning a migration, finding it again by all that people know of it, and its end."""

    async def begin(self, asked: Migration, plans: Mapping[str, Plan], roster: Sequence[Entry] = ()) -> int:
        """Store a new migration with one move per room ID, and, of one in many rooms, all that were found.

        Gives its number. Raises AlreadyThere when one of the accounts is moving in one of the rooms.
        """

        async def work(connection: Connection) -> int:
            number = await _write_request(connection, asked)
            await write_moves(connection, number, asked, plans)
            await write_roster(connection, number, roster)
            return number

        return await self._memory.changing([(ANY, room_id) for room_id in plans], self._run(work))

    async def admit(self, migration: Migration, entry: Entry, plan: Plan) -> None:
        """Give a room that could not move before a move of its own.

        Raises AlreadyThere when one of the accounts is moving there.
        """
        number, room_id = migration.number, entry.room_id

        async def work(connection: Connection) -> None:
            await update_roster(connection, number, entry)
            await write_moves(connection, number, migration, {room_id: plan})

        changed = [(number, WHOLE), (number, room_id), (ANY, room_id)]
        await self._memory.changing(changed, self._run(work))

    async def migration(self, number: int) -> Migration | None:
        """The migration with that number, if there is one."""

        async def read() -> Migration | None:
            found = await self._select("WHERE number = $1", number)
            return found[0] if found else None

        found = await self._memory.of((number, WHOLE), "migration", read)
        if found is None or found.ended:
            self._memory.drop(number)
        return found

    async def of_command(self, room_id: str, event_id: str) -> Migration | None:
        """The migration that this message asked for."""
        found = await self._select("WHERE home_room = $1 AND command_event = $2", room_id, event_id)
        return found[0] if found else None

    async def of_thread(self, room_id: str, root: str) -> Sequence[Migration]:
        """The migrations whose cards stand in this thread, or whose card it begins with, the latest first."""
        return await self._select(
            """WHERE (home_room = $1 AND thread_root = $2) OR number IN
                   (SELECT migration FROM step WHERE room_id = $1 AND step = 'room_card' AND event_id = $2)
               ORDER BY number DESC LIMIT 20""",
            room_id,
            root,
        )

    async def of_person(self, user_id: str, *, room_id: str | None, most: int) -> Sequence[Migration]:
        """What this account asked for or is the old account of, in or about one room or all: open ones first.

        Within each, the latest first.
        """
        return await self._select(
            """WHERE (requester = $1 OR old_account = $1) AND (home_room = $2 OR $3 OR number IN
                   (SELECT migration FROM room_move WHERE room_id = $2))
               ORDER BY ended, number DESC LIMIT $4""",
            user_id,
            room_id or "",
            room_id is None,
            most,
        )

    async def of_old(self, old: str, *, room_id: str) -> Sequence[Migration]:
        """The ended migrations of this old account in this room, the latest first."""
        return await self._select(
            """WHERE ended AND number IN
                   (SELECT migration FROM room_move WHERE old_account = $1 AND room_id = $2)
               ORDER BY number DESC LIMIT 5""",
            old,
            room_id,
        )

    async def open_ones(self) -> Sequence[Migration]:
        """All that have not ended, the oldest first."""
        return await self._select("WHERE NOT ended ORDER BY number")

    async def open_of(self, requester: str) -> int:
        """How many migrations this person has asked for that still move a room.

        One that is open only because rooms may come later keeps nobody from asking.
        """
        query: LiteralString = """SELECT count(*) AS count FROM migration
            WHERE requester = $1 AND NOT ended AND number IN
                (SELECT migration FROM room_move WHERE phase <> 'ended')"""
        (row,) = await self._rows(query, requester)
        return int(row["count"])

    async def cancel(self, number: int, by: str) -> None:
        """Record who took the migration back."""
        query = "UPDATE migration SET cancelled_by = $2 WHERE number = $1"
        await self._write_about([(number, WHOLE)], query, number, by)

    async def ended(self, number: int) -> None:
        """Record that the migration is over and told."""
        query = "UPDATE migration SET ended = true WHERE number = $1"
        await self._write_about([(number, WHOLE)], query, number)

    async def _select(self, where: LiteralString, *values: object) -> Sequence[Migration]:
        query = _MIGRATIONS + where

        async def work(connection: Connection) -> Sequence[Migration]:
            rows = await connection.fetch(query, *values)
            return [codec.migration_from_row(row, await of_whole(connection, row["number"])) for row in rows]

        return await self._run(work)


async def _write_request(connection: Connection, asked: Migration) -> int:
    """Gives the number of the migration."""
    number: int = await connection.fetchval(
        """INSERT INTO migration (requester, old_account, new_account, home_room, command_event,
               thread_root, keep_history, created_at, expires_at, options)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING number""",
        asked.requester,
        asked.old,
        asked.new,
        asked.home_room,
        asked.command_event,
        asked.thread_root,
        asked.options.keep_history,
        asked.created_at,
        asked.expires_at,
        codec.options_to_text(asked.options),
    )
    return number
