# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bot's messages about a migration: each posted once, whatever happens in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from migrationbot.chat import cards
from migrationbot.chat.card import Card
from migrationbot.core.approval import Answer
from migrationbot.core.move import Ending, Migration, Record, RoomMove, Step
from migrationbot.core.room import RoomState
from migrationbot.matrix.errors import Forbidden
from migrationbot.matrix.messages import Messages, as_edit, content_of, in_thread
from migrationbot.matrix.rooms import Rooms
from migrationbot.moves.steps import Place, Steps
from migrationbot.store.migrations import WHOLE, Migrations


class Voice:
    """Posts cards, puts the reactions under them that people tap, and edits them."""

    def __init__(
        self, messages: Messages, rooms: Rooms, store: Migrations, steps: Steps, *, bot: str
    ) -> None:
        self._messages = messages
        self._rooms = rooms
        self._store = store
        self._steps = steps
        self._bot = bot

    async def request(self, migration: Migration, write: Callable[[], Awaitable[Card]]) -> None:
        """Post the request card, which `write` words when it is needed, and its two reactions."""
        card = await self._post_once(migration, Step.REQUEST_CARD, write)
        await self._seed(migration, Step.SEED_YES, card, Answer.YES)
        await self._seed(migration, Step.SEED_NO, card, Answer.NO)

    async def look_for_request(self, migration: Migration) -> None:
        """Find the request card if it was posted before a crash; don't post it."""
        await self._found(migration, Step.REQUEST_CARD)

    async def confirm(self, migration: Migration, move: RoomMove, room: RoomState) -> None:
        """Ask the new account."""

        async def write() -> Card:
            return cards.confirm(migration, move, room, now=self._steps.now())

        await self._post_once(migration, Step.CONFIRM_CARD, write)

    async def seed_confirm(self, migration: Migration) -> None:
        """Put a ✅ under the confirm card."""
        await self._seed(migration, Step.SEED_CONFIRM, migration.event_of(Step.CONFIRM_CARD), Answer.YES)

    async def conclude(
        self, migration: Migration, ending: Ending, write: Callable[[], Awaitable[Card]]
    ) -> None:
        """Post the summary, bring the request card to its final state, and end the migration."""
        await self._post_once(migration, Step.SUMMARY, write)
        card = migration.event_of(Step.REQUEST_CARD)
        if card is not None and not self._finished(migration, Step.CLOSE_CARD):
            content = as_edit(content_of(cards.closed(migration, ending)), card)
            await self._steps.carry_out(
                self._place(migration), Step.CLOSE_CARD, lambda txn: self._send(migration, content, txn)
            )
        await self._store.ended(migration.number)

    async def say(self, migration: Migration, card: Card, transaction: str) -> str:
        """Post a message in the migration's thread."""
        return await self._send(migration, in_thread(content_of(card), migration.thread_root), transaction)

    async def _post_once(
        self, migration: Migration, step: Step, write: Callable[[], Awaitable[Card]]
    ) -> str | None:
        record = await self._found(migration, step)
        if record is not None:
            return record.event_id
        content = in_thread(content_of(await write()), migration.thread_root)
        posted = await self._steps.carry_out(
            self._place(migration), step, lambda txn: self._send(migration, content, txn)
        )
        return posted.event_id

    async def _found(self, migration: Migration, step: Step) -> Record | None:
        """The record of a card that is posted, even if a crash came before that was written down."""
        record = migration.records.get(step)
        if record is None or record.done:
            return record
        posted = await self._posted(migration, step)
        return None if posted is None else await self._steps.done(self._place(migration), record, posted)

    async def _posted(self, migration: Migration, step: Step) -> str | None:
        """The card in the thread, if it was posted before a crash: a server forgets transactions in time."""
        kind = step.value.removesuffix("_card")
        for message in await self._rooms.thread(migration.home_room, migration.thread_root):
            field = message.content.get("io.github.migrationbot")
            if message.sender != self._bot or not isinstance(field, dict):
                continue
            if (field.get("card"), field.get("migration")) == (kind, str(migration.number)):
                return message.event_id
        return None

    async def _seed(self, migration: Migration, step: Step, card: str | None, answer: Answer) -> None:
        if card is None or self._finished(migration, step):
            return

        async def react(transaction: str) -> str | None:
            try:
                return await self._messages.react(migration.home_room, card, answer.value, transaction)
            except Forbidden:
                return None  # a convenience: people can react, or type, without it

        await self._steps.carry_out(self._place(migration), step, react)

    async def _send(self, migration: Migration, content: Mapping[str, Any], transaction: str) -> str:
        return await self._messages.post(migration.home_room, content, transaction)

    @staticmethod
    def _finished(migration: Migration, step: Step) -> bool:
        record = migration.records.get(step)
        return record is not None and record.done

    @staticmethod
    def _place(migration: Migration) -> Place:
        return Place(migration=migration, room_id=WHOLE)
