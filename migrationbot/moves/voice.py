# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bot's messages about a migration: each posted once, whatever happens in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from migrationbot.chat import cards
from migrationbot.chat.card import Card
from migrationbot.chat.spot import Spot, spot
from migrationbot.core.approval import Answer
from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.reasons import Ending, Outcome
from migrationbot.core.room import RoomState
from migrationbot.core.steps import Record, Step
from migrationbot.matrix.errors import Forbidden, Rejected
from migrationbot.matrix.messages import Messages, as_edit, content_of
from migrationbot.matrix.rooms import Rooms
from migrationbot.matrix.sealing import NoEncryption
from migrationbot.moves.stage import Stage, about_room, at_home, in_room, said_on
from migrationbot.moves.steps import Place, Steps
from migrationbot.store.migrations import Migrations

Write = Callable[[], Awaitable[Card]]  # words a card when it is needed
Records = Mapping[Step, Record]
_ROOM_SEEDS = ((Step.SEED_ROOM_YES, Answer.YES), (Step.SEED_ROOM_NO, Answer.NO))


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

    @property
    def bot(self) -> str:
        """The bot's own user ID."""
        return self._bot

    async def request(self, migration: Migration, write: Write, *, seeded: bool = True) -> None:
        """Post the request card, and unless it is to be answered elsewhere, its two reactions."""
        stage = at_home(migration)
        card = await self._post_once(stage, Step.REQUEST_CARD, migration.records, write)
        for step, answer in ((Step.SEED_YES, Answer.YES), (Step.SEED_NO, Answer.NO)):
            await self._seed(stage, step, migration.records, card if seeded else None, answer)

    async def look_for_request(self, migration: Migration) -> None:
        """Find the request card if it was posted before a crash; don't post it."""
        await self._found(at_home(migration), Step.REQUEST_CARD, migration.records)

    async def ask_in_room(
        self, migration: Migration, move: RoomMove, write: Write, *, seeded: bool = True
    ) -> None:
        """Post a request card in the room that it is about, with its two reactions unless not `seeded`.

        Where the bot may say nothing it is noted as done, without an event.
        """
        stage = in_room(migration, move)
        try:
            card = await self._post_once(stage, Step.ROOM_CARD, move.records, write)
        except (Forbidden, NoEncryption):
            await self._steps.done(stage.place, Record(step=Step.ROOM_CARD), None)
            return
        for step, answer in _ROOM_SEEDS if seeded else ():
            await self._seed(stage, step, move.records, card, answer)

    async def look_for_room_card(self, migration: Migration, move: RoomMove) -> None:
        """Find the room's request card if it was posted before a crash; don't post it."""
        await self._found(in_room(migration, move), Step.ROOM_CARD, move.records)

    async def close_in_room(self, migration: Migration, move: RoomMove) -> None:
        """Bring the room's own request card to its final state, if the bot may still speak there.

        Of many rooms only where it came to nothing: else what it asks for is there for all to see, and each
        further room has but three events to spend. Its invite and its promotion are the other two.
        """
        card = move.event_of(Step.ROOM_CARD)
        if card is None or move.ending is None or move.done(Step.CLOSE_ROOM_CARD):
            return
        if migration.many and move.ending.outcome in (Outcome.DONE, Outcome.PARTIAL):
            return
        content = as_edit(content_of(cards.closed(migration, move.ending, in_thread=False)), card)

        async def edit(transaction: str) -> str | None:
            try:
                return await self._messages.post(move.room_id, content, transaction)
            except (Forbidden, Rejected, NoEncryption):
                return None

        await self._steps.carry_out(in_room(migration, move).place, Step.CLOSE_ROOM_CARD, edit)

    async def confirm(self, migration: Migration, move: RoomMove, room: RoomState, *, command: str) -> None:
        """Ask the new account: in the room, where it is, unless the bot may say nothing there."""
        if move.room_id != migration.home_room and not _silent(move):
            try:
                await self._confirm(in_room(migration, move), migration, move, room, command)
                return
            except (Forbidden, NoEncryption):
                pass  # then where it was asked
        await self._confirm(at_home(migration), migration, move, room, command)

    async def _confirm(
        self, stage: Stage, migration: Migration, move: RoomMove, room: RoomState, command: str
    ) -> None:
        where = await self._spot(move, stage)

        async def write() -> Card:
            return cards.confirm(migration, move, room, now=self._steps.now(), spot=where, command=command)

        await self._post_once(stage, Step.CONFIRM_CARD, migration.records, write)

    async def seed_confirm(self, migration: Migration) -> None:
        """Put a ✅ under the confirm card."""
        card = migration.records[Step.CONFIRM_CARD]
        stage = Stage(
            place=Place(migration=migration, room_id=card.room_id),
            room_id=migration.room_of(Step.CONFIRM_CARD),
        )
        await self._seed(stage, Step.SEED_CONFIRM, migration.records, card.event_id, Answer.YES)

    async def ask_old(self, migration: Migration, move: RoomMove, room: RoomState) -> None:
        """Ask the old account to send the invite itself."""
        stage, member = about_room(migration, move), room.members.get(move.new)
        where = await self._spot(move, stage)
        until = self._steps.now() + move.rules.wait_for_owner_invite

        async def write() -> Card:
            return cards.ask_old(migration, move, until=until, now=self._steps.now(), spot=where)

        base = member.event_id if member else None
        await self._post_once(stage, Step.ASK_OLD, move.records, write, base=base)

    async def seed_skip(self, migration: Migration, move: RoomMove) -> None:
        """Put a ⏭️ under that card."""
        stage, card = about_room(migration, move), move.event_of(Step.ASK_OLD)
        await self._seed(stage, Step.SEED_SKIP, move.records, card, Answer.SKIP)

    async def conclude(self, migration: Migration, ending: Ending, write: Write, where: Spot) -> None:
        """Post the summary, bring the request card to its final state, and end the migration."""
        stage = at_home(migration)
        await self._post_once(stage, Step.SUMMARY, migration.records, write)
        card = migration.event_of(Step.REQUEST_CARD)
        if card is not None and not _finished(migration.records, Step.CLOSE_CARD):
            content = as_edit(content_of(cards.closed(migration, ending, spot=where)), card)
            await self._steps.carry_out(
                stage.place, Step.CLOSE_CARD, lambda txn: self._messages.post(stage.room_id, content, txn)
            )
        await self._store.ended(migration.number)

    async def post(self, stage: Stage, step: Step, records: Records, write: Write) -> None:
        """Post a card that is the step's, unless it is there."""
        await self._post_once(stage, step, records, write)

    async def attach(self, stage: Stage, step: Step, content: Mapping[str, Any] | None) -> None:
        """Post a file that is the step's; None: it is noted that there is none."""

        async def post(transaction: str) -> str | None:
            if content is None:
                return None
            return await self._messages.post(stage.room_id, stage.content(content), transaction)

        await self._steps.carry_out(stage.place, step, post)

    async def close(self, migration: Migration, card: Card) -> None:
        """Bring the request card to its final state."""
        posted = migration.event_of(Step.REQUEST_CARD)
        if posted is not None and not _finished(migration.records, Step.CLOSE_CARD):
            stage, content = at_home(migration), as_edit(content_of(card), posted)
            await self._steps.carry_out(
                stage.place, Step.CLOSE_CARD, lambda txn: self._messages.post(stage.room_id, content, txn)
            )

    async def say(self, stage: Stage, card: Card, transaction: str) -> str:
        """Post a message about a migration."""
        return await self._messages.post(stage.room_id, stage.content(content_of(card)), transaction)

    async def _post_once(
        self, stage: Stage, step: Step, records: Records, write: Write, *, base: str | None = None
    ) -> str | None:
        record = await self._found(stage, step, records)
        if record is not None:
            return record.event_id
        content = stage.content(content_of(await write()))
        urgent = step is Step.REQUEST_CARD  # it is the answer to a command
        posted = await self._steps.carry_out(
            stage.place,
            step,
            lambda txn: self._messages.post(stage.room_id, content, txn, urgent=urgent),
            base=base,
        )
        return posted.event_id

    async def _found(self, stage: Stage, step: Step, records: Records) -> Record | None:
        """The record of a card that is posted, even if a crash came before that was written down."""
        record = records.get(step)
        if record is None or record.done:
            return record
        if record.room_id != stage.place.room_id:
            return None  # it was to be posted elsewhere, and that did not work
        posted = await self._posted(stage, step)
        return None if posted is None else await self._steps.done(stage.place, record, posted)

    async def _spot(self, move: RoomMove, stage: Stage) -> Spot:
        name = await self._rooms.name(move.room_id) if move.room_id != stage.room_id else None
        return spot(move.room_id, name, at=stage.room_id)

    async def _posted(self, stage: Stage, step: Step) -> str | None:
        """The card, if it was posted before a crash: a server forgets transactions in time."""
        wanted = _fields(stage, step)
        for message in await said_on(stage, self._rooms, self._bot):
            field = message.content.get("io.github.migrationbot")
            if message.sender != self._bot or not isinstance(field, dict):
                continue
            if wanted == {key: field.get(key) for key in wanted}:
                return message.event_id
        return None

    async def _seed(
        self, stage: Stage, step: Step, records: Records, card: str | None, answer: Answer
    ) -> None:
        """Put a reaction under a card; with no card it is noted that none is needed."""
        if _finished(records, step):
            return

        async def react(transaction: str) -> str | None:
            if card is None:
                return None
            try:
                return await self._messages.react(stage.room_id, card, answer.value, transaction)
            except Forbidden:
                return None  # a convenience: people can react, or type, without it

        await self._steps.carry_out(stage.place, step, react)


def _finished(records: Records, step: Step) -> bool:
    record = records.get(step)
    return record is not None and record.done


def _fields(stage: Stage, step: Step) -> dict[str, str | bool | None]:
    """How the card of a step is told from others that may stand beside it."""
    kinds = {Step.ROOM_CARD: "request", Step.ASK_OLD: "progress", Step.LAST_SUMMARY: "summary"}
    asks = "invite" if step is Step.ASK_OLD else None
    return {
        "card": kinds.get(step) or step.value.removesuffix("_card"),
        "migration": str(stage.place.migration.number),
        "asks": asks,
        "room_id": stage.place.room_id if asks else None,
        "again": True if step is Step.LAST_SUMMARY else None,
    }


def _silent(move: RoomMove) -> bool:
    """Whether the bot has tried to ask in the room itself, and may say nothing there."""
    return _finished(move.records, Step.ROOM_CARD) and move.event_of(Step.ROOM_CARD) is None
