# SPDX-License-Identifier: AGPL-3.0-or-later
"""Wording the request for many rooms, with the list of all of them where the card can't hold it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from migrationbot.chat import many
from migrationbot.chat.card import Card
from migrationbot.chat.table import as_text
from migrationbot.config import Settings
from migrationbot.core.community import Entry, Prospect
from migrationbot.core.move import Migration
from migrationbot.matrix.rooms import Rooms
from migrationbot.moves.rules import rules_of
from migrationbot.moves.steps import Clock
from migrationbot.store.migrations import Migrations
from migrationbot.store.roster import Rosters

_MOST_REMEMBERED = 100


class ManyRequest:
    """Writes the request card of a migration in many rooms."""

    def __init__(
        self,
        rooms: Rooms,
        store: Migrations,
        rosters: Rosters,
        settings: Callable[[], Settings],
        now: Clock,
    ) -> None:
        self._rooms = rooms
        self._store = store
        self._rosters = rosters
        self._settings = settings
        self._now = now
        self._asked: dict[int, tuple[Sequence[str], bool]] = {}

    def remember(self, number: int, people: Sequence[str], *, whole: bool) -> None:
        """Note who may approve and is where it was asked. After a crash in between, nobody is pinged."""
        while len(self._asked) >= _MOST_REMEMBERED:
            del self._asked[next(iter(self._asked))]
        self._asked[number] = (people, whole)

    async def prospects(self, migration: Migration) -> list[Prospect]:
        """Its rooms with their plans, in order."""
        moves = await self._store.moves(migration, rules_of(self._settings()))
        plans = {move.room_id: move.plan for move in moves}
        entries = await self._rosters.of(migration.number)
        return [Prospect(entry=entry, plan=plans.get(entry.room_id)) for entry in entries]

    def listing(self, prospects: Sequence[Prospect]) -> str | None:
        """The list of all rooms; None when the card itself names them all."""
        return as_text(prospects) if many.is_shortened(prospects) else None

    async def show(
        self,
        migration: Migration,
        prospects: Sequence[Prospect],
        people: Sequence[str],
        space: Entry | None,
        *,
        whole: bool,
    ) -> Card:
        """What a dry run answers."""
        asking = await self._asking(migration, people, space, whole=whole, attached=False, dry_run=True)
        return many.request(migration, prospects, asking)

    async def write(self, migration: Migration, prospects: Sequence[Prospect], *, attached: bool) -> Card:
        """The request card."""
        people, whole = self._asked.get(migration.number, ((), True))
        entries = {each.entry.room_id: each.entry for each in prospects}
        space = migration.options.space
        named = entries.get(space) or (Entry(room_id=space, is_space=True) if space else None)
        asking = await self._asking(migration, people, named, whole=whole, attached=attached, dry_run=False)
        return many.request(migration, prospects, asking)

    async def _asking(
        self,
        migration: Migration,
        people: Sequence[str],
        space: Entry | None,
        *,
        whole: bool,
        attached: bool,
        dry_run: bool,
    ) -> many.Asking:
        settings = self._settings()
        warning = await self._rooms.profile_warning(migration.new)
        return many.Asking(
            people=people or (migration.requester,),
            space=space,
            whole=whole,
            command=settings.command,
            warnings=(warning,) if warning else (),
            needed=settings.approvals_needed,
            old_may_answer=settings.requester_may_approve,
            now=self._now(),
            dry_run=dry_run,
            attached=attached,
        )
