# SPDX-License-Identifier: AGPL-3.0-or-later
"""While the bot waits because of a rate limit, what people said meanwhile counts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support import match
from tests.support.fault import Case, Fault, Tap
from tests.support.lane import Lane
from tests.support.proxy import TOLD_TO_WAIT
from tests.support.reference import greeted
from tests.support.scene import RoomOptions, Scene, usual_room

LIMITED_FOR = 4.0  # seconds


@pytest.fixture
async def limiting(shared_lane: Lane) -> AsyncIterator[Lane]:
    """A homeserver whose 429 names a longer time."""
    shared_lane.proxy.told_to_wait = LIMITED_FOR
    yield shared_lane
    shared_lane.proxy.told_to_wait = TOLD_TO_WAIT


async def use_up_the_limit(lane: Lane, other: Scene) -> None:
    """In another room the homeserver tells the bot to wait; the limit counts for all its rooms."""
    tap = Tap(other.room, case=Case(label="PUT send/m.room.message", occurrence=1, fault=Fault.LIMITED))
    lane.proxy.tap(tap)
    other.command = await other.command_is("help")
    await lane.until(lambda: tap.fired, "the bot to be limited")
    lane.proxy.untap(tap)


async def decided(lane: Lane, step: str, times: int) -> None:
    """Return when the bot has decided so once more than that many times."""
    await lane.until(lambda: lane.bot.log_text().count(f"act {step}") > times, f"the decision: {step}")


async def test_an_approval_that_is_taken_back_while_the_bot_waits_its_turn_counts_no_more(
    limiting: Lane,
) -> None:
    lane = limiting
    await lane.up()
    one, another = (usual_room(lane.homeservers, lane.bot, RoomOptions()) for _ in range(2))
    async with one as scene, another as other:
        await greeted(scene)
        await greeted(other)
        await scene.ask()
        await use_up_the_limit(lane, other)
        logged = lane.bot.log_text().count("act invite")
        approval = await scene.approve(scene.carol)
        await decided(lane, "invite", logged)
        await scene.carol.redact(scene.room, approval)
        await other.answer_to(other.command)
        told = await scene.progress()
        assert "approval no longer stands" in told["content"]["body"]
        assert await scene.membership(scene.new) is None


async def test_nobody_is_asked_on_the_strength_of_an_approval_that_was_taken_back_meanwhile(
    limiting: Lane,
) -> None:
    lane = limiting
    await lane.up()
    one, another = (usual_room(lane.homeservers, lane.bot, RoomOptions()) for _ in range(2))
    async with one as scene, another as other:
        await greeted(scene)
        await greeted(other)
        await scene.ask()
        approval = await scene.approve(scene.carol)
        await scene.invited()
        await use_up_the_limit(lane, other)
        logged = lane.bot.log_text().count("act confirm_card")
        await scene.enter()
        await decided(lane, "confirm_card", logged)
        await scene.carol.redact(scene.room, approval)
        await other.answer_to(other.command)
        told = await scene.progress()
        assert "approval no longer stands" in told["content"]["body"]
        said = await scene.carol.messages(scene.room)
        assert [event for event in said if match.card("confirm")(event)] == []
