# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which migration a person means."""

from __future__ import annotations

from collections.abc import Sequence

from migrationbot.core.errors import Code, Refused
from migrationbot.core.move import Migration
from migrationbot.store.migrations import Migrations

from .letter import Letter


async def open_migration(store: Migrations, number: int | None, letter: Letter) -> Migration:
    """The open migration of that number in this room, else of this thread.

    Raises Refused NO_SUCH_MIGRATION when there is none.
    """
    for migration in await meant(store, number, letter):
        if not migration.ended:
            return migration
    raise Refused(Code.NO_SUCH_MIGRATION, number=str(number or ""))


async def any_migration(store: Migrations, number: int | None, letter: Letter) -> Migration:
    """The same, ended ones too: of a thread the open one, else the latest.

    Raises Refused NO_SUCH_MIGRATION when there is none.
    """
    found = await meant(store, number, letter)
    if not found:
        raise Refused(Code.NO_SUCH_MIGRATION, number=str(number or ""), ended_too="yes")
    return next((migration for migration in found if not migration.ended), found[0])


async def meant(store: Migrations, number: int | None, letter: Letter) -> Sequence[Migration]:
    """All that may be meant: that of the number, if it belongs to this room, else those of this thread."""
    if number is None:
        return await store.of_thread(letter.room_id, letter.thread_root)
    one = await store.migration(number)
    return [one] if one is not None and one.home_room == letter.room_id else []
