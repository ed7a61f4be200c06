# SPDX-License-Identifier: AGPL-3.0-or-later
"""Start: what a bot in many rooms asks for until it has looked at all that is open."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from scripts.bench.crowd import side_by_side
from scripts.bench.figures import Figure
from scripts.bench.lean import Movers, movers
from scripts.bench.place import Place, Wanted, place
from scripts.bench.planned import planned
from tests.support.homeserver import HomeserverPair
from tests.support.person import Person, unique

NAME = "Start"
_ROOMS, _OPEN = 1000, 50
_TARGET = 15  # requests for each open migration
_LOOKED_AT = re.compile(r"migration (\d+) in \S+: wait")
_PATIENCE = 60.0  # seconds
_LOOK = 0.1  # seconds between two looks at its log
_STILL = 10  # looks in a row without a request: it has come to rest
_SIDE_BY_SIDE = 4
_WAITS = 3  # kinds of waiting


@dataclass(frozen=True, kw_only=True)
class _Community:
    """The rooms that the bot is in."""

    idle: Sequence[str]
    busy: Sequence[str]  # with an open migration in each


async def start(
    rooms: int = _ROOMS, open_ones: int = _OPEN, homeservers: HomeserverPair | None = None
) -> list[Figure]:
    """What the bot asks for when started again in so many rooms, and its memory when all are planned."""
    wanted = Wanted(settings={"open_requests_per_person": 100}, started=False)
    async with place(wanted, homeservers) as where, movers(where) as people, _resident(where) as resident:
        idle = await _idle_rooms(where, resident, rooms - open_ones)
        await where.bot.start()
        busy = await side_by_side(partial(_busy_room, people), range(open_ones), most=_SIDE_BY_SIDE)
        await where.bot.stop()
        where.meter.exchanges.clear()
        seconds = await _start_again(where, open_ones)
        figures = _figures(where, _Community(idle=idle, busy=busy), seconds)
        return [*figures, await planned(where.bot, resident, idle)]


def _figures(where: Place, community: _Community, seconds: float) -> list[Figure]:
    told = [each for each in where.meter.exchanges if not each.is_sync]
    for_idle = sum(1 for each in told if each.about(*community.idle))
    each_busy = [sum(1 for each in told if each.about(room)) for room in community.busy]
    rooms, open_ones = len(community.idle) + len(community.busy), len(community.busy)
    return [
        Figure(benchmark=NAME, what=f"rooms, {open_ones} of them with an open migration", value=rooms),
        Figure(benchmark=NAME, what="from its start until it has looked at all", value=seconds, unit="s"),
        Figure(
            benchmark=NAME,
            what="requests in all ÷ open migrations",
            value=len(told) / open_ones,
            target=_TARGET,
        ),
        Figure(
            benchmark=NAME, what="requests about one of them, at most", value=max(each_busy), target=_TARGET
        ),
        Figure(benchmark=NAME, what="requests about idle rooms", value=for_idle, target=0),
    ]


async def _idle_rooms(where: Place, resident: Person, count: int) -> list[str]:
    """Rooms in which nothing is going on; the bot's own, which is the cheapest way into one."""
    bot = Person(where.bot.options.account)
    levels = {bot.user_id: 100, resident.user_id: 100}

    async def make(_: int) -> str:
        room = await bot.create_room(version="11", preset="public_chat", power_levels={"users": levels})
        return await resident.join(room)

    try:
        return await side_by_side(make, range(count))
    finally:
        await bot.close()


@asynccontextmanager
async def _resident(where: Place) -> AsyncIterator[Person]:
    """Somebody who is in all the idle rooms."""
    person = Person(await where.homeservers.old.register(unique("resident")))
    try:
        yield person
    finally:
        await person.close()


async def _busy_room(people: Movers, number: int) -> str:
    """A room with an open migration that waits: in turn for a yes, for a join, for the new account's yes."""
    scene = await people.room()
    await scene.ask()
    if number % _WAITS:
        await scene.approve(scene.alice)
        await scene.invited()
    if number % _WAITS == _WAITS - 1:
        await scene.enter()
        await scene.confirm_card()
    return scene.room


async def _start_again(where: Place, open_ones: int) -> float:
    """Start the bot, until it has looked at so many migrations and rests; the seconds until the first."""
    logged, began = len(where.bot.log_text()), time.monotonic()
    await where.bot.start()
    while len(set(_LOOKED_AT.findall(where.bot.log_text()[logged:]))) < open_ones:
        if time.monotonic() > began + _PATIENCE:
            raise AssertionError("the bot did not look at all that is open")
        await asyncio.sleep(_LOOK)
    seconds = time.monotonic() - began
    still, asked = 0, -1
    while still < _STILL:
        now = len(where.meter.exchanges)
        still, asked = (still + 1, asked) if now == asked else (0, now)
        await asyncio.sleep(_LOOK)
    return seconds
