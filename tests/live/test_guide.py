# SPDX-License-Identifier: AGPL-3.0-or-later
"""A bot that may not do all of it: people do what it may not, and it ticks that off as the room shows it."""

from __future__ import annotations

from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import JsonObject
from tests.support.scene import YES, Scene

POWERLESS = {"levels": {"bot": 0}, "power": {"invite": 50}}


async def _checklist(scene: Scene, *parts: str) -> JsonObject:
    """The checklist, posted or edited, once it says all of this."""
    return await scene.carol.wait_for(
        scene.room,
        lambda event: (
            event["sender"] == scene.bot.user_id
            and (match.card_of(event) or {}).get("checklist") is True
            and all(part in match.shown_content(event)["body"] for part in parts)
        ),
        f"a checklist that says {parts}",
    )


async def test_people_do_all_of_it_and_the_bot_watches(make_scene: MakeScene) -> None:
    scene = await make_scene(**POWERLESS)
    card = await scene.ask()
    text = card["content"]["body"]
    assert f"/invite {scene.new.user_id} here" in text
    assert f"/op {scene.new.user_id} 100 here" in text
    assert scene.alice.user_id in card["content"]["m.mentions"]["user_ids"]
    await scene.alice.invite(scene.room, scene.new.user_id)
    first = await _checklist(scene, "Done. Invite", "To do. Joining")
    assert first["content"]["m.mentions"]["user_ids"] == [scene.alice.user_id]
    assert "Agreement" not in first["content"]["body"]  # people act in their own right
    await scene.join_new()
    await scene.confirm()
    ticked = await _checklist(scene, "Done. Joining", "Done. Confirmation", "To do. Power")
    assert ticked["content"]["m.relates_to"] == {"rel_type": "m.replace", "event_id": first["event_id"]}
    await scene.alice.set_power(scene.room, {scene.new.user_id: 100})
    summary = await scene.end()
    assert await scene.level(scene.new) == 100
    assert "The bot still has" not in summary["content"]["body"]
    sent = await scene.sent_by_bot(since=scene.command)
    assert len(sent) <= 11
    assert not [event for event in sent if "state_key" in event]


async def test_an_admin_who_gives_the_bot_its_level_midway_is_asked_and_it_takes_over(
    make_scene: MakeScene,
) -> None:
    scene = await make_scene(**POWERLESS)
    await scene.ask()
    await scene.alice.invite(scene.room, scene.new.user_id)
    await scene.carol.set_power(scene.room, {scene.bot.user_id: 100})
    await scene.in_thread(match.says("the bot now has the level to do what is left"), "an offer")
    assert await scene.level(scene.new) is None
    await scene.approve(scene.carol)
    await scene.join_new()
    await scene.confirm()
    summary = await scene.end()
    assert await scene.level(scene.new) == 100
    assert f"/deop {scene.bot.user_id} here" in summary["content"]["body"]


async def test_what_the_bot_may_do_it_does(make_scene: MakeScene) -> None:
    scene = await make_scene(levels={"bot": 0})  # anyone may invite
    await scene.ask()
    await scene.approve(scene.carol)
    invite = await scene.invited()
    assert invite["sender"] == scene.bot.user_id
    await scene.join_new()
    await scene.confirm()
    await _checklist(scene, "To do. Power: the bot may not give level 100")
    await scene.alice.set_power(scene.room, {scene.new.user_id: 100})
    await scene.end()


async def test_who_may_open_the_history_is_told_where(make_scene: MakeScene) -> None:
    scene = await make_scene(**POWERLESS, visibility="joined")
    text = (await scene.ask())["content"]["body"]
    assert "an admin can, before the invite. The setting is in the room settings, under security" in text


async def test_a_yes_of_one_who_could_not_do_it_lets_the_bot_do_nothing(make_scene: MakeScene) -> None:
    scene = await make_scene(levels={"bot": 0})
    await scene.ask()
    await scene.approve(scene.dave)
    await scene.nothing_more()
    assert await scene.membership(scene.new) is None


async def test_a_guided_move_can_be_cancelled(make_scene: MakeScene) -> None:
    scene = await make_scene(**POWERLESS)
    await scene.ask()
    await scene.cancel()
    await scene.end("cancelled")


async def test_the_new_account_can_disown_it(make_scene: MakeScene) -> None:
    scene = await make_scene(**POWERLESS)
    await scene.ask()
    await scene.alice.invite(scene.room, scene.new.user_id)
    await scene.join_new()
    await scene.confirm("❌")
    await scene.end("refused")


async def test_the_bot_lowers_its_own_level_when_it_is_told_to(make_scene: MakeScene) -> None:
    scene = await make_scene(settings={"step_down_after": True})
    await scene.ask()
    await scene.run_to_end()
    users = (await scene.carol.state(scene.room, "m.room.power_levels"))["users"]
    assert users[scene.bot.user_id] == 0
    assert users[scene.new.user_id] == users[scene.alice.user_id] == users[scene.carol.user_id] == 100


async def test_the_bot_keeps_its_level_while_another_move_needs_it(make_scene: MakeScene) -> None:
    scene = await make_scene(settings={"step_down_after": True})
    await scene.ask(by=scene.dave, to="@daves.other:example.org")
    await scene.ask()
    await scene.run_to_end()
    users = (await scene.carol.state(scene.room, "m.room.power_levels"))["users"]
    assert users[scene.bot.user_id] == 100


async def test_the_bot_that_alone_can_manage_a_room_does_not_abandon_it(make_scene: MakeScene) -> None:
    scene = await make_scene(settings={"step_down_after": True}, levels={"alice": 0})
    await scene.carol.set_power(scene.room, {scene.carol.user_id: 0})
    await scene.ask()
    await scene.run_to_end(approver=scene.dave)
    users = (await scene.carol.state(scene.room, "m.room.power_levels"))["users"]
    assert users[scene.bot.user_id] == 100


async def test_a_ticked_list_is_shown_once_across_a_restart(make_scene: MakeScene) -> None:
    scene = await make_scene(**POWERLESS)
    await scene.ask()
    await scene.alice.invite(scene.room, scene.new.user_id)
    await _checklist(scene, "Done. Invite")
    await scene.bot.kill()
    await scene.join_new()
    await scene.bot.start()
    await scene.confirm(YES)
    await scene.alice.set_power(scene.room, {scene.new.user_id: 100})
    await scene.end()
    posted = [
        event
        for event in await scene.sent_by_bot(since=scene.command)
        if (match.card_of(event) or {}).get("checklist") and not match.is_edit(event)
    ]
    assert len(posted) == 1
