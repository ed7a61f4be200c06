# SPDX-License-Identifier: AGPL-3.0-or-later
"""Before each act the evidence is read again: what no longer stands stops the move."""

from __future__ import annotations

import asyncio

import pytest

from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.person import Person
from tests.support.scene import HISTORY, Scene


async def invited(make_scene: MakeScene, **options: object) -> Scene:
    """A move that Carol approved, up to the invite."""
    scene = await make_scene(**options)
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.invited()
    return scene


async def test_an_approval_that_is_taken_back_stops_the_move_until_another_one(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.ask()
    approval = await scene.approve(scene.carol)
    await scene.join_new()
    await scene.confirm_card()
    await scene.carol.redact(scene.room, approval)
    told = await scene.progress()
    assert "approval no longer stands" in told["content"]["body"]
    await scene.confirm()
    await scene.nothing_more()
    assert await scene.level(scene.new) is None
    await scene.approve(scene.alice)
    await scene.end()
    assert await scene.level(scene.new) == 100


async def test_the_summary_names_those_whose_approval_stood_at_the_last_act(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.ask()
    approval = await scene.approve(scene.carol)
    await scene.invited()
    await scene.approve(scene.alice)
    await scene.carol.redact(scene.room, approval)
    await scene.enter()
    asked = await scene.confirm_card()
    await scene.confirm()
    summary = await scene.end()
    for said in (asked, summary):
        assert scene.alice.user_id in said["content"]["body"]
        assert scene.carol.user_id not in said["content"]["body"]


async def test_an_approver_who_loses_the_level_counts_no_more(make_scene: MakeScene) -> None:
    scene = await make_scene(creator="alice")
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.invited()
    await scene.carol.set_power(scene.room, {scene.carol.user_id: 50})
    await scene.progress()
    await scene.enter()
    await scene.nothing_more()
    assert await scene.level(scene.new) is None
    await scene.alice.set_power(scene.room, {scene.carol.user_id: 100})
    await scene.confirm()
    await scene.end()


async def test_an_approver_who_leaves_counts_no_more(make_scene: MakeScene) -> None:
    scene = await make_scene(creator="alice")
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.invited()
    await scene.carol.leave(scene.room)
    await scene.dave.wait_for(scene.room, match.card("progress"), "the message that the approval is lost")
    await scene.enter()
    await scene.approve(scene.alice)
    await scene.new.wait_for(scene.room, match.card("confirm"), "the confirm card")


async def test_no_more_is_given_than_the_old_account_has_left(make_scene: MakeScene) -> None:
    scene = await invited(make_scene)
    await scene.alice.set_power(scene.room, {scene.alice.user_id: 50})
    await scene.enter()
    await scene.confirm()
    await scene.end()
    assert await scene.level(scene.new) == 50


@pytest.mark.parametrize("act", ["kick", "ban"])
async def test_an_old_account_that_is_removed_stops_the_move(make_scene: MakeScene, act: str) -> None:
    scene = await make_scene(levels={"alice": 50}, visibility="joined")
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.invited()
    await getattr(scene.carol, act)(scene.room, scene.alice.user_id)
    summary = await scene.end("refused")
    assert "no longer a member" in summary["content"]["body"]
    assert await scene.membership(scene.new) == "leave"
    assert (await scene.carol.state(scene.room, HISTORY))["history_visibility"] == "joined"


async def test_an_old_account_that_left_by_itself_may_still_move(make_scene: MakeScene) -> None:
    scene = await invited(make_scene)
    await scene.enter()
    await scene.confirm_card()
    await scene.alice.leave(scene.room)
    await scene.confirm()
    await scene.end()
    assert await scene.level(scene.new) == 100


@pytest.mark.parametrize("which", ["request", "confirm"])
async def test_a_card_that_was_deleted_proves_nothing(make_scene: MakeScene, which: str) -> None:
    scene = await invited(make_scene)
    await scene.enter()
    confirm = await scene.confirm_card()
    await scene.carol.redact(scene.room, scene.card if which == "request" else confirm["event_id"])
    await scene.in_thread(match.card("summary", state="refused"), "the summary")
    assert await scene.level(scene.new) is None


async def test_a_bot_that_loses_its_level_says_who_can_mend_it_and_goes_on_by_itself(
    make_scene: MakeScene,
) -> None:
    scene = await make_scene(visibility="joined", creator="alice")
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.join_new()
    await scene.confirm_card()
    # Nobody but the bot itself can lower an account at 100: its own client does.
    itself = Person(scene.bot.options.account)
    await itself.set_power(scene.room, {scene.bot.user_id: 0})
    await itself.close()
    await scene.confirm()
    told = await scene.progress()
    assert f"/op {scene.bot.user_id} 100" in told["content"]["body"]
    assert match.card("progress", state="blocked")(told)
    await scene.carol.set_power(scene.room, {scene.bot.user_id: 100})
    await scene.end()
    assert await scene.level(scene.new) == 100


async def test_two_who_approve_in_the_same_instant_cause_one_run(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.ask()
    await asyncio.gather(scene.approve(scene.carol), scene.approve(scene.alice))
    await scene.join_new()
    await scene.confirm()
    await scene.end()
    events = await scene.carol.messages(scene.room)
    invites = [event for event in events if match.membership(scene.new.user_id, "invite")(event)]
    raised = [
        event for event in events if match.of_type("m.room.power_levels", sender=scene.bot.user_id)(event)
    ]
    assert (len(invites), len(raised)) == (1, 1)
