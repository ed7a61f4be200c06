# SPDX-License-Identifier: AGPL-3.0-or-later
"""When a room is worth a look to see whether the bot is the last one: seldom, and never too late."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from migrationbot.matrix.comings import Departure
from migrationbot.matrix.doors import Company, Doors
from migrationbot.matrix.errors import Forbidden
from migrationbot.visits.leaving import Leaving

ROOM = "!room:old.org"


@dataclass
class Room:
    """A room instead of the doors to it."""

    members: int  # with the bot
    invited: int = 0
    asked: int = 0  # how often it was looked at
    left: bool = False
    closed: bool = field(default=False)  # leaving is refused

    async def company(self, _: str) -> Company | None:
        """What the homeserver counts."""
        self.asked += 1
        return Company(joined=self.members, invited=self.invited)

    async def leave(self, _: str) -> None:
        """Go."""
        if self.closed:
            raise Forbidden(403, "M_FORBIDDEN")
        self.left = True


def leaving(room: Room, *, busy: set[str] | None = None) -> Leaving:
    """The part that is tried."""
    occupied = busy or set()
    log = logging.getLogger("leaving")
    return Leaving(cast(Doors, room), log, busy=lambda room_id: room_id in occupied)


def goes(part: Leaving, room: Room, *, count: int = 1, joined: int | None = None) -> None:
    """So many leave in one sync."""
    room.members -= count
    departure = Departure(room_id=ROOM, count=count, joined=joined)
    for room_id in part.noticed([departure]):
        asyncio.run(part.look(room_id))


def test_the_last_one_leaves() -> None:
    room = Room(members=2)
    goes(leaving(room), room)
    assert room.left


def test_where_somebody_is_invited_the_bot_stays() -> None:
    room = Room(members=2, invited=1)
    goes(leaving(room), room)
    assert not room.left


def test_a_bot_that_was_put_out_meanwhile_minds_nothing() -> None:
    room = Room(members=2, closed=True)
    goes(leaving(room), room)
    assert not room.left


def test_where_a_migration_is_open_the_bot_stays_until_it_has_ended() -> None:
    room, busy = Room(members=2), {ROOM}
    part = leaving(room, busy=busy)
    goes(part, room)
    assert part.noticed([]) == []
    assert not room.left
    busy.clear()
    assert part.noticed([]) == [ROOM]
    asyncio.run(part.look(ROOM))
    assert room.left


def test_a_sync_that_says_how_many_are_left_costs_no_request() -> None:
    room = Room(members=3)
    part = leaving(room)
    goes(part, room, joined=2)
    assert room.asked == 0
    goes(part, room, joined=1)
    assert room.left


@given(st.integers(min_value=2, max_value=400), st.data())
def test_everybody_leaves_a_room_and_few_looks_are_enough(members: int, data: st.DataObject) -> None:
    room = Room(members=members)
    part = leaving(room)
    while room.members > 1:
        goes(part, room, count=data.draw(st.integers(min_value=1, max_value=room.members - 1)))
    assert room.left
    assert room.asked <= 3


@given(st.lists(st.integers(min_value=-2, max_value=3), max_size=100))
def test_with_coming_and_going_the_bot_never_stays_alone(changes: list[int]) -> None:
    room = Room(members=5)
    part = leaving(room)
    for change in changes:
        if change > 0:
            room.members += change
        elif change and room.members > -change:
            goes(part, room, count=-change)
        assert room.left == (room.members == 1)
        if room.left:
            return
