# SPDX-License-Identifier: AGPL-3.0-or-later
"""Big room: what a move costs among two members, and among a thousand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from statistics import median

from scripts.bench.crowd import fill
from scripts.bench.figures import Figure, growth
from scripts.bench.place import Place, place
from tests.support import match
from tests.support.person import Person, unique
from tests.support.scene import Scene

NAME = "Big room"
_SMALL, _LARGE = 2, 1000  # members, the bot among them
_MOVES = 5  # in each room
_TARGET = 10  # percent


@dataclass(frozen=True, kw_only=True)
class _Cost:
    """The median cost of a move in one room."""

    requests: float  # without those for what is new: such a request lasts until something is
    size: float  # bytes read, with what was new


async def big_room(members: int = _LARGE, moves: int = _MOVES) -> list[Figure]:
    """The cost in either room, and by how much it differs."""
    async with place() as where:
        small, large = await _cost(where, _SMALL, moves), await _cost(where, members, moves)
    requests, size = growth(small.requests, large.requests), growth(small.size, large.size)
    return [
        Figure(benchmark=NAME, what=f"requests for a move, {_SMALL} members", value=small.requests),
        Figure(benchmark=NAME, what=f"requests for a move, {members} members", value=large.requests),
        Figure(benchmark=NAME, what="requests, difference", value=requests, unit="%", target=_TARGET),
        Figure(benchmark=NAME, what=f"read for a move, {_SMALL} members", value=small.size, unit="bytes"),
        Figure(benchmark=NAME, what=f"read for a move, {members} members", value=large.size, unit="bytes"),
        Figure(benchmark=NAME, what="bytes read, difference", value=size, unit="%", target=_TARGET),
    ]


async def _cost(where: Place, members: int, moves: int) -> _Cost:
    async with _room(where, members) as scene:
        costs = [await _move(where, scene) for _ in range(moves)]
    return _Cost(requests=median(cost.requests for cost in costs), size=median(cost.size for cost in costs))


async def _move(where: Place, scene: Scene) -> _Cost:
    """Alice moves to one more account, and agrees herself."""
    new = Person(await where.homeservers.new.register(unique("new")))
    scene = replace(scene, new=new)
    where.meter.exchanges.clear()
    try:
        await scene.ask()
        await scene.run_to_end(approver=scene.alice)
    finally:
        await new.close()
    told = where.meter.exchanges
    return _Cost(requests=sum(1 for each in told if not each.is_sync), size=sum(each.size for each in told))


@asynccontextmanager
async def _room(where: Place, members: int) -> AsyncIterator[Scene]:
    """A room of Alice's with the bot, and as many others as are wanted."""
    old = where.homeservers.old
    alice = Person(await old.admin())  # so she can fill it
    room = await alice.create_room(
        version="11",
        preset="public_chat",
        power_levels={"users": {alice.user_id: 100, where.bot.user_id: 100}},
    )
    try:
        await fill(old, room, members - _SMALL)
        await alice.set_state(room, "m.room.join_rules", {"join_rule": "invite"})
        await alice.invite(room, where.bot.user_id)
        await alice.wait_for(room, match.said_by(where.bot.user_id), "the bot to introduce itself")
        yield Scene(
            room=room,
            bot=where.bot,
            homeservers=where.homeservers,
            alice=alice,
            carol=alice,
            dave=alice,
            new=alice,
        )
    finally:
        await alice.close()
