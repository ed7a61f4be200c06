# SPDX-License-Identifier: AGPL-3.0-or-later
"""Many rooms: one request for a hundred of them, against a script that makes only the needed requests."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from scripts.bench.crowd import side_by_side
from scripts.bench.figures import Figure
from scripts.bench.lean import Movers, movers
from scripts.bench.place import Wanted, place
from scripts.bench.usage import cpu_seconds
from scripts.bench.whole import ask_for_all, joining, until_summed_up

NAME = "Many rooms"
_ROOMS = 100
_AT_ONCE = 8  # the bot's default, and the script's
_RATIO, _CPU = 1.25, 40  # the script's time; milliseconds a room
_SIDE_BY_SIDE = 4


@dataclass(frozen=True, kw_only=True)
class _Bot:
    """What the bot took for all rooms, in seconds."""

    wall: float  # from the approval to the summary
    cpu: float  # from the request to the summary


async def many(rooms: int = _ROOMS) -> list[Figure]:
    """The bot's time and the script's, in the same run; half of the script's rooms before, half after."""
    async with place(Wanted(metered=False)) as where, movers(where) as people:
        made = await side_by_side(lambda _: people.room(), range(rooms), most=_SIDE_BY_SIDE)
        bare_rooms = await side_by_side(lambda _: _bare_room(people), range(rooms), most=_SIDE_BY_SIDE)
        half = rooms // 2
        bare = await _bare(people, bare_rooms[:half])
        bot = await _bot(people, made[0].room)
        bare += await _bare(people, bare_rooms[half:])
    return [
        Figure(benchmark=NAME, what=f"the bare script, {rooms} rooms", value=bare, unit="s"),
        Figure(benchmark=NAME, what=f"the bot, {rooms} rooms", value=bot.wall, unit="s"),
        Figure(benchmark=NAME, what="the bot ÷ the script", value=bot.wall / bare, target=_RATIO),
        Figure(
            benchmark=NAME, what="the bot's CPU a room", value=bot.cpu / rooms * 1000, unit="ms", target=_CPU
        ),
    ]


async def _bot(people: Movers, home: str) -> _Bot:
    """Alice moves in all the rooms that she shares with the bot; the new account does its part at once."""
    process = people.where.bot.process.pid
    before = cpu_seconds(process)
    scene = await ask_for_all(people, home)
    began = time.monotonic()
    async with joining(people):
        await scene.approve(scene.alice)
        await until_summed_up(people, scene)
    wall = time.monotonic() - began
    return _Bot(wall=wall, cpu=cpu_seconds(process) - before)


async def _bare_room(people: Movers) -> str:
    return await people.alice.create_room(version="11", power_levels={"users": {people.alice.user_id: 100}})


async def _bare(people: Movers, rooms: Sequence[str]) -> float:
    """Invite, join, read the levels, write them: the seconds for all of these rooms."""
    alice, new, via = people.alice, people.new, [people.where.homeservers.old.server_name]

    async def move(room: str) -> None:
        await alice.invite(room, new.user_id)
        await new.join(room, via=via)
        await alice.set_power(room, {new.user_id: 100})

    began = time.monotonic()
    await side_by_side(move, rooms, most=_AT_ONCE)
    return time.monotonic() - began
