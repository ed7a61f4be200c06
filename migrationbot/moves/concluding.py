# SPDX-License-Identifier: AGPL-3.0-or-later
"""The end of a migration, once each of its rooms has come to its own."""

from __future__ import annotations

from migrationbot.chat import cards
from migrationbot.chat.card import Card
from migrationbot.chat.spot import spot
from migrationbot.core.move import Migration, RoomMove
from migrationbot.matrix.errors import (
    Forbidden,
)
from migrationbot.matrix.sealing import NoEncryption
from migrationbot.moves.parts import Locks, Parts
from migrationbot.moves.rules import rules_of


class Concluding:
    """Sums up, and ends it."""

    def __init__(self, parts: Parts, locks: Locks) -> None:
        self._with = parts
        self._locks = locks

    async def conclude(self, number: int) -> None:
        """Once every room has ended: the summary."""
        async with self._locks.migrations[number]:
            migration = await self._with.store.migration(number)
            if migration is None or migration.ended:
                return
            if await self._with.store.still_open(number):
                return
            moves = list(await self._with.store.moves(migration, rules_of(self._with.settings())))
            try:
                if migration.many:
                    if not await self._with.crowd.conclude(migration, moves):
                        return  # rooms that can't move yet may still come
                else:
                    await self._sum_up(migration, moves[0])
            except (Forbidden, NoEncryption):
                if not self._told_long_enough(moves[0]):
                    raise
                self._with.log.warning("migration %d has ended, and the bot may not say so", number)
                await self._with.store.ended(number)
            self._with.watch.remove(number)

    async def _sum_up(self, migration: Migration, move: RoomMove) -> None:
        if move.ending is None:
            raise LookupError(f"move {migration.number} has ended without a reason")
        ending = move.ending

        name = None if move.room_id == migration.home_room else await self._with.witness.name(move)
        where = spot(move.room_id, name, at=migration.home_room)

        async def write() -> Card:
            room = await self._with.witness.room(migration, move)
            succession = await self._with.witness.succession(move, room)
            command = self._with.settings().command
            return cards.summary(
                migration, move, room, ending, spot=where, succession=succession, command=command
            )

        await self._with.voice.conclude(migration, ending, write, where)
        self._with.oversight.ended(migration, ending, now=self._with.steps.now())

    def _told_long_enough(self, move: RoomMove) -> bool:
        """Whether to give up telling how a move has ended, where the bot may not speak."""
        ended_at = move.ending.at if move.ending else 0
        return self._with.steps.now() >= ended_at + move.rules.give_up_after
