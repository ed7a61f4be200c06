# SPDX-License-Identifier: AGPL-3.0-or-later
"""Start: what a bot in many rooms asks for until it has looked at all that is open."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from scripts.bench.crowd import side_by_side
from scripts.bench.figures import Figure
from scripts.bench.lean import Movers, movers
from scripts.bench.place import Place, Wanted, place
from tests.support.api import MatrixApi, client_path
from tests.support.homeserver import HomeserverPair

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
    """What the bot asks for when it is started again in so many rooms."""
    wanted = Wanted(settings={"open_requests_per_person": 100}, started=False)
    async with place(wanted, homeservers) as where, movers(where) as people:
        idle = await _idle_rooms(where, rooms - open_ones)
        await where.bot.start()
        busy = await side_by_side(partial(_busy_room, people), range(open_ones), most=_SIDE_BY_SIDE)
        await where.bot.stop()
        where.meter.exchanges.clear()
        seconds = await _start_again(where, open_ones)
    return _figures(where, _Community(idle=idle, busy=busy), seconds)


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


async def _idle_rooms(where: Place, count: int) -> list[str]:
    """Rooms in which nothing is going on; the bot's own, which is the cheapest way into one."""
    account = where.bot.options.account
    api = MatrixApi(account.homeserver_url, account.access_token)

    async def make(_: int) -> str:
        return str((await api.request("POST", client_path("createRoom"), {"room_version": "11"}))["room_id"])

    try:
        return await side_by_side(make, range(count))
    finally:
        await api.close()


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
