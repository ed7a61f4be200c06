# SPDX-License-Identifier: AGPL-3.0-or-later
"""Asking for a migration in many rooms: `!migrate @me:new.org space` and `all`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from migrationbot.chat import many
from migrationbot.chat.card import Card
from migrationbot.chat.wishes import Migrate
from migrationbot.config import Settings
from migrationbot.core.community import Entry
from migrationbot.core.errors import Code, Refused
from migrationbot.core.move import Migration, Options
from migrationbot.moves.many_request import ManyRequest
from migrationbot.moves.steps import Clock
from migrationbot.store.database import AlreadyThere
from migrationbot.store.migrations import Migrations

from .gathering import Gathered, Gathering
from .letter import Letter
from .prospecting import Prospecting, Prospects

_TRIES = 3  # times to plan anew when one of the rooms began to move meanwhile


@dataclass(frozen=True, kw_only=True)
class AskingMany:
    """One migration, one request, a move for each room that can have one."""

    gathering: Gathering
    prospecting: Prospecting
    store: Migrations
    request: ManyRequest
    settings: Callable[[], Settings]
    begun: Callable[[Migration, Sequence[str]], None]  # is told of each new migration and its rooms
    now: Clock

    async def ask(self, command: Migrate, letter: Letter) -> Card | None:
        """Begin it, or with --dry-run say what would be asked. Raises Refused."""
        old = str(command.old) if command.old else letter.sender
        gathered = await self.gathering.gather(command, letter.room_id, old)
        migration = self._migration(command, letter, gathered)
        for _ in range(_TRIES):
            found = await self.prospecting.look(migration, gathered.places)
            if command.dry_run:
                space = _entry(gathered)
                return await self.request.show(
                    migration, found.rooms, found.people, space, whole=gathered.whole
                )
            if not found.plans:
                return many.nothing_moves(found.rooms)
            if await self._begin(migration, found, whole=gathered.whole):
                return None
        raise Refused(Code.ALREADY_MOVING, number="")

    async def _begin(self, migration: Migration, found: Prospects, *, whole: bool) -> bool:
        plans = found.plans
        try:
            number = await self.store.begin(migration, plans, [each.entry for each in found.rooms])
        except AlreadyThere:
            return False
        begun = await self.store.migration(number)
        if begun is not None:
            self.request.remember(number, found.people, whole=whole)
            self.begun(begun, tuple(plans))
        return True

    def _migration(self, command: Migrate, letter: Letter, gathered: Gathered) -> Migration:
        settings, now = self.settings(), self.now()
        return Migration(
            number=0,
            requester=letter.sender,
            old=str(command.old) if command.old else letter.sender,
            new=str(command.new),
            home_room=letter.room_id,
            command_event=letter.message.event_id,
            thread_root=letter.thread_root,
            created_at=now,
            expires_at=now + settings.request_expires_hours * 3_600_000,
            options=Options(
                keep_history=command.keep_history,
                step_down=command.step_down,
                leave=command.leave,
                record=settings.publish_record,
                scope=command.scope.value,
                space=gathered.space.room_id if gathered.space else "",
                later=True,
            ),
        )


def _entry(gathered: Gathered) -> Entry | None:
    space = gathered.space
    return Entry(room_id=space.room_id, name=space.name, is_space=True) if space else None
