# SPDX-License-Identifier: AGPL-3.0-or-later
"""Default limits: how near the bot comes to what a homeserver's usual limits allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

from scripts.bench.crowd import side_by_side
from scripts.bench.figures import Figure
from scripts.bench.lean import Movers, movers
from scripts.bench.meter import Exchange
from scripts.bench.place import Wanted, place
from scripts.bench.whole import ask_for_all, joining, until_summed_up
from tests.support.homeserver import Homeserver
from tests.support.person import Person
from tests.support.synapse_config import DEFAULT, LIFTED

NAME = "Default limits"
_ROOMS = 12
_RATIO, _LIMITED = 1.1, 2
_SIDE_BY_SIDE = 4

# Synapse's defaults: so many at once, then one in so many seconds.
_SENDS, _SEND_EVERY = 10, 1 / 0.2  # rc_message
_INVITES, _INVITE_EVERY = 10, 1 / 0.3  # rc_invites.per_issuer


async def limits(rooms: int = _ROOMS) -> list[Figure]:
    """The time from the bot's first send to its last, against the least that was possible for as many."""
    async with place(Wanted(started=False)) as where, movers(where) as people:
        made = await side_by_side(lambda _: _room(people), range(rooms), most=_SIDE_BY_SIDE)
        await _limit(where.homeservers.old)
        await where.bot.start()
        where.meter.exchanges.clear()
        scene = await ask_for_all(people, made[0])
        async with joining(people):
            await scene.approve(scene.alice)
            await until_summed_up(people, scene)
    sends = [each for each in where.meter.exchanges if _is_send(each)]
    return _figures(rooms, sends)


def _figures(rooms: int, sends: Sequence[Exchange]) -> list[Figure]:
    taken = [each for each in sends if each.status == HTTPStatus.OK]
    wall = max(each.answered for each in taken) - min(each.came for each in taken)
    invites = sum(1 for each in taken if each.label.endswith("/invite"))
    least = least_seconds(len(taken), invites)
    refused = sum(1 for each in sends if each.status == HTTPStatus.TOO_MANY_REQUESTS)
    return [
        Figure(benchmark=NAME, what=f"sends for {rooms} rooms", value=len(taken)),
        Figure(benchmark=NAME, what="the least time for as many", value=least, unit="s"),
        Figure(benchmark=NAME, what="from the first to the last", value=wall, unit="s"),
        Figure(benchmark=NAME, what="that ÷ the least", value=wall / least, target=_RATIO),
        Figure(benchmark=NAME, what="429s", value=refused, target=_LIMITED),
    ]


def least_seconds(sends: int, invites: int) -> float:
    """In how many seconds a homeserver with the usual limits takes so many sends, invites among them."""
    return max((sends - _SENDS) * _SEND_EVERY, (invites - _INVITES) * _INVITE_EVERY, 0.0)


async def _room(people: Movers) -> str:
    """A room that the bot has entered before it runs: it greets nobody there, at nobody's expense."""
    bot = people.where.bot.options.account
    room = await people.alice.create_room(
        version="11",
        power_levels={"users": {people.alice.user_id: 100, bot.user_id: 100}},
        invite=[bot.user_id],
    )
    visitor = Person(bot)
    try:
        await visitor.join(room)
    finally:
        await visitor.close()
    return room


async def _limit(homeserver: Homeserver) -> None:
    """Start it again with the limits that Synapse has by default; what was sent before no longer counts.

    Only the invitee's own limit is lifted: the inviting server counts by invitee too.
    """
    await homeserver.stop()
    lifted = {"per_user": LIFTED["rc_invites"]["per_user"]}
    homeserver.options = replace(homeserver.options, limits={**DEFAULT, "rc_invites": lifted})
    await homeserver.start()


def _is_send(exchange: Exchange) -> bool:
    """Whether it is one that the limits count: a message, a reaction, state, a membership."""
    method, _, path = exchange.label.partition(" ")
    return method in ("PUT", "POST") and "/rooms/" in path
