# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reading commands: each is answered once, with a migration or with a sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from migrationbot.chat import cards
from migrationbot.chat.card import Card
from migrationbot.chat.commands import parse
from migrationbot.chat.wishes import Command
from migrationbot.config import Settings
from migrationbot.core.errors import Code, Refused
from migrationbot.matrix.messages import Messages, content_of, in_thread
from migrationbot.matrix.rooms import Rooms
from migrationbot.moves.steps import Clock
from migrationbot.store.inbox import Answered

from .letter import Letter

# Serves one kind of command: gives the answer, or None when what follows is answer enough. Raises Refused.
Counter = Callable[[Any, Letter], Awaitable[Card | None]]


@dataclass(frozen=True, kw_only=True)
class Reception:
    """Sends each command to the counter that serves it, and posts the answer."""

    bot: str  # the bot's own user ID
    rooms: Rooms
    messages: Messages
    answered: Answered
    counters: Mapping[type, Counter]  # by the type of the command
    settings: Callable[[], Settings]
    answers: Callable[[Letter, Card], None]  # is told of each answer
    now: Clock

    async def take(self, room_id: str, event_id: str) -> None:
        """Handle the message, as the homeserver shows it now, unless it was handled before."""
        if await self.answered.has(room_id, event_id):
            return
        message = await self.rooms.message(room_id, event_id)
        if message is None or message.redacted or message.sender == self.bot:
            return
        if message.type != "m.room.message":
            return
        letter = Letter(room_id=room_id, message=message)
        answer = await self._answer_to(letter)
        if answer is not None:
            await self._post(letter, answer)
            self.answers(letter, answer)
        await self.answered.add(room_id, event_id, now=self.now())

    async def _answer_to(self, letter: Letter) -> Card | None:
        try:
            command = parse(letter.message.content, command=self.settings().command)
            return None if command is None else await self._serve(command, letter)
        except Refused as refused:
            return cards.refusal(refused, command=self.settings().command)

    async def _serve(self, command: Command, letter: Letter) -> Card | None:
        counter = self.counters.get(type(command))
        if counter is None:
            raise Refused(Code.USAGE)
        return await counter(command, letter)

    async def _post(self, letter: Letter, card: Card) -> None:
        content = in_thread(content_of(card), letter.thread_root)
        named = hashlib.sha256(f"{letter.message.event_id}\nanswer".encode()).hexdigest()[:32]
        await self.messages.post(letter.room_id, content, f"migrationbot-{named}", urgent=True)
