# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whatever the bot waits for: asked to stop, it stops within seconds and leaves nothing behind."""

from __future__ import annotations

import pytest

from tests.support.fault import Case, Fault, Tap
from tests.support.lane import STOPS_WITHIN, Lane, unforeseen
from tests.support.proxy import TOLD_TO_WAIT
from tests.support.reference import carry_through, greeted
from tests.support.scene import RoomOptions, usual_room

# What the bot is in the middle of: waiting for an answer, for its turn to send, or for the next try.
WAITS = {
    "an answer to a read": Case(label="GET state/m.room.power_levels", occurrence=2, fault=Fault.TIMED_OUT),
    "an answer to a write": Case(label="PUT send/m.room.message", occurrence=1, fault=Fault.TIMED_OUT),
    "its turn": Case(label="PUT send/m.room.message", occurrence=1, fault=Fault.LIMITED),
    "the next try": Case(label="PUT send/m.room.message", occurrence=1, fault=Fault.RESET),
}


@pytest.mark.parametrize("wait", WAITS)
async def test_it_stops_while_it_waits_for(wait: str, shared_lane: Lane) -> None:
    lane = shared_lane
    await lane.up()
    logged = len(lane.bot.log_text())
    lane.proxy.told_to_wait = 600.0
    async with usual_room(lane.homeservers, lane.bot, RoomOptions(visibility="joined")) as scene:
        await greeted(scene)
        tap = Tap(scene.room, case=WAITS[wait])
        lane.proxy.tap(tap)
        scene.command = await scene.command_is(scene.new.user_id)
        await lane.until(lambda: tap.fired, "the fault")
        stopped = await lane.bot.stop(seconds=STOPS_WITHIN)
        assert stopped.exit_code == 0
        assert unforeseen(lane.bot.log_text()[logged:]) == []
        lane.proxy.told_to_wait = TOLD_TO_WAIT
        async with lane.away():
            lane.proxy.untap(tap)
        assert await carry_through(lane, scene) == []
