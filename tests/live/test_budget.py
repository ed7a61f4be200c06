# SPDX-License-Identifier: AGPL-3.0-or-later
"""How many events a move costs, counted by the homeserver: it lets a bot send ten, and then one in 5 s."""

from __future__ import annotations

import pytest

from tests.live.conftest import MakeScene


@pytest.mark.parametrize(("visibility", "budget"), [("shared", 9), ("joined", 11)])
@pytest.mark.parametrize("version", ["11", "12"])
async def test_a_move_stays_within_its_budget(
    visibility: str, budget: int, version: str, make_scene: MakeScene
) -> None:
    scene = await make_scene(visibility=visibility, version=version)
    await scene.ask()
    await scene.run_to_end()
    sent = await scene.sent_by_bot(since=scene.command)
    assert len(sent) <= budget, [event["type"] for event in sent]


async def test_a_move_with_company_costs_no_more(make_scene: MakeScene) -> None:
    scene = await make_scene(visibility="joined")
    await scene.ask()
    for person in (scene.dave, scene.alice, scene.carol):
        await person.say(scene.room, "A word on that, !migrate or not.")
        await person.react(scene.room, scene.card, "🎉")
    await scene.approve(scene.alice)
    await scene.run_to_end()
    sent = await scene.sent_by_bot(since=scene.command)
    assert len(sent) <= 11, [event["type"] for event in sent]


async def test_a_move_that_is_taken_back_costs_no_more(make_scene: MakeScene) -> None:
    scene = await make_scene(visibility="joined")
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.invited()
    await scene.cancel()
    await scene.end("cancelled")
    sent = await scene.sent_by_bot(since=scene.command)
    assert len(sent) <= 9, [event["type"] for event in sent]
