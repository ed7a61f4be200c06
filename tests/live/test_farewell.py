# SPDX-License-Identifier: AGPL-3.0-or-later
"""The old account gives up its level and leaves, if it asked for it: never before the new one has it all."""

from __future__ import annotations

from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.scene import Scene


async def _promoted(scene: Scene, *options: str) -> None:
    """Up to the promotion, with these options."""
    await scene.ask(*options)
    await scene.approve(scene.carol)
    await scene.join_new()
    await scene.confirm()


async def test_the_bot_lowers_and_removes_an_account_that_it_outranks(make_scene: MakeScene) -> None:
    scene = await make_scene(levels={"alice": 50})
    before = (await scene.carol.state(scene.room, "m.room.power_levels"))["users"]
    await _promoted(scene, "--step-down", "--leave")
    await scene.end()
    after = (await scene.carol.state(scene.room, "m.room.power_levels"))["users"]
    assert after == {**before, scene.new.user_id: 50, scene.alice.user_id: 0}
    left = await scene.carol.state_event(scene.room, "m.room.member", scene.alice.user_id)
    assert (left["content"]["membership"], left["sender"]) == ("leave", scene.bot.user_id)


async def test_an_equal_of_the_bot_is_told_how_and_ticked_off(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await _promoted(scene, "--step-down", "--leave")
    told = await scene.in_thread(match.says(f"/deop {scene.alice.user_id} here"), "how to step down")
    assert scene.alice.user_id in told["content"]["m.mentions"]["user_ids"]
    assert await scene.level(scene.new) == 100
    await scene.alice.set_power(scene.room, {scene.alice.user_id: 0})
    # Now the bot outranks it.
    await scene.carol.wait_for(scene.room, match.membership(scene.alice.user_id, "leave"), "it to leave")
    await scene.end()


async def test_the_last_who_can_manage_a_room_leaves_it_to_the_new_account(make_scene: MakeScene) -> None:
    asked = {"events": {"m.room.power_levels": 60}}
    scene = await make_scene(levels={"alice": 60}, power=asked)
    await scene.carol.set_power(scene.room, {scene.carol.user_id: 0})
    await scene.ask("--step-down", "--leave")
    await scene.run_to_end(approver=scene.alice)
    assert (await scene.level(scene.new), await scene.level(scene.alice)) == (60, 0)
    assert (await scene.membership(scene.new), await scene.membership(scene.alice)) == ("join", "leave")


async def test_what_is_cancelled_after_the_promotion_is_not_done(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await _promoted(scene, "--leave")
    await scene.in_thread(match.says("/part here"), "how to leave")
    await scene.cancel()
    await scene.end()
    assert await scene.membership(scene.alice) == "join"
    assert await scene.level(scene.alice) == 100


async def test_nobody_steps_down_while_the_new_account_has_less(make_scene: MakeScene) -> None:
    scene = await make_scene(levels={"bot": 60}, power={"events": {"m.room.power_levels": 60}})
    await _promoted(scene, "--step-down")
    summary = await scene.end("partial")
    assert await scene.level(scene.alice) == 100
    left = (match.card_of(summary) or {})["rooms"][0]["left_to_do"]
    assert {"raise_level", "step_down"} <= set(left)


async def test_nothing_is_taken_when_the_new_account_never_comes(make_scene: MakeScene) -> None:
    scene = await make_scene(levels={"alice": 50})
    await scene.ask("--step-down", "--leave")
    await scene.approve(scene.carol)
    await scene.invited()
    await scene.new.leave(scene.room)
    await scene.end("refused")
    assert await scene.level(scene.alice) == 50
    assert await scene.membership(scene.alice) == "join"


async def test_a_creator_cannot_step_down_and_is_told_so(make_scene: MakeScene) -> None:
    scene = await make_scene(version="12", creator="alice")
    card = await scene.ask("--step-down")
    assert "whose power can never be lowered" in card["content"]["body"]
    await scene.run_to_end(state="partial")
    assert await scene.level(scene.new) == 100
