# SPDX-License-Identifier: AGPL-3.0-or-later
"""Another admin writes power levels while the bot does, and the bot dies in between: nothing is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.support.fault import Case, Fault, Tap
from tests.support.lane import Lane
from tests.support.person import POWER_LEVELS
from tests.support.reference import greeted
from tests.support.scene import RoomOptions, Scene, usual_room

# Carol stands above the others, so that she can change everybody's level.
LEVELS = {"carol": 110, "alice": 100, "bot": 100}

Doing = Callable[[Scene], Awaitable[object]]


async def dave_becomes_moderator(scene: Scene) -> None:
    """Carol's change, unknown to the bot."""
    await scene.carol.set_power(scene.room, {scene.dave.user_id: 50})


async def inviting_takes_25(scene: Scene) -> None:
    """Another one, on top of what is there then."""
    content = await scene.carol.state(scene.room, POWER_LEVELS)
    await scene.carol.set_state(scene.room, POWER_LEVELS, {**content, "invite": 25})


async def new_is_lowered(scene: Scene) -> None:
    """Carol takes back what the bot gave."""
    await scene.carol.set_power(scene.room, {scene.new.user_id: 10})


@asynccontextmanager
async def promotion(
    lane: Lane, fault: Fault | None, *, before: Doing | None = None, after: Doing | None = None
) -> AsyncIterator[Scene]:
    """A move up to its end, with this happening while the bot raises the new account."""
    await lane.up()
    case = Case(label=f"PUT state/{POWER_LEVELS}", occurrence=1, fault=fault)
    async with usual_room(lane.homeservers, lane.bot, RoomOptions(levels=LEVELS)) as scene:
        await greeted(scene)
        tap = Tap(
            scene.room,
            case=case,
            before=before and (lambda: before(scene)),
            after=after and (lambda: after(scene)),
        )
        lane.proxy.tap(tap)
        await scene.ask()
        await scene.approve(scene.carol)
        await scene.join_new()
        await scene.confirm()
        yield scene
        lane.proxy.untap(tap)
        assert tap.fired


async def test_a_change_that_was_overwritten_is_put_back_after_a_crash(shared_lane: Lane) -> None:
    async with promotion(shared_lane, Fault.KILLED_AFTER, before=dave_becomes_moderator) as scene:
        await scene.end()
        assert await scene.level(scene.dave) == 50
        assert await scene.level(scene.new) == 100


async def test_a_change_before_and_one_after_ours_are_both_there_in_the_end(shared_lane: Lane) -> None:
    async with promotion(shared_lane, None, before=dave_becomes_moderator, after=inviting_takes_25) as scene:
        await scene.end()
        content = await scene.carol.state(scene.room, POWER_LEVELS)
        assert content["invite"] == 25
        assert await scene.level(scene.dave) == 50
        assert await scene.level(scene.new) == 100


async def test_who_is_lowered_while_the_bot_is_down_is_not_raised_again(shared_lane: Lane) -> None:
    async with promotion(shared_lane, Fault.KILLED_AFTER, after=new_is_lowered) as scene:
        await scene.end("partial")
        assert await scene.level(scene.new) == 10


async def test_who_is_lowered_at_once_is_not_raised_again(shared_lane: Lane) -> None:
    async with promotion(shared_lane, None, after=new_is_lowered) as scene:
        await scene.end("partial")
        assert await scene.level(scene.new) == 10
