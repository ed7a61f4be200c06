# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reading typed answers back: each counts like a reaction, as long as the homeserver shows it as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from migrationbot.chat.commands import parse
from migrationbot.chat.wishes import Approve, Refuse
from migrationbot.core.approval import Answer, Reaction
from migrationbot.core.errors import Refused
from migrationbot.core.move import Migration, RoomMove
from migrationbot.matrix.rooms import Message, Rooms
from migrationbot.store.stated import Stated, Statement

_ANSWERS = {Approve: Answer.YES, Refuse: Answer.NO}


class Statements:
    """Looks each one up where it was made, and remembers nothing."""

    def __init__(self, rooms: Rooms, stated: Stated, command: Callable[[], str]) -> None:
        """`command` gives the word after the `!`."""
        self._rooms = rooms
        self._stated = stated
        self._command = command

    async def standing(self, migration: Migration, move: RoomMove) -> tuple[Reaction, ...]:
        """What was typed about this migration and still stands.

        From a room that the bot has left it would only learn how it was then: that stands no more.
        """
        stated = await self._stated.of(migration.number)
        elsewhere = sorted({each.room_id for each in stated} - {move.room_id})
        inside = await asyncio.gather(*(self._rooms.joined(room_id, move.bot) for room_id in elsewhere))
        left = {room_id for room_id, joined in zip(elsewhere, inside, strict=True) if not joined}
        still = [each for each in stated if each.room_id not in left]
        read = await asyncio.gather(*(self._read(migration, each) for each in still))
        return tuple(each for each in read if each is not None)

    async def _read(self, migration: Migration, stated: Statement) -> Reaction | None:
        message = await self._rooms.message(stated.room_id, stated.event_id)
        if message is None or message.sender != stated.sender:
            return None
        if answer_in(message, migration.number, command=self._command()) is not stated.answer:
            return None
        return Reaction(event_id=stated.event_id, sender=stated.sender, answer=stated.answer)


def answer_in(message: Message, number: int, *, command: str) -> Answer | None:
    """What the message answers to the request of that number; None when it was deleted or edited."""
    if message.redacted or message.edited_by is not None or message.type != "m.room.message":
        return None
    try:
        typed = parse(message.content, command=command)
    except Refused:
        return None
    if not isinstance(typed, Approve | Refuse) or typed.number not in (None, number):
        return None
    return _ANSWERS[type(typed)]
