# SPDX-License-Identifier: AGPL-3.0-or-later
"""Leaving a room in which the bot is the last one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from logging import Logger

from migrationbot.matrix.comings import Departure
from migrationbot.matrix.doors import Doors
from migrationbot.matrix.errors import HomeserverError, LoggedOut


class Leaving:
    """Notices when the bot may be alone, looks, and goes.

    Where a sync does not say how many are left, the bot counts departures: of n members n - 1 have to go
    before it is alone, so after one look at the room no further one is needed before that.
    """

    def __init__(self, doors: Doors, log: Logger, *, busy: Callable[[str], bool]) -> None:
        """`busy` tells whether a migration is open in a room: then the bot stays to the end of it."""
        self._doors = doors
        self._log = log
        self._busy = busy
        self._departures_left: dict[str, int] = {}  # by room ID; until a look at the room is worth it
        self._staying: set[str] = set()  # room IDs: nobody else is there, but a migration is open

    def noticed(self, departures: Iterable[Departure]) -> list[str]:
        """The rooms that are worth a look after a sync. No I/O."""
        worth = [each.room_id for each in departures if self._may_be_last(each)]
        free = [room_id for room_id in self._staying if not self._busy(room_id)]
        self._staying.difference_update(free)
        return list(dict.fromkeys((*worth, *free)))

    async def look(self, room_id: str) -> None:
        """Leave, if nobody else is there and nobody is invited."""
        company = await self._doors.company(room_id)
        if company is None:
            return
        self._departures_left[room_id] = max(1, company.joined - 1)
        if company.joined > 1 or company.invited > 0:
            return
        if self._busy(room_id):
            self._staying.add(room_id)
            return
        try:
            await self._doors.leave(room_id)
        except LoggedOut:
            raise
        except HomeserverError:
            return  # outside already
        self._log.info("left %s as the last one", room_id)

    def _may_be_last(self, departure: Departure) -> bool:
        if departure.joined is not None:
            return departure.joined <= 1
        left = self._departures_left.get(departure.room_id, 1) - departure.count
        self._departures_left[departure.room_id] = max(1, left)
        return left <= 0
