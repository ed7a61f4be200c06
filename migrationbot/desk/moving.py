# SPDX-License-Identifier: AGPL-3.0-or-later
"""Asking for a migration: `!migrate @me:new.org`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from migrationbot.chat.card import Card
from migrationbot.chat.wishes import Migrate, Scope
from migrationbot.config import Settings
from migrationbot.core.errors import Code, Refused
from migrationbot.core.guide import could_help
from migrationbot.core.ids import UserId, check_not_lookalike
from migrationbot.core.move import Migration, Options, Plan, RoomMove
from migrationbot.core.plan import Wish, check_possible, make_plan
from migrationbot.core.room import RoomState
from migrationbot.core.succession import check_hand_over
from migrationbot.matrix.errors import Forbidden
from migrationbot.matrix.rooms import Rooms
from migrationbot.moves.request import RequestWriter
from migrationbot.moves.rules import rules_of
from migrationbot.moves.steps import Clock
from migrationbot.store.database import AlreadyThere
from migrationbot.store.migrations import Migrations
from migrationbot.store.openings import Openings

from .addressing import check_address
from .finding import Finding
from .letter import Letter
from .vouching import Vouching

_MOST_LOOKED_UP = 40  # memberships of those who could do what the bot may not
_MOST_ALLOWED = 10  # rooms of a restricted join rule


@dataclass(frozen=True, kw_only=True)
class Moving:
    """Checks what is asked, and begins the migration."""

    bot: str  # the bot's own user ID
    rooms: Rooms
    store: Migrations
    openings: Openings
    vouching: Vouching
    writer: RequestWriter
    settings: Callable[[], Settings]
    begun: Callable[[Migration, Sequence[str]], None]  # is told of each new migration and its rooms
    many: Callable[[Migrate, Letter], Awaitable[Card | None]]  # asks for a migration in many rooms
    now: Clock

    async def migrate(self, command: Migrate, letter: Letter) -> Card | None:
        """Begin it, or with --dry-run say what would be asked. Raises Refused."""
        requester = letter.message.sender
        if await self.store.of_command(letter.room_id, letter.message.event_id):
            return None  # begun before a crash; it goes on by itself
        self._check_accounts(command, requester)
        if command.scope is not Scope.ROOM:
            return await self._many(command, letter)
        room_id = await Finding(bot=self.bot, rooms=self.rooms).room_id(command.room, letter)
        try:
            return await self._begin(command, letter, room_id)
        except Refused as refused:
            if room_id == letter.room_id:
                raise
            raise Refused(refused.code, **{"away": room_id, **refused.details}) from None

    async def _many(self, command: Migrate, letter: Letter) -> Card | None:
        requester = letter.message.sender
        if command.old is not None and str(command.old) != requester:
            # Whether an account is lost is judged room by room.
            raise Refused(Code.NOT_YOURS, old=str(command.old))
        if not command.dry_run:
            await self._check_open(requester)
        return await self.many(command, letter)

    async def _begin(self, command: Migrate, letter: Letter, room_id: str) -> Card | None:
        migration, move = await self._plan(command, letter, room_id)
        if command.dry_run:
            words = self.settings().command
            return await self.writer.write(migration, move, command=words, now=self.now(), dry_run=True)
        await self._check_open(migration.requester)
        try:
            number = await self.store.begin(migration, {room_id: move.plan})
        except AlreadyThere:
            raise await self._already_moving(migration, room_id) from None
        begun = await self.store.migration(number)
        if begun is not None:
            self.begun(begun, (room_id,))
        return None

    async def _plan(self, command: Migrate, letter: Letter, room_id: str) -> tuple[Migration, RoomMove]:
        """The migration as it would be. Raises Refused for what stands in its way."""
        settings = self.settings()  # the same to the end, whatever is loaded meanwhile
        migration = self._asked(command, letter, settings)
        if await self.store.active_in(room_id, (migration.old, migration.new)):
            raise await self._already_moving(migration, room_id)
        room = await self._read(migration, room_id)
        if command.hand_over:
            check_hand_over(room, old=migration.old, new=migration.new, lost=migration.lost)
        wish = await self._wish(command, migration, room, settings)
        move = self._move(migration, room_id, make_plan(wish, room), settings)
        await check_address(self.rooms, migration, room_id)
        if move.plan.guided:
            able = could_help(move, room)[:_MOST_LOOKED_UP]
            check_possible(wish, await self.rooms.with_members(room, able), move.plan)
        if migration.lost:
            await self.vouching.check(move, room)
        return migration, move

    def _asked(self, command: Migrate, letter: Letter, settings: Settings) -> Migration:
        message, now = letter.message, self.now()
        return Migration(
            number=0,
            requester=message.sender,
            old=str(command.old) if command.old else message.sender,
            new=str(command.new),
            home_room=letter.room_id,
            command_event=message.event_id,
            thread_root=letter.thread_root,
            created_at=now,
            expires_at=now + settings.request_expires_hours * 3_600_000,
            options=_options(command, settings),
        )

    async def _read(self, migration: Migration, room_id: str) -> RoomState:
        """The room by itself: what another move has opened for a while is not its own setting."""
        people = (self.bot, migration.old, migration.new, migration.requester)
        room = await self.rooms.read(room_id, people, whole=True)
        own = await self.openings.own_setting(room_id)
        return replace(room, visibility=own or room.visibility)

    async def _wish(
        self, command: Migrate, migration: Migration, room: RoomState, settings: Settings
    ) -> Wish:
        return Wish(
            bot=self.bot,
            old=migration.old,
            new=migration.new,
            open_history=settings.open_history and not command.keep_history,
            lost=migration.lost,
            more=replace(migration.options, record=False) != Options(keep_history=command.keep_history),
            memberships=await self._memberships(room, migration.new),
        )

    def _move(self, migration: Migration, room_id: str, plan: Plan, settings: Settings) -> RoomMove:
        return RoomMove(
            migration=migration.number,
            room_id=room_id,
            bot=self.bot,
            requester=migration.requester,
            old=migration.old,
            new=migration.new,
            plan=plan,
            rules=rules_of(settings),
            options=migration.options,
            expires_at=migration.expires_at,
        )

    async def _memberships(self, room: RoomState, new: str) -> frozenset[str]:
        """Those rooms named in the join rule in which the new account is, as far as the bot can see."""
        asked = sorted(room.allowed_from)[:_MOST_ALLOWED]
        found = await asyncio.gather(*(self._is_in(room_id, new) for room_id in asked))
        return frozenset(room_id for room_id, there in zip(asked, found, strict=True) if there)

    async def _is_in(self, room_id: str, user_id: str) -> bool:
        try:
            event = await self.rooms.state_event(room_id, "m.room.member", user_id)
        except Forbidden:
            return False
        return event is not None and event.content.get("membership") == "join"

    def _check_accounts(self, command: Migrate, requester: str) -> None:
        old, new = str(command.old) if command.old else requester, str(command.new)
        if old == self.bot:
            raise Refused(Code.OLD_IS_BOT, old=old)
        if new == self.bot:
            raise Refused(Code.NEW_IS_BOT, new=new)
        if old == new:
            raise Refused(Code.SAME_ACCOUNT, new=new)
        check_not_lookalike(command.new, UserId.seen(old))

    async def _check_open(self, requester: str) -> None:
        count = await self.store.open_of(requester)
        if count >= self.settings().open_requests_per_person:
            raise Refused(Code.TOO_MANY_OPEN, open=str(count))

    async def _already_moving(self, migration: Migration, room_id: str) -> Refused:
        number = await self.store.active_in(room_id, (migration.old, migration.new))
        return Refused(Code.ALREADY_MOVING, number=str(number or ""))


def _options(command: Migrate, settings: Settings) -> Options:
    return Options(
        keep_history=command.keep_history,
        step_down=command.step_down,
        leave=command.leave,
        address=command.address or "",
        record=settings.publish_record,
        hand_over=command.hand_over,
    )
