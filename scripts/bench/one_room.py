# SPDX-License-Identifier: AGPL-3.0-or-later
"""One room: how long the bot itself takes from a yes to what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from scripts.bench.figures import Figure
from scripts.bench.meter import asked_for, heard_of, own_share
from scripts.bench.place import Place, place
from tests.support.person import POWER_LEVELS
from tests.support.scene import RoomOptions, usual_room

NAME = "One room"
_MOVES = 10
_TARGET = 50  # milliseconds


@dataclass(frozen=True, kw_only=True)
class _Sample:
    """What one move took, in milliseconds: the bot itself, and with the homeserver's answers."""

    to_invite: float
    to_promotion: float
    to_invite_in_all: float
    to_promotion_in_all: float


async def one_room(moves: int = _MOVES) -> list[Figure]:
    """The medians over so many moves, one after the other."""
    async with place() as where:
        samples = [await _move(where) for _ in range(moves)]
    figures: list[Figure] = []
    for what, own, whole in (
        ("approval → invite", "to_invite", "to_invite_in_all"),
        ("confirmation → promotion", "to_promotion", "to_promotion_in_all"),
    ):
        value = median(getattr(sample, own) for sample in samples)
        in_all = median(getattr(sample, whole) for sample in samples)
        figures += (
            Figure(benchmark=NAME, what=f"{what}, the bot's share", value=value, unit="ms", target=_TARGET),
            Figure(benchmark=NAME, what=f"{what}, with the homeserver", value=in_all, unit="ms"),
        )
    return figures


async def _move(where: Place) -> _Sample:
    where.meter.exchanges.clear()
    async with usual_room(where.homeservers, where.bot, RoomOptions()) as scene:
        await scene.ask()
        approval = await scene.approve(scene.carol)
        await scene.join_new()
        confirmation = await scene.confirm()
        await scene.end()
        invite = _between(where, approval, "POST", scene.room, "invite")
        promotion = _between(where, confirmation, "PUT", scene.room, POWER_LEVELS)
    return _Sample(
        to_invite=invite[0],
        to_promotion=promotion[0],
        to_invite_in_all=invite[1],
        to_promotion_in_all=promotion[1],
    )


def _between(where: Place, cause: str, method: str, *parts: str) -> tuple[float, float]:
    """Milliseconds from the event that the bot hears of to the request: its own share, and all of it."""
    told = where.meter.exchanges
    since, until = heard_of(told, cause), asked_for(told, method, *parts)
    return own_share(told, since, until) * 1000, (until - since) * 1000
