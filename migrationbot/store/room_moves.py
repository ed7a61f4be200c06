# SPDX-License-Identifier: AGPL-3.0-or-later
"""The table `room_move`: how each migration stands in each of its rooms."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mautrix.util.async_db import Connection

from migrationbot.core.move import Migration, Phase, Plan, RoomMove, Rules
from migrationbot.core.reasons import Ending, Trouble
from migrationbot.core.steps import Record, Step
from migrationbot.core.turns import Turn, turn

from . import codec
from .database import Row, Transactions
from .memory import ANY, WHOLE, Place, RememberedTable
from .records import of_room, of_rooms


class RoomMoves(RememberedTable):
    """Reading moves, and writing down each turn that they take."""

    def __init__(self, transactions: Transactions, *, bot: str) -> None:
        """`bot` is the bot's own user ID, which every move carries."""
        super().__init__(transactions)
        self._bot = bot

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

        async def read() -> Sequence[str]:
            rows = await self._rows(
                """SELECT room_move.room_id FROM room_move LEFT JOIN roster
                       ON roster.migration = room_move.migration AND roster.room_id = room_move.room_id
                   WHERE room_move.migration = $1 ORDER BY roster.position, room_move.room_id""",
                number,
            )
            return [row["room_id"] for row in rows]

        return await self._memory.of((number, WHOLE), "rooms", read)

    async def move(self, migration: Migration, room_id: str, rules: Rules) -> RoomMove:
        """One room's move, with the migration's own steps among its records. Raises KeyError."""
        number = migration.number

        async def read() -> RoomMove:
            found = await self._run(lambda connection: self._read(connection, migration, rules, room_id))
            return found[number, room_id]

        move = await self._memory.of((number, room_id), "move", read)
        users = await self._memory.of((ANY, room_id), "users", lambda: self._users(room_id))
        return replace(_with(move, migration, rules), alone=users <= {number})

    async def still_open(self, number: int) -> bool:
        """Whether the migration has a move that has not ended."""
        query = "SELECT 1 FROM room_move WHERE migration = $1 AND phase <> 'ended' LIMIT 1"
        return await self._row(query, number) is not None

    async def moves(self, migration: Migration, rules: Rules) -> Sequence[RoomMove]:
        """All its moves, in the order in which they are to move."""
        rooms = await self.rooms_of(migration.number)
        found = await self._memory.of_all(
            [(migration.number, room_id) for room_id in rooms],
            "move",
            lambda: self._run(lambda connection: self._read(connection, migration, rules)),
        )
        return [_with(move, migration, rules) for move in found]

    async def _read(
        self, connection: Connection, migration: Migration, rules: Rules, room_id: str | None = None
    ) -> Mapping[Place, RoomMove]:
        """The moves as the database holds them, of one room or of all. Raises KeyError."""
        number, query = migration.number, "SELECT * FROM room_move WHERE migration = $1"
        if room_id is None:
            rows = await connection.fetch(query, number)
            records = await of_rooms(connection, number)
        else:
            rows = await connection.fetch(query + " AND room_id = $2", number, room_id)
            records = {room_id: await of_room(connection, number, room_id)}
        return {
            (number, row["room_id"]): self._move(row, migration, records.get(row["room_id"], {}), rules)
            for row in rows
        }

    async def _users(self, room_id: str) -> frozenset[int]:
        """The numbers of the open migrations that need the bot in this room."""
        rows = await self._rows(
            "SELECT migration FROM room_move WHERE room_id = $1 AND phase <> 'ended'", room_id
        )
        return frozenset(row["migration"] for row in rows)

    def _move(self, row: Row, migration: Migration, records: Mapping[Step, Record], rules: Rules) -> RoomMove:
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
            records=records,
            trouble=codec.trouble_from_text(row["trouble"]),
            ending=codec.ending_from_text(row["ending"]),
        )

    async def turned(self, move: RoomMove, by: Turn, *, ending: Ending | None = None) -> Phase:
        """Record that the move entered another phase. Raises WrongTurn for one that the table lacks."""
        phase = turn(move.phase, by)
        await self._write_about(
            [_place(move), (ANY, move.room_id)],
            """UPDATE room_move SET phase = $3, ending = $4, trouble = NULL
               WHERE migration = $1 AND room_id = $2""",
            move.migration,
            move.room_id,
            phase.value,
            codec.ending_to_text(ending),
        )
        return phase

    async def approved(self, move: RoomMove, approvers: Sequence[str], level: int | None, until: int) -> None:
        """Record an approval: whose, the old account's level then, and until when the rest may take."""
        phase = turn(move.phase, Turn.APPROVED)
        await self._write_about(
            [_place(move)],
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

    async def agreed(self, move: RoomMove, approvers: Sequence[str]) -> None:
        """Record whose approval it is now that the move rests on."""
        await self._write_about(
            [_place(move)],
            "UPDATE room_move SET approvers = $3 WHERE migration = $1 AND room_id = $2",
            move.migration,
            move.room_id,
            json.dumps(list(approvers)),
        )

    async def in_trouble(self, move: RoomMove, trouble: Trouble | None) -> None:
        """Record that a step has to be tried again, or that it no longer has to."""
        await self._write_about(
            [_place(move)],
            "UPDATE room_move SET trouble = $3 WHERE migration = $1 AND room_id = $2",
            move.migration,
            move.room_id,
            codec.trouble_to_text(trouble),
        )

    async def try_now(self, move: RoomMove) -> None:
        """Let the step that failed be tried at once, unless its trouble has changed since `move` was read."""
        if move.trouble is None:
            return
        await self._write_about(
            [_place(move)],
            "UPDATE room_move SET trouble = $3 WHERE migration = $1 AND room_id = $2 AND trouble = $4",
            move.migration,
            move.room_id,
            codec.trouble_to_text(replace(move.trouble, retry_at=0)),
            codec.trouble_to_text(move.trouble),
        )


async def write_moves(
    connection: Connection, number: int, asked: Migration, plans: Mapping[str, Plan]
) -> None:
    """Store one move for each room ID, as part of a transaction."""
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


def _place(move: RoomMove) -> Place:
    return move.migration, move.room_id


def _with(move: RoomMove, migration: Migration, rules: Rules) -> RoomMove:
    """The move under the rules of this moment, with the migration's own steps among its records."""
    return replace(move, rules=rules, records={**move.records, **migration.records})
