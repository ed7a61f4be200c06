# SPDX-License-Identifier: AGPL-3.0-or-later
"""Proving an earlier move: what was asked, agreed to and confirmed still stands, by the right senders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from migrationbot.chat.commands import parse
from migrationbot.chat.wishes import Migrate, Retry
from migrationbot.core.approval import Answer, answer_of
from migrationbot.core.errors import Refused
from migrationbot.core.move import Migration, RoomMove, Step
from migrationbot.core.moved import Moved
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

    async def holds(self, room_id: str, moved: Moved) -> bool:
        """Whether each of the events that the record names is there and says what it should."""
        command, confirmation, *approvals = await asyncio.gather(
            *(
                self._rooms.message(room_id, event_id)
                for event_id in (moved.command, moved.confirmation, *moved.approvals)
            )
        )
        if not self._asked(command, moved) or confirmation is None or confirmation.sender != moved.new:
            return False
        if not await self._says_yes(room_id, confirmation, moved, card="confirm"):
            return False
        others = [
            each for each in approvals if each is not None and each.sender not in (self._bot, moved.new)
        ]
        said = await asyncio.gather(
            *(self._says_yes(room_id, each, moved, card="request") for each in others)
        )
        return any(said)

    async def of(self, migration: Migration, move: RoomMove) -> Moved | None:
        """What the bot's own records say of a move that has arrived, as far as its events are still there."""
        home, typed = migration.home_room, await self._statements.standing(migration, move)
        cards = (
            (home, migration.event_of(Step.REQUEST_CARD)),
            (migration.room_of(Step.CONFIRM_CARD), migration.event_of(Step.CONFIRM_CARD)),
        )
        under = [(*await self._rooms.reactions(at, card), *typed) if card else () for at, card in cards]
        agreed, confirmed = [[each for each in some if each.answer is Answer.YES] for some in under]
        approvals = tuple(each.event_id for each in agreed if each.sender in move.approvers)
        confirmations = [each.event_id for each in confirmed if each.sender == migration.new]
        if not (approvals and confirmations):
            return None
        return Moved(
            number=migration.number,
            old=migration.old,
            new=migration.new,
            command=migration.command_event,
            approvals=approvals,
            confirmation=confirmations[0],
        )

    def _asked(self, message: Message | None, moved: Moved) -> bool:
        """Whether the message asks for this very move, or for it once more."""
        if message is None or message.redacted or message.type != "m.room.message":
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
