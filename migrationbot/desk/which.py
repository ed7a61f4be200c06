# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which migration a person means, and whether it concerns that person at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from migrationbot.core.errors import Code, Refused
from migrationbot.core.move import Migration
from migrationbot.matrix.errors import Forbidden
from migrationbot.matrix.rooms import Rooms
from migrationbot.store.migrations import Migrations

from .letter import Letter


@dataclass(frozen=True, kw_only=True)
class Which:
    """Finds migrations for those whom they concern; to all others there are none."""

    rooms: Rooms
    store: Migrations

    async def open(self, number: int | None, letter: Letter) -> Migration:
        """The open migration of that number, else of this thread.

        Raises Refused NO_SUCH_MIGRATION when there is none.
        """
        for migration in await self.meant(number, letter):
            if not migration.ended:
                return migration
        raise Refused(Code.NO_SUCH_MIGRATION, number=str(number or ""))

    async def any(self, number: int | None, letter: Letter) -> Migration:
        """The same, ended ones too: of a thread the open one, else the latest.

        Raises Refused NO_SUCH_MIGRATION when there is none.
        """
        found = await self.meant(number, letter)
        if not found:
            raise _none(number)
        return next((migration for migration in found if not migration.ended), found[0])

    async def readable(self, number: int | None, letter: Letter) -> tuple[Migration, str]:
        """The same, with the room of which the asker may be told. Raises Refused NO_SUCH_MIGRATION.

        An open migration tells how its rooms are now, and that is only for those who are in them.
        """
        migration = await self.any(number, letter)
        inside = await self.rooms_with(letter.sender, migration, letter)
        if inside:
            return migration, inside[0]
        if migration.ended and letter.sender in (migration.requester, migration.old):
            return migration, (await self._rooms_of(migration, letter))[0]
        raise _none(number)

    async def meant(self, number: int | None, letter: Letter) -> Sequence[Migration]:
        """All that may be meant: that of the number, else those of this thread."""
        if number is None:
            found = await self.store.of_thread(letter.room_id, letter.thread_root)
        else:
            one = await self.store.migration(number)
            found = [] if one is None else [one]
        return [each for each in found if await self._concerns(each, letter)]

    async def rooms_with(self, user_id: str, migration: Migration, letter: Letter) -> Sequence[str]:
        """The rooms of a migration in which the account is, or is asked in; the one of the letter first."""
        return [
            room_id
            for room_id in await self._rooms_of(migration, letter)
            if await self._is_member(user_id, room_id, letter)
        ]

    async def _rooms_of(self, migration: Migration, letter: Letter) -> Sequence[str]:
        room_ids = await self.store.rooms_of(migration.number)
        return sorted(room_ids, key=lambda room_id: room_id != letter.room_id)

    async def _concerns(self, migration: Migration, letter: Letter) -> bool:
        if letter.sender in (migration.requester, migration.old, migration.new):
            return True
        for room_id in await self._rooms_of(migration, letter):
            if await self._is_member(letter.sender, room_id, letter):
                return True
        return False

    async def _is_member(self, user_id: str, room_id: str, letter: Letter) -> bool:
        if room_id == letter.room_id:
            return True  # it has just spoken there
        try:
            event = await self.rooms.state_event(room_id, "m.room.member", user_id)
        except Forbidden:
            return False
        return event is not None and event.content.get("membership") in ("join", "invite")


def _none(number: int | None) -> Refused:
    return Refused(Code.NO_SUCH_MIGRATION, number=str(number or ""), ended_too="yes")
