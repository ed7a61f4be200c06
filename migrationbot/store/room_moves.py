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
from .database import Row, Table, Transactions
from .records import of_room, of_rooms


class RoomMoves(Table):
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
        rows = await self._rows(
            """SELECT room_move.room_id FROM room_move LEFT JOIN roster
                   ON roster.migration = room_move.migration AND roster.room_id = room_move.room_id
               WHERE room_move.migration = $1 ORDER BY roster.position, room_move.room_id""",
            number,
        )
        return [row["room_id"] for row in rows]

    async def move(self, migration: Migration, room_id: str, rules: Rules) -> RoomMove:
        """One room's move, with the migration's own steps among its records. Raises KeyError."""

        async def work(connection: Connection) -> RoomMove:
            query = "SELECT * FROM room_move WHERE migration = $1 AND room_id = $2"
            row = await connection.fetchrow(query, migration.number, room_id)
            if row is None:
                raise KeyError(room_id)
            records = await of_room(connection, migration.number, room_id)
            alone = await _is_alone(connection, migration.number, room_id)
            return replace(self._move(row, migration, records, rules), alone=alone)

        return await self._run(work)

    async def moves(self, migration: Migration, rules: Rules) -> Sequence[RoomMove]:
        """All its moves, in the order in which they are to move."""
        rooms = await self.rooms_of(migration.number)

        async def work(connection: Connection) -> Sequence[RoomMove]:
            rows = await connection.fetch("SELECT * FROM room_move WHERE migration = $1", migration.number)
            by_room = {row["room_id"]: row for row in rows}
            records = await of_rooms(connection, migration.number)
            return [self._move(by_room[each], migration, records.get(each, {}), rules) for each in rooms]

        return await self._run(work)

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
            records={**records, **migration.records},
            trouble=codec.trouble_from_text(row["trouble"]),
            ending=codec.ending_from_text(row["ending"]),
        )

    async def turned(self, move: RoomMove, by: Turn, *, ending: Ending | None = None) -> Phase:
        """Record that the move entered another phase. Raises WrongTurn for one that the table lacks."""
        phase = turn(move.phase, by)
        await self._write(
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
        await self._write(
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
        await self._write(
            "UPDATE room_move SET approvers = $3 WHERE migration = $1 AND room_id = $2",
            move.migration,
            move.room_id,
            json.dumps(list(approvers)),
        )

    async def in_trouble(self, move: RoomMove, trouble: Trouble | None) -> None:
        """Record that a step has to be tried again, or that it no longer has to."""
        await self._write(
            "UPDATE room_move SET trouble = $3 WHERE migration = $1 AND room_id = $2",
            move.migration,
            move.room_id,
            codec.trouble_to_text(trouble),
        )

    async def try_now(self, move: RoomMove) -> None:
        """Let the step that failed be tried at once, unless its trouble has changed since `move` was read."""
        if move.trouble is None:
            return
        await self._write(
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


async def _is_alone(connection: Connection, number: int, room_id: str) -> bool:
    """Whether no other open migration needs the bot in this room."""
    others = await connection.fetchval(
        "SELECT count(*) FROM room_move WHERE room_id = $1 AND migration <> $2 AND phase <> 'ended'",
        room_id,
        number,
    )
    return bool(others == 0)
