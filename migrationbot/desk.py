# SPDX-License-Identifier: AGPL-3.0-or-later
"""Taking requests: each command is answered once, with a migration or with a sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from migrationbot.chat import cards
from migrationbot.chat.card import Card
from migrationbot.chat.commands import Cancel, Command, Help, Migrate, Scope, parse
from migrationbot.config import Settings
from migrationbot.core.errors import Code, Refused
from migrationbot.core.ids import UserId, check_not_lookalike
from migrationbot.core.move import Migration, RoomMove, Rules
from migrationbot.core.plan import Wish, make_plan
from migrationbot.matrix.messages import Messages, content_of, in_thread
from migrationbot.matrix.rooms import Message, Rooms
from migrationbot.request import RequestWriter
from migrationbot.steps import Clock
from migrationbot.store.database import AlreadyThere
from migrationbot.store.inbox import Answered
from migrationbot.store.migrations import Migrations


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message that may be a command, with where the answer goes."""

    room_id: str
    message: Message

    @property
    def thread_root(self) -> str:
        """The thread that it stands in, or itself. A root must not carry a relation of its own."""
        relation: Any = self.message.content.get("m.relates_to")
        if isinstance(relation, dict) and relation.get("rel_type") == "m.thread":
            root = relation.get("event_id")
            if isinstance(root, str):
                return root
        return self.message.event_id


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Reads commands and answers them."""

    bot: str  # the bot's own user ID
    rooms: Rooms
    messages: Messages
    store: Migrations
    answered: Answered
    writer: RequestWriter
    settings: Callable[[], Settings]
    begun: Callable[[Migration], None]  # is told of each new migration
    woken: Callable[[int, str], None]  # is told of a move whose facts have changed
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
        try:
            command = parse(message.content, command=self.settings().command)
            answer = None if command is None else await self._obey(command, letter)
        except Refused as refused:
            answer = cards.refusal(refused, command=self.settings().command)
        if answer is not None:
            await self._answer(letter, answer)
        await self.answered.add(room_id, event_id, now=self.now())

    async def _obey(self, command: Command, letter: Letter) -> Card | None:
        if isinstance(command, Help):
            return cards.usage(command=self.settings().command)
        if isinstance(command, Cancel):
            await self._cancel(command, letter)
            return None
        if isinstance(command, Migrate):
            return await self._migrate(command, letter)
        raise Refused(Code.USAGE)

    async def _migrate(self, command: Migrate, letter: Letter) -> Card | None:
        _check_supported(command)
        requester = letter.message.sender
        if await self.store.of_command(letter.room_id, letter.message.event_id):
            return None  # begun before a crash; it goes on by itself
        self._check_accounts(command, requester)
        migration, move = await self._plan(command, letter)
        if command.dry_run:
            words = self.settings().command
            return await self.writer.write(migration, move, command=words, now=self.now(), dry_run=True)
        await self._check_open(requester)
        try:
            number = await self.store.begin(migration, {letter.room_id: move.plan})
        except AlreadyThere:
            raise await self._already_moving(migration) from None
        begun = await self.store.migration(number)
        if begun is not None:
            self.begun(begun)
        return None

    async def _plan(self, command: Migrate, letter: Letter) -> tuple[Migration, RoomMove]:
        """The migration as it would be. Raises Refused for what stands in its way."""
        settings, message = self.settings(), letter.message
        migration = Migration(
            number=0,
            requester=message.sender,
            old=message.sender,
            new=str(command.new),
            home_room=letter.room_id,
            command_event=message.event_id,
            thread_root=letter.thread_root,
            created_at=self.now(),
            expires_at=self.now() + settings.request_expires_hours * 3_600_000,
            keep_history=command.keep_history,
        )
        if await self.store.active_in(letter.room_id, (migration.old, migration.new)):
            raise await self._already_moving(migration)
        people = (self.bot, migration.old, migration.new)
        room = await self.rooms.read(letter.room_id, people, whole=True)
        opens = settings.open_history and not command.keep_history
        plan = make_plan(Wish(bot=self.bot, old=migration.old, new=migration.new, open_history=opens), room)
        return migration, RoomMove(
            migration=0,
            room_id=letter.room_id,
            bot=self.bot,
            requester=migration.requester,
            old=migration.old,
            new=migration.new,
            plan=plan,
            rules=Rules(
                approvals_needed=settings.approvals_needed,
                requester_may_approve=settings.requester_may_approve,
            ),
            expires_at=migration.expires_at,
        )

    def _check_accounts(self, command: Migrate, requester: str) -> None:
        old, new = str(command.old) if command.old else requester, str(command.new)
        if old == self.bot:
            raise Refused(Code.OLD_IS_BOT, old=old)
        if new == self.bot:
            raise Refused(Code.NEW_IS_BOT, new=new)
        if old == new:
            raise Refused(Code.SAME_ACCOUNT, new=new)
        if old != requester:
            raise Refused(Code.NOT_YOURS, old=old)
        check_not_lookalike(command.new, UserId.seen(old))

    async def _check_open(self, requester: str) -> None:
        count = await self.store.open_of(requester)
        if count >= self.settings().open_requests_per_person:
            raise Refused(Code.TOO_MANY_OPEN, open=str(count))

    async def _already_moving(self, migration: Migration) -> Refused:
        number = await self.store.active_in(migration.home_room, (migration.old, migration.new))
        return Refused(Code.ALREADY_MOVING, number=str(number or ""))

    async def _cancel(self, command: Cancel, letter: Letter) -> None:
        migration = await self._named(command.number, letter)
        if letter.message.sender not in (migration.requester, migration.old):
            raise Refused(Code.NOT_YOURS, number=str(migration.number), requester=migration.requester)
        await self.store.cancel(migration.number, letter.message.sender)
        for room_id in await self.store.rooms_of(migration.number):
            self.woken(migration.number, room_id)

    async def _named(self, number: int | None, letter: Letter) -> Migration:
        """The open migration of that number here, else of this thread. Raises Refused when there is none."""
        if number is None:
            found = await self.store.of_thread(letter.room_id, letter.thread_root)
        else:
            one = await self.store.migration(number)
            found = [one] if one is not None and one.home_room == letter.room_id else []
        for migration in found:
            if not migration.ended:
                return migration
        raise Refused(Code.NO_SUCH_MIGRATION, number=str(number or ""))

    async def _answer(self, letter: Letter, card: Card) -> None:
        content = in_thread(content_of(card), letter.thread_root)
        named = hashlib.sha256(f"{letter.message.event_id}\nanswer".encode()).hexdigest()[:32]
        await self.messages.post(letter.room_id, content, f"migrationbot-{named}")


def _check_supported(command: Migrate) -> None:
    """Raises Refused for what can be written but not done yet."""
    for option in ("step_down", "leave", "hand_over", "address"):
        if getattr(command, option):
            raise Refused(Code.BAD_OPTION, option="--" + option.replace("_", "-"))
    if command.scope is not Scope.ROOM or command.room is not None:
        raise Refused(Code.USAGE)
