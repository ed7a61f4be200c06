# SPDX-License-Identifier: AGPL-3.0-or-later
"""Killed while it asks in one of many rooms, the bot asks there once."""

from __future__ import annotations

import pytest

from tests.support import match
from tests.support.community import Kind, community
from tests.support.fault import Case, Fault, Tap
from tests.support.lane import Lane, unforeseen


@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
async def test_a_room_is_asked_once(fault: Fault, own_lane: Lane) -> None:
    kinds = {"court": Kind(levels={"alice": 50})}
    async with community(own_lane.homeservers, own_lane.bot, kinds) as made:
        court, carol, dave = made.rooms["court"], made.carol, made.dave
        await carol.invite(court, dave.user_id)
        await dave.join(court)
        await carol.set_power(court, {dave.user_id: 100, carol.user_id: 50})
        tap = Tap(court, case=Case(label="PUT send/m.room.message", occurrence=1, fault=fault))
        own_lane.proxy.tap(tap)
        await made.ask("space")
        await own_lane.until(lambda: tap.fired, "the card in the room")
        await own_lane.up()
        await carol.react(made.room, made.card, "✅")
        card = await dave.wait_for(court, match.card("request"), "a request card in that room")
        await dave.react(court, card["event_id"], "✅")
        await made.let_in("space", "lobby", "court")
        await made.confirm()
        assert set(made.outcomes(await made.summary()).values()) == {"done"}
        assert await made.level_in("court") == 50
        cards = [event for event in await made.sent_in("court") if match.card("request")(event)]
        assert len(cards) == 1
        assert own_lane.deaths == 1
        assert not unforeseen(own_lane.bot.log_text())
