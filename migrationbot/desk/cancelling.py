# SPDX-License-Identifier: AGPL-3.0-or-later
"""Taking a request back: `!migrate cancel`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from migrationbot.chat.wishes import Cancel
from migrationbot.core.errors import Code, Refused
from migrationbot.store.migrations import Migrations

from .letter import Letter
from .which import Which


@dataclass(frozen=True, kw_only=True)
class Cancelling:
    """Notes that the requester wants it no more; the summary in the thread is the answer."""

    store: Migrations
    which: Which
    woken: Callable[[int, str], None]  # is told of a move whose facts have changed

    async def cancel(self, command: Cancel, letter: Letter) -> None:
        """Take it back. Raises Refused NO_SUCH_MIGRATION or NOT_YOURS."""
        migration = await self.which.open(command.number, letter)
        if letter.sender not in (migration.requester, migration.old):
            raise Refused(Code.NOT_YOURS, number=str(migration.number), requester=migration.requester)
        await self.store.cancel(migration.number, letter.sender)
        for room_id in await self.store.rooms_of(migration.number):
            self.woken(migration.number, room_id)
