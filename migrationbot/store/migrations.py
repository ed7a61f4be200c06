# SPDX-License-Identifier: AGPL-3.0-or-later
"""Migrations, room moves and their steps, as the database holds them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import LiteralString

from mautrix.util.async_db import Connection

from migrationbot.core.community import Entry
from migrationbot.core.move import Ending, Migration, Phase, Plan, Record, RoomMove, Rules, Step, Trouble
from migrationbot.core.turns import Turn, turn

from . import codec
from .database import Transactions
from .roster import write_roster

_MIGRATIONS: LiteralString = "SELECT * FROM migration "
WHOLE = ""  # the `room_id` of steps that belong to the migration as a whole


class Migrations:
    """Every query about migrations. Each method is one transaction."""

    def __init__(self, transactions: Transactions, *, bot: str) -> None:
        """`bot` is the bot's own user ID, which every move carries."""
        self._run = transactions.run
        self._bot = bot

    async def begin(self, asked: Migration, plans: Mapping[str, Plan], roster: Sequence[Entry] = ()) -> int:
        """Store a new migration with one move per room ID, and, of one in many rooms, all that were found.

        Gives its number. Raises AlreadyThere when one of the accounts is moving in one of the rooms.
        """

        async def work(connection: Connection) -> int:
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
            for room_id, plan in plans.items():
                await connection.execute(
                    """INSERT INTO room_move
                           (migration, room_id, old_account, new_account, plan, phase, expires_at)
                       VALUES ($1, $2, $3, $4, $5, $6, $7)""",
                    number,
                    room_id,
                    asked.old,
                    asked.new,
                    codec.plan_to_text(plan),
                    Phase.ASKING.value,
                    asked.expires_at,
                )
            await write_roster(connection, number, roster)
            return number

        return await self._run(work)

    async def migration(self, number: int) -> Migration | None:
        """The migration with that number, if there is one."""
        found = await self._select("WHERE number = $1", number)
        return found[0] if found else None

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
        """How many open migrations this person has asked for."""

        async def work(connection: Connection) -> int:
            query = "SELECT count(*) FROM migration WHERE requester = $1 AND NOT ended"
            return int(await connection.fetchval(query, requester))

        return await self._run(work)

    async def active_in(self, room_id: str, accounts: Iterable[str]) -> int | None:
        """The number of a migration that moves one of these accounts in this room now."""

        async def work(connection: Connection) -> int | None:
            for account in accounts:
                number: int | None = await connection.fetchval(
                    """SELECT migration FROM room_move
                       WHERE room_id = $1 AND phase <> 'ended' AND (old_account = $2 OR new_account = $2)""",
                    room_id,
                    account,
                )
                if number is not None:
                    return number
            return None

        return await self._run(work)

    async def rooms_of(self, number: int) -> Sequence[str]:
        """The rooms of a migration, in the order in which they are to move."""

        async def work(connection: Connection) -> Sequence[str]:
            rows = await connection.fetch(
                """SELECT room_move.room_id FROM room_move LEFT JOIN roster
                       ON roster.migration = room_move.migration AND roster.room_id = room_move.room_id
                   WHERE room_move.migration = $1 ORDER BY roster.position, room_move.room_id""",
                number,
            )
            return [row["room_id"] for row in rows]

        return await self._run(work)

    async def room_cards(self, number: int) -> Sequence[tuple[str, str]]:
        """The cards that are about single rooms, and are answered: room IDs and event IDs."""

        async def work(connection: Connection) -> Sequence[tuple[str, str]]:
            query = """SELECT room_id, event_id FROM step WHERE migration = $1 AND done
                           AND step IN ('room_card', 'ask_old') AND event_id IS NOT NULL"""
            rows = await connection.fetch(query, number)
            return [(row["room_id"], row["event_id"]) for row in rows]

        return await self._run(work)

    async def move(self, migration: Migration, room_id: str, rules: Rules) -> RoomMove:
        """One room's move, with the migration's own steps among its records. Raises KeyError."""

        async def work(connection: Connection) -> RoomMove:
            query = "SELECT * FROM room_move WHERE migration = $1 AND room_id = $2"
            row = await connection.fetchrow(query, migration.number, room_id)
            if row is None:
                raise KeyError(room_id)
            records = await _of_room(connection, migration.number, room_id)
            others = await connection.fetchval(
                """SELECT count(*) FROM room_move
                   WHERE room_id = $1 AND migration <> $2 AND phase <> 'ended'""",
                room_id,
                migration.number,
            )
            return replace(self._move(row, migration, records, rules), alone=others == 0)

        return await self._run(work)

    async def moves(self, migration: Migration, rules: Rules) -> Sequence[RoomMove]:
        """All its moves, in the order in which they are to move."""
        rooms = await self.rooms_of(migration.number)

        async def work(connection: Connection) -> Sequence[RoomMove]:
            rows = await connection.fetch("SELECT * FROM room_move WHERE migration = $1", migration.number)
            by_room = {row["room_id"]: row for row in rows}
            query = "SELECT * FROM step WHERE migration = $1 ORDER BY attempt"
            records: dict[str, dict[Step, Record]] = {room_id: {} for room_id in (*rooms, WHOLE)}
            for row in await connection.fetch(query, migration.number):
                record = codec.record_from_row(row)
                records[row["room_id"]][record.step] = record
            return [self._move(by_room[each], migration, records[each], rules) for each in rooms]

        return await self._run(work)

    def _move(
        self, row: codec.Row, migration: Migration, records: Mapping[Step, Record], rules: Rules
    ) -> RoomMove:
        return RoomMove(
            migration=migration.number,
            room_id=row["room_id"],
            bot=self._bot,
            requester=migration.requester,
            old=migration.old,
            new=migration.new,
            plan=codec.plan_from_text(row["plan"]),
            rules=rules,
            options=migration.options,
            phase=Phase(row["phase"]),
            expires_at=row["expires_at"],
            approved_level=row["approved_level"],
            approvers=tuple(json.loads(row["approvers"])),
            records={**records, **migration.records},
            trouble=codec.trouble_from_text(row["trouble"]),
            ending=codec.ending_from_text(row["ending"]),
        )

    async def turned(self, move: RoomMove, by: Turn, *, ending: Ending | None = None) -> Phase:
        """Record that the move entered another phase. Raises WrongTurn for one that the table lacks."""
        phase = turn(move.phase, by)

        async def work(connection: Connection) -> Phase:
            await connection.execute(
                """UPDATE room_move SET phase = $3, ending = $4, trouble = NULL
                   WHERE migration = $1 AND room_id = $2""",
                move.migration,
                move.room_id,
                phase.value,
                codec.ending_to_text(ending),
            )
            return phase

        return await self._run(work)

    async def approved(self, move: RoomMove, approvers: Sequence[str], level: int | None, until: int) -> None:
        """Record an approval: whose, the old account's level then, and until when the rest may take."""
        phase = turn(move.phase, Turn.APPROVED)

        async def work(connection: Connection) -> None:
            await connection.execute(
                """UPDATE room_move SET phase = $3, approvers = $4, approved_level = $5, expires_at = $6,
                       trouble = NULL
                   WHERE migration = $1 AND room_id = $2""",
                move.migration,
                move.room_id,
                phase.value,
                json.dumps(list(approvers)),
                level,
                until,
            )

        await self._run(work)

    async def agreed(self, move: RoomMove, approvers: Sequence[str]) -> None:
        """Record whose approval it is now that the move rests on."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "UPDATE room_move SET approvers = $3 WHERE migration = $1 AND room_id = $2",
                move.migration,
                move.room_id,
                json.dumps(list(approvers)),
            )

        await self._run(work)

    async def in_trouble(self, move: RoomMove, trouble: Trouble | None) -> None:
        """Record that a step has to be tried again, or that it no longer has to."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "UPDATE room_move SET trouble = $3 WHERE migration = $1 AND room_id = $2",
                move.migration,
                move.room_id,
                codec.trouble_to_text(trouble),
            )

        await self._run(work)

    async def try_now(self, move: RoomMove) -> None:
        """Let the step that failed be tried at once, unless its trouble has changed since `move` was read."""
        if move.trouble is None:
            return
        now = replace(move.trouble, retry_at=0)

        async def work(connection: Connection) -> None:
            await connection.execute(
                """UPDATE room_move SET trouble = $3
                   WHERE migration = $1 AND room_id = $2 AND trouble = $4""",
                move.migration,
                move.room_id,
                codec.trouble_to_text(now),
                codec.trouble_to_text(move.trouble),
            )

        await self._run(work)

    async def cancel(self, number: int, by: str) -> None:
        """Record who took the migration back."""

        async def work(connection: Connection) -> None:
            await connection.execute("UPDATE migration SET cancelled_by = $2 WHERE number = $1", number, by)

        await self._run(work)

    async def ended(self, number: int) -> None:
        """Record that the migration is over and told."""

        async def work(connection: Connection) -> None:
            await connection.execute("UPDATE migration SET ended = true WHERE number = $1", number)

        await self._run(work)

    async def intend(self, number: int, room_id: str, record: Record) -> None:
        """Write down what is about to be done, before it is done. The same intent twice is one."""

        async def work(connection: Connection) -> None:
            await connection.execute(
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

        await self._run(work)

    async def accomplished(self, number: int, room_id: str, record: Record, *, now: int) -> None:
        """Write down that the room shows the step done."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                """UPDATE step SET done = true, event_id = $5, at = $6
                   WHERE migration = $1 AND room_id = $2 AND step = $3 AND attempt = $4""",
                number,
                room_id,
                record.step.value,
                record.attempt,
                record.event_id,
                now,
            )

        await self._run(work)

    async def _select(self, where: LiteralString, *values: object) -> Sequence[Migration]:

        async def work(connection: Connection) -> Sequence[Migration]:
            rows = await connection.fetch(_MIGRATIONS + where, *values)
            return [codec.migration_from_row(row, await _whole(connection, row["number"])) for row in rows]

        return await self._run(work)


async def _whole(connection: Connection, number: int) -> dict[Step, Record]:
    """The steps of the migration as a whole. The new account is asked once, in whichever room that is."""
    return await _records(
        connection,
        """SELECT * FROM step
           WHERE migration = $1 AND (room_id = $2 OR step IN ('confirm_card', 'seed_confirm'))
           ORDER BY attempt, done""",
        number,
        WHOLE,
    )


async def _of_room(connection: Connection, number: int, room_id: str) -> dict[Step, Record]:
    query: LiteralString = "SELECT * FROM step WHERE migration = $1 AND room_id = $2 ORDER BY attempt"
    return await _records(connection, query, number, room_id)


async def _records(connection: Connection, query: LiteralString, *values: object) -> dict[Step, Record]:
    records = [codec.record_from_row(row) for row in await connection.fetch(query, *values)]
    return {record.step: record for record in records}  # the latest attempt stays
