# SPDX-License-Identifier: AGPL-3.0-or-later
"""Proving an earlier move: what was asked, agreed to and confirmed still stands, by the right senders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from migrationbot.chat.commands import parse
from migrationbot.chat.wishes import Migrate, Retry
from migrationbot.core.approval import Answer, Reaction, answer_of
from migrationbot.core.errors import Refused
from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.moved import Moved
from migrationbot.core.steps import Step
from migrationbot.matrix.errors import Forbidden
from migrationbot.matrix.rooms import Message, Rooms
from migrationbot.moves.statements import Statements, answer_in


class Proof:
    """Looks at the events themselves, and remembers nothing."""

    def __init__(self, rooms: Rooms, statements: Statements, command: Callable[[], str], *, bot: str) -> None:
        """`command` gives the word after the `!`."""
        self._rooms = rooms
        self._statements = statements
        self._command = command
        self._bot = bot

    async def holds(self, room_ids: Sequence[str], moved: Moved) -> bool:
        """Whether each of the events is there, in one of these rooms, and says what it should."""
        command, confirmation, *approvals = await asyncio.gather(
            *(
                self._find(room_ids, event_id)
                for event_id in (moved.command, moved.confirmation, *moved.approvals)
            )
        )
        if command is None or not self._asked(command[1], moved):
            return False
        if confirmation is None or confirmation[1].sender != moved.new:
            return False
        if not await self._says_yes(*confirmation, moved, card="confirm"):
            return False
        barred = (self._bot, moved.new)
        others = [found for found in approvals if found is not None and found[1].sender not in barred]
        said = await asyncio.gather(*(self._says_yes(*found, moved, card="request") for found in others))
        return any(said)

    async def of(self, migration: Migration, move: RoomMove) -> Moved | None:
        """What the bot's own records say of a move that has arrived, as far as its events are still there."""
        asked = await self._under(migration.home_room, migration.event_of(Step.REQUEST_CARD))
        there = await self._under(move.room_id, move.event_of(Step.ROOM_CARD))
        own = await self._under(migration.room_of(Step.CONFIRM_CARD), migration.event_of(Step.CONFIRM_CARD))
        typed = await self._statements.standing(migration, move)
        yes = [each for each in (*asked, *there, *typed) if each.answer is Answer.YES]
        approvals = dict.fromkeys(each.event_id for each in yes if each.sender in move.approvers)
        sure = [each for each in (*own, *typed) if each.answer is Answer.YES and each.sender == migration.new]
        if not (approvals and sure):
            return None
        return Moved(
            number=migration.number,
            old=migration.old,
            new=migration.new,
            command=migration.command_event,
            approvals=tuple(approvals),
            confirmation=sure[0].event_id,
        )

    async def _under(self, room_id: str, card: str | None) -> tuple[Reaction, ...]:
        return await self._rooms.reactions(room_id, card) if card else ()

    async def _find(self, room_ids: Sequence[str], event_id: str) -> tuple[str, Message] | None:
        for room_id in dict.fromkeys(room_ids):
            try:
                message = await self._rooms.message(room_id, event_id)
            except Forbidden:
                continue  # asked in a room where the bot no longer is
            if message is not None:
                return room_id, message
        return None

    def _asked(self, message: Message, moved: Moved) -> bool:
        """Whether the message asks for this very move, or for it once more."""
        if message.redacted or message.type != "m.room.message":
            return False
        try:
            asked = parse(message.content, command=self._command())
        except Refused:
            return False
        if isinstance(asked, Migrate):
            old = str(asked.old) if asked.old else message.sender
            return (old, str(asked.new)) == (moved.old, moved.new)
        return isinstance(asked, Retry)

    async def _says_yes(self, room_id: str, message: Message, moved: Moved, *, card: str) -> bool:
        """Whether it is a yes under the bot's own card, or a yes to that request in words."""
        if message.type != "m.reaction":
            return answer_in(message, moved.number, command=self._command()) is Answer.YES
        relation = message.content.get("m.relates_to")
        if message.redacted or not isinstance(relation, dict):
            return False
        asked = relation.get("event_id")
        if answer_of(relation.get("key")) is not Answer.YES or not isinstance(asked, str):
            return False
        shown = await self._rooms.message(room_id, asked)
        field = shown.content.get("io.github.migrationbot") if shown else None
        if shown is None or shown.redacted or shown.sender != self._bot or not isinstance(field, dict):
            return False
        return (field.get("card"), field.get("migration")) == (card, str(moved.number))
