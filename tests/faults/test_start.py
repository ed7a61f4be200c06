# SPDX-License-Identifier: AGPL-3.0-or-later
"""A fault at the one request with which the bot asks, at its start, what happened while it was away."""

from __future__ import annotations

import pytest

from tests.support.fault import Case, Fault, Tap
from tests.support.lane import Lane, unforeseen
from tests.support.reference import carry_through, greeted
from tests.support.scene import RoomOptions, usual_room

CASES = tuple(
    Case(label="GET sync", occurrence=1, fault=fault)
    for fault in Fault
    if fault is not Fault.SERVER_UNREACHABLE  # no other homeserver is asked
)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_what_was_asked_while_the_bot_was_down_is_answered_when(case: Case, shared_lane: Lane) -> None:
    lane = shared_lane
    await lane.up()
    logged = len(lane.bot.log_text())
    async with usual_room(lane.homeservers, lane.bot, RoomOptions(visibility="joined")) as scene:
        await greeted(scene)
        tap = Tap(scene.room, scene.new.user_id, "sync", case=case)
        async with lane.away():
            scene.command = await scene.command_is(scene.new.user_id)
            lane.proxy.tap(tap)
        wrong = await carry_through(lane, scene)
        lane.proxy.untap(tap)
    assert tap.fired
    assert wrong == []
    assert unforeseen(lane.bot.log_text()[logged:]) == []
