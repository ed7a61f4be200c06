# SPDX-License-Identifier: AGPL-3.0-or-later
"""Another admin writes power levels while the bot does, and the bot dies in between: nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import pytest

from tests.support import match
from tests.support.fault import Case, Fault, Tap
from tests.support.lane import Lane
from tests.support.person import POWER_LEVELS
from tests.support.reference import greeted
from tests.support.scene import RoomOptions, Scene, usual_room

# Carol stands above the others, so that she can change everybody's level.
LEVELS = {"carol": 110, "alice": 100, "bot": 100}

Doing = Callable[[Scene], Awaitable[object]]

# How long the answers to a card are held at most until the room's levels are read, in seconds.
_HELD = 1.0


class LateAnswers(Tap):
    """What was answered to the bot's cards reaches it only when it has read the room's levels, if it does."""

    def __init__(self, room: str, *, meanwhile: Callable[[], Awaitable[object]]) -> None:
        """`meanwhile` happens once, before the answers are read."""
        super().__init__(room, before=self._hold)
        self.held = False
        self._levels_asked = asyncio.Event()
        self._happened = asyncio.Lock()
        self._meanwhile = meanwhile

    def note(self, label: str) -> Case | None:
        """Count a request; gives the case when answers are asked for."""
        super().note(label)
        if label == f"GET state/{POWER_LEVELS}":
            self._levels_asked.set()
        return Case(label=label, occurrence=0, fault=None) if label.startswith("GET relations/") else None

    async def _hold(self) -> None:
        async with self._happened:
            if self.held:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HELD):
                    await self._levels_asked.wait()
            self.held = True
            await self._meanwhile()


async def dave_becomes_moderator(scene: Scene) -> None:
    """Carol's change, unknown to the bot."""
    await scene.carol.set_power(scene.room, {scene.dave.user_id: 50})


async def inviting_takes_25(scene: Scene) -> None:
    """Another one, on top of what is there then."""
    content = await scene.carol.state(scene.room, POWER_LEVELS)
    await scene.carol.set_state(scene.room, POWER_LEVELS, {**content, "invite": 25})


async def alice_keeps_50(scene: Scene) -> None:
    """Alice gives up some of her own level."""
    await scene.alice.set_power(scene.room, {scene.alice.user_id: 50})


async def new_is_lowered(scene: Scene) -> None:
    """Carol takes back what the bot gave."""
    await scene.carol.set_power(scene.room, {scene.new.user_id: 10})


@asynccontextmanager
async def promotion(
    lane: Lane,
    fault: Fault | None,
    *,
    before: Doing | None = None,
    after: Doing | None = None,
    levels: Mapping[str, int] = LEVELS,
) -> AsyncIterator[Scene]:
    """A move up to its end, with this happening while the bot raises the new account."""
    await lane.up()
    case = Case(label=f"PUT state/{POWER_LEVELS}", occurrence=1, fault=fault)
    async with usual_room(lane.homeservers, lane.bot, RoomOptions(levels=levels)) as scene:
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


@pytest.mark.parametrize("fault", [None, Fault.KILLED_AFTER])
async def test_no_more_is_given_than_the_old_account_had_left(fault: Fault | None, shared_lane: Lane) -> None:
    above = {**LEVELS, "bot": 110}  # to put back what it overwrote, the bot must stand above Alice
    async with promotion(shared_lane, fault, before=alice_keeps_50, levels=above) as scene:
        await scene.end()
        assert await scene.level(scene.alice) == 50
        assert await scene.level(scene.new) == 50


async def test_what_is_agreed_is_judged_by_the_room_as_it_was_then_or_later(shared_lane: Lane) -> None:
    await shared_lane.up()
    async with usual_room(shared_lane.homeservers, shared_lane.bot, RoomOptions(levels=LEVELS)) as scene:
        await greeted(scene)
        await scene.ask()
        await scene.approve(scene.carol)
        await scene.join_new()
        await scene.confirm_card()

        async def alice_is_lowered_and_new_confirms() -> None:
            await alice_keeps_50(scene)
            reaction = await scene.confirm()
            await scene.carol.wait_for(scene.room, match.event_id(reaction), "the confirmation")

        tap = LateAnswers(scene.room, meanwhile=alice_is_lowered_and_new_confirms)
        shared_lane.proxy.tap(tap)
        await dave_becomes_moderator(scene)  # has the bot look
        await scene.end()
        shared_lane.proxy.untap(tap)
        assert tap.held
        assert await scene.level(scene.new) == 50


async def test_who_is_lowered_while_the_bot_is_down_is_not_raised_again(shared_lane: Lane) -> None:
    async with promotion(shared_lane, Fault.KILLED_AFTER, after=new_is_lowered) as scene:
        await scene.end("partial")
        assert await scene.level(scene.new) == 10


async def test_who_is_lowered_at_once_is_not_raised_again(shared_lane: Lane) -> None:
    async with promotion(shared_lane, None, after=new_is_lowered) as scene:
        await scene.end("partial")
        assert await scene.level(scene.new) == 10
