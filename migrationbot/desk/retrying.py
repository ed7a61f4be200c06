# SPDX-License-Identifier: AGPL-3.0-or-later
"""Trying once more: `!migrate retry`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from logging import Logger

from migrationbot.chat import answers
from migrationbot.chat.card import Card
from migrationbot.chat.wishes import Migrate, Retry, Scope
from migrationbot.core.errors import Code, Refused
from migrationbot.core.ids import UserId
from migrationbot.core.move import Migration, Phase, Rules
from migrationbot.core.reasons import Outcome
from migrationbot.store.migrations import Migrations
from migrationbot.store.roster import Rosters

from .letter import Letter
from .which import Which


@dataclass(frozen=True, kw_only=True)
class Retrying:
    """An ended migration is asked for again; of an open one, what failed is tried at once."""

    store: Migrations
    which: Which
    migrate: Callable[[Migrate, Letter], Awaitable[Card | None]]  # asks for a migration
    show: Callable[[Migration, str, Letter], Awaitable[Card]]  # says how far it is in a room
    many: Callable[[Migration], Awaitable[Card]]  # says how far a migration in many rooms is
    rosters: Rosters
    rules: Callable[[], Rules]
    woken: Callable[[int, str], None]  # is told of a move whose facts have changed
    log: Logger

    async def retry(self, command: Retry, letter: Letter) -> Card | None:
        """Try again. Raises Refused NO_SUCH_MIGRATION, NOT_YOURS, and what a new request may be."""
        if await self.store.of_command(letter.room_id, letter.message.event_id):
            return None  # asked for again before a crash; it goes on by itself
        migration = await self.which.any(command.number, letter)
        if letter.sender not in (migration.requester, migration.old):
            raise Refused(
                Code.NOT_YOURS,
                number=str(migration.number),
                requester=migration.requester,
                purpose="retry",
            )
        if migration.many:
            return await self._retry_many(migration, letter)
        if migration.ended:
            self.log.info("migration %d in %s: asked for again", migration.number, migration.home_room)
            room_id, *_ = await self.store.rooms_of(migration.number)
            return await self.migrate(_the_same(migration, room_id, letter.sender), letter)
        trying = await self._try_now(migration)
        if trying is not None:
            return trying
        migration, room_id = await self.which.readable(migration.number, letter)
        return await self.show(migration, room_id, letter)

    async def _retry_many(self, migration: Migration, letter: Letter) -> Card | None:
        """What is open and failed is tried at once; where it ended or never began, it is asked again."""
        trying, failed = await self._try_now(migration), await self._failed(migration)
        if not failed:
            return trying or await self.many(migration)
        self.log.info("migration %d: asked for again in %d rooms", migration.number, len(failed))
        wish = replace(_the_same(migration, migration.home_room, letter.sender), room=None)
        return await self.migrate(replace(wish, scope=Scope.ALL, only_rooms=failed), letter)

    async def _failed(self, migration: Migration) -> tuple[str, ...]:
        """The rooms where it ended with less than everything, or was not tried."""
        moves = await self.store.moves(migration, self.rules())
        ended = [each.room_id for each in moves if each.ending and each.ending.outcome is not Outcome.DONE]
        open_ones = {each.room_id for each in moves if each.phase is not Phase.ENDED}
        entries = await self.rosters.of(migration.number)
        skipped = []
        for entry in entries:
            if not migration.ended and migration.options.later and entry.mendable:
                self.woken(migration.number, entry.room_id)  # it may still come by itself
            elif entry.code not in (None, Code.NOTHING_TO_MOVE):
                skipped.append(entry.room_id)
        return tuple(room_id for room_id in (*ended, *skipped) if room_id not in open_ones)

    async def _try_now(self, migration: Migration) -> Card | None:
        """Wake every room in which a step has failed; None when there is no such room."""
        failed = False
        for room_id in await self.store.rooms_of(migration.number):
            move = await self.store.move(migration, room_id, self.rules())
            if move.trouble is not None:
                failed = True
                await self.store.try_now(move)
                self.log.info("migration %d in %s: tried again at once", migration.number, room_id)
                self.woken(migration.number, room_id)
        return answers.trying(migration) if failed else None


def _the_same(migration: Migration, room_id: str, sender: str) -> Migrate:
    """What `sender` would have to type to ask for this migration."""
    return Migrate(
        new=UserId.seen(migration.new),
        old=None if sender == migration.old else UserId.seen(migration.old),
        keep_history=migration.options.keep_history,
        step_down=migration.options.step_down,
        leave=migration.options.leave,
        room=room_id,
        address=migration.options.address or None,
        hand_over=migration.options.hand_over,
    )
