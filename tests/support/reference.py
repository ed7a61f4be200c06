# SPDX-License-Identifier: AGPL-3.0-or-later
"""The reference migration, with one fault in it, and what it must come to all the same.

The room hides its history from newcomers, so the bot opens it and puts it back. Alice asks, Carol agrees, the
new account joins and confirms; each does their part as soon as they see that it is their turn, however late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.support import match
from tests.support.api import JsonObject
from tests.support.fault import Case, Tap, Volley
from tests.support.invariants import broken, broken_when_taken_back
from tests.support.lane import Lane, unforeseen
from tests.support.person import Person
from tests.support.processes import POLL
from tests.support.scene import YES, RoomOptions, Scene, usual_room

# For how long each waits for what comes next: on a busy machine, and a bot that is killed all the time, in
# seconds.
_PATIENCE = 90

# How often a case is tried whose request does not come: how often the bot looks depends a little on when it
# hears of what.
_TRIES = 3

# How often the database is looked at before a migration counts as never ended.
_LOOKS = 1000


@dataclass(frozen=True, kw_only=True)
class Course:
    """What people do in a migration, and how its end is judged."""

    people: Callable[[Scene], Awaitable[None]]
    broken: Callable[[Scene], Awaitable[list[str]]]


async def _move(scene: Scene) -> None:
    """Everybody's part, each as soon as it is their turn."""
    await _up_to_invite(scene)
    await scene.enter()
    await scene.new.react(scene.room, (await _sees(scene, scene.new, "confirm"))["event_id"], YES)
    await _ending(scene, "done")


async def _take_back(scene: Scene) -> None:
    """Alice thinks better of it when the new account is invited already."""
    await _up_to_invite(scene)
    await scene.cancel()
    await _ending(scene, "cancelled")


async def _up_to_invite(scene: Scene) -> None:
    scene.command = scene.command or await scene.command_is(scene.new.user_id)
    scene.card = (await _sees(scene, scene.carol, "request"))["event_id"]
    await scene.approve(scene.carol)
    is_invite = match.membership(scene.new.user_id, "invite")
    await scene.carol.wait_for(scene.room, is_invite, "the invite", seconds=_PATIENCE)


async def _ending(scene: Scene, state: str) -> None:
    await _sees(scene, scene.carol, "summary")
    is_final = match.card("request", state=state)
    await scene.carol.wait_for(scene.room, is_final, "the final state of the card", seconds=_PATIENCE)


ARRIVAL = Course(people=_move, broken=broken)
TAKEN_BACK = Course(people=_take_back, broken=broken_when_taken_back)


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one case went."""

    fired: bool  # whether the request came at all
    wrong: tuple[str, ...]  # sentences; empty when all is well
    requests: tuple[tuple[str, int], ...]  # what the bot asked for


async def insist(where: Lane, case: Case, course: Course = ARRIVAL, volley: Volley | None = None) -> Result:
    """The case, tried again, then by itself, while its request does not come."""
    result = await try_case(where, case, course, volley)
    for _ in range(_TRIES - 1):
        if result.fired or result.wrong:
            break
        result = await try_case(where, case, course)
    return result


async def try_case(
    where: Lane, case: Case | None, course: Course = ARRIVAL, volley: Volley | None = None
) -> Result:
    """A whole migration in a fresh room, with this fault in it."""
    await where.up()
    logged = len(where.bot.log_text())
    async with usual_room(where.homeservers, where.bot, RoomOptions(visibility="joined")) as scene:
        await greeted(scene)
        tap = Tap(scene.room, scene.new.user_id, case=case, volley=volley)
        where.proxy.tap(tap)
        try:
            wrong = await carry_through(where, scene, course)
        finally:
            where.proxy.untap(tap)
    wrong += unforeseen(where.bot.log_text()[logged:])
    wrong += (f"sooner than a 429 had told: {label}" for label in tap.too_early)
    return Result(fired=tap.fired, wrong=tuple(wrong), requests=tuple(tap.requests))


async def greeted(scene: Scene) -> None:
    """Return when the bot has introduced itself, as it does in each room that it comes into."""
    greeting = match.of_type("m.room.message", sender=scene.bot.user_id)
    await scene.carol.wait_for(scene.room, greeting, "the bot's greeting", seconds=_PATIENCE)


async def carry_through(where: Lane, scene: Scene, course: Course = ARRIVAL) -> list[str]:
    """The whole of it in this room, from the request on if it was made; what is wrong in the end."""
    try:
        await course.people(scene)
        await _over(where, scene)
    except AssertionError as failure:
        return [str(failure), *await course.broken(scene)]
    return await course.broken(scene)


async def _sees(scene: Scene, person: Person, kind: str) -> JsonObject:
    """The first card of that kind, once this person was sent it, however late."""
    return await person.wait_for(scene.room, match.card(kind), f"the {kind} card", seconds=_PATIENCE)


async def _over(where: Lane, scene: Scene) -> None:
    """Return once the bot has written down that it is done with this room."""
    for _ in range(_LOOKS):
        await where.up()
        if not await where.open_moves(scene.room):
            return
        await asyncio.sleep(POLL)
    raise AssertionError(f"the database still holds an open migration of {scene.room}")
