# SPDX-License-Identifier: AGPL-3.0-or-later
"""A message that is edited whenever what it shows has changed, at most once in ten seconds."""

from __future__ import annotations

import hashlib

from migrationbot.chat.card import Card
from migrationbot.core.steps import Record, Step
from migrationbot.matrix.messages import Messages, as_edit, content_of
from migrationbot.matrix.rooms import Rooms
from migrationbot.moves.stage import Stage, said_on
from migrationbot.moves.steps import Steps, transaction_id

FIELD = "io.github.migrationbot"

_PAUSE = 10_000  # milliseconds between two edits: a homeserver lets a bot send one event in 5 s


class Board:
    """Keeps one message up to date. Its record's `base` is the digest of what it shows."""

    def __init__(self, messages: Messages, rooms: Rooms, steps: Steps, *, bot: str) -> None:
        self._messages = messages
        self._rooms = rooms
        self._steps = steps
        self._bot = bot

    async def show(self, stage: Stage, step: Step, record: Record | None, card: Card) -> int | None:
        """Post or edit it there; gives when to come back, in milliseconds, if it is too soon now.

        `record` is the latest one of this step. `card` carries a field with the step's name by which it is
        found again after a crash.
        """
        shown = hashlib.sha256(card.html.encode()).hexdigest()[:16]
        if record is None or not record.done:
            await self._post(stage, step, record, card, shown)
            return None
        if record.base == shown or record.event_id is None:
            return None
        if self._steps.now() < record.at + _PAUSE:
            return record.at + _PAUSE
        # An edit that is repeated after a crash shows the same once more: no intent is needed.
        content = as_edit(content_of(card), record.event_id)
        txn = f"{transaction_id(stage.place, step)}-{shown}-{record.at}"
        await self._messages.post(stage.room_id, content, txn)
        await self._steps.intend(stage.place, step, base=shown)
        return None

    async def _post(self, stage: Stage, step: Step, record: Record | None, card: Card, shown: str) -> None:
        intended = await self._steps.intend(stage.place, step, base=shown)
        posted = await self._posted(stage, step) if record is not None else None
        if posted is None:
            content = stage.content(content_of(card))
            txn = transaction_id(stage.place, step)
            posted = await self._messages.post(stage.room_id, content, txn)
        await self._steps.done(stage.place, intended, posted)

    async def _posted(self, stage: Stage, step: Step) -> str | None:
        """The message, if it was posted before a crash."""
        number = str(stage.place.migration.number)
        for message in await said_on(stage, self._rooms, self._bot):
            field = message.content.get(FIELD)
            if message.sender != self._bot or not isinstance(field, dict):
                continue
            if (field.get("migration"), field.get(step.value)) == (number, True):
                return message.event_id
        return None
