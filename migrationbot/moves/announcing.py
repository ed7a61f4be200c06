# SPDX-License-Identifier: AGPL-3.0-or-later
"""Asking those who may approve: where the request was made, and in a room of which it only speaks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from migrationbot.chat.card import Card
from migrationbot.config import Settings
from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.steps import Step
from migrationbot.moves.request import RequestWriter
from migrationbot.moves.rules import rules_of
from migrationbot.moves.steps import Clock
from migrationbot.moves.voice import Voice
from migrationbot.store.migrations import Migrations


def announced(migration: Migration) -> bool:
    """Whether all that asks is posted."""
    record = migration.records.get(Step.SEED_NO)
    return record is not None and record.done


class Announcing:
    """Posts the request cards, each with its reactions, unless it is too late to ask."""

    def __init__(
        self,
        store: Migrations,
        voice: Voice,
        writer: RequestWriter,
        settings: Callable[[], Settings],
        now: Clock,
    ) -> None:
        self._store = store
        self._voice = voice
        self._writer = writer
        self._settings = settings
        self._now = now

    async def announce(self, migration: Migration) -> None:
        """Ask: first in the rooms themselves, so that the card at home can say where else was asked."""
        moves = await self._moves(migration)
        apart = [move for move in moves if move.room_id != migration.home_room]
        if migration.cancelled_by or self._now() >= migration.expires_at:
            await self._voice.look_for_request(migration)
            for move in apart:
                await self._voice.look_for_room_card(migration, move)
            return
        for move in apart:
            write = partial(self.write, migration, move, move.room_id)
            await self._voice.ask_in_room(migration, move, write)
        move, *_ = await self._moves(migration)  # with what was posted just now
        asked_there = move.event_of(Step.ROOM_CARD) is not None
        write = partial(self.write, migration, move, migration.home_room)
        await self._voice.request(migration, write, seeded=not asked_there)

    async def write(self, migration: Migration, move: RoomMove, at: str) -> Card:
        """The request card of one room, as it stands in the room `at`."""
        command = self._settings().command
        return await self._writer.write(migration, move, command=command, now=self._now(), at=at)

    async def _moves(self, migration: Migration) -> list[RoomMove]:
        rules = rules_of(self._settings())
        rooms = await self._store.rooms_of(migration.number)
        return [await self._store.move(migration, room_id, rules) for room_id in rooms]
