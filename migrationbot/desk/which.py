# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which migration a person means."""

from __future__ import annotations

from migrationbot.core.errors import Code, Refused
from migrationbot.core.move import Migration
from migrationbot.store.migrations import Migrations

from .letter import Letter


async def open_migration(store: Migrations, number: int | None, letter: Letter) -> Migration:
    """The open migration of that number in this room, else of this thread.

    Raises Refused NO_SUCH_MIGRATION when there is none.
    """
    if number is None:
        found = await store.of_thread(letter.room_id, letter.thread_root)
    else:
        one = await store.migration(number)
        found = [one] if one is not None and one.home_room == letter.room_id else []
    for migration in found:
        if not migration.ended:
            return migration
    raise Refused(Code.NO_SUCH_MIGRATION, number=str(number or ""))
