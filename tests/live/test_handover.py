# SPDX-License-Identifier: AGPL-3.0-or-later
"""Handing a room over: people upgrade it, the bot follows, looks, and mends what an upgrade leaves behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.conftest import StartBot
from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import MatrixError
from tests.support.bot import BotProcess
from tests.support.hand_over import asked, entry, heir_joins, let_in, raise_new, reported, upgrade
from tests.support.person import POWER_LEVELS
from tests.support.scene import HISTORY


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_a_creator_of_version_12_hands_the_room_over(database: str, make_scene: MakeScene) -> None:
    scene = await make_scene(version="12", creator="alice", visibility="joined", database=database)
    card = await scene.ask("--hand-over")
    assert "of which the new account is an owner (creator)" in card["content"]["body"]
    await scene.approve(scene.alice)
    await scene.join_new()
    await scene.confirm()
    how = (await scene.in_thread(match.says("/upgraderoom 12"), "how to upgrade"))["content"]
    assert f"/op {scene.new.user_id} 150" in how["body"]
    assert f'"additional_creators": ["{scene.new.user_id}"]' in how["body"]
    assert "ACCESS_TOKEN" in how["body"]
    assert set(how["m.mentions"]["user_ids"]) == {scene.alice.user_id, scene.new.user_id}
    successor = await upgrade(scene, scene.alice, [scene.new.user_id])
    await let_in(scene, successor, scene.alice)
    await heir_joins(scene, successor)
    report = await reported(scene, successor, scene.alice)
    assert scene.new.user_id in report["content"]["body"]
    summary = await scene.end("done")
    assert successor in summary["content"]["formatted_body"]
    assert entry(summary)["left_to_do"] == []
    created = await scene.new.state(successor, "m.room.create")
    assert created["additional_creators"] == [scene.new.user_id]
    # Who was there and could not come in by themselves has been invited, and nobody else.
    members = await scene.alice.members(successor)
    assert members == {
        scene.alice.user_id: "join",
        scene.bot.user_id: "join",
        scene.new.user_id: "join",
        scene.carol.user_id: "invite",
        scene.dave.user_id: "invite",
    }
    assert await scene.new.state(successor, HISTORY) == {"history_visibility": "joined"}


async def test_the_new_account_upgrades_and_is_the_only_owner(
    make_scene: MakeScene, start_bot: StartBot
) -> None:
    """As Element's /upgraderoom does: no creators are named."""
    # maubot itself logs an error when it follows an invite before the inviting server has stored it.
    bot = await start_bot(autojoin=False)
    scene = await make_scene(bot=bot, version="12", creator="alice")
    await asked(scene)
    with pytest.raises(MatrixError):
        await upgrade(scene, scene.new, None)
    await raise_new(scene)
    successor = await upgrade(scene, scene.new, None)
    await let_in(scene, successor, scene.new)
    await reported(scene, successor, scene.new)
    summary = await scene.end("done")
    assert entry(summary)["left_to_do"] == []
    created = await scene.new.state_event(successor, "m.room.create")
    assert created["sender"] == scene.new.user_id
    assert "additional_creators" not in created["content"]
    members = await scene.new.members(successor)
    assert {members[user] for user in (scene.alice.user_id, scene.carol.user_id, scene.dave.user_id)} == {
        "invite"
    }


async def test_a_room_of_version_11_gets_an_owner_by_its_upgrade(make_scene: MakeScene) -> None:
    scene = await make_scene(version="11", creator="alice")
    card = await scene.ask("--hand-over")
    assert "makes a new one, of version 12" in card["content"]["body"]
    await scene.approve(scene.carol)
    await scene.join_new()
    await scene.confirm()
    await scene.in_thread(match.says("/upgraderoom 12"), "how to upgrade")
    assert await scene.level(scene.new) == 100
    successor = await upgrade(scene, scene.alice, [scene.new.user_id])
    await let_in(scene, successor, scene.alice)
    await heir_joins(scene, successor)
    summary = await scene.end("done")
    assert entry(summary)["left_to_do"] == []
    created = await scene.new.state_event(successor, "m.room.create")
    assert created["content"]["room_version"] == "12"
    assert created["content"]["predecessor"]["room_id"] == scene.room


REFUSED = {
    "version 11, an ordinary admin": ({"version": "11"}, "an account has its level and no more"),
    "version 12, no owner": ({"version": "12"}, "it has no ownership to hand over"),
    "version 12, an owner already": (
        {"version": "12", "creator": "alice"},
        "is an owner (creator) of this room already",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_where_there_is_nothing_to_hand_over_it_is_said(case: str, make_scene: MakeScene) -> None:
    options, sentence = REFUSED[case]
    scene = await make_scene(**options)
    if case.endswith("already"):
        scene.room = await upgrade(scene, scene.alice, [scene.new.user_id])
        await scene.alice.invite(scene.room, scene.bot.user_id)
        await scene.alice.invite(scene.room, scene.carol.user_id)
        await scene.carol.join(scene.room)
        await scene.alice.wait_for(scene.room, match.membership(scene.bot.user_id, "join"), "the bot")
    command = await scene.command_is(f"{scene.new.user_id} --hand-over")
    answer = await scene.answer_to(command, error="bad_option")
    assert sentence in answer["content"]["body"]


async def test_a_bot_without_a_level_follows_as_well(make_scene: MakeScene) -> None:
    """People do all of it; after the upgrade the bot may not even speak in the old room."""
    scene = await make_scene(version="12", creator="alice", levels={"bot": None})
    await scene.ask("--hand-over")
    await scene.approve(scene.alice)
    await scene.alice.invite(scene.room, scene.new.user_id)
    await scene.join_new()
    await scene.confirm()
    await raise_new(scene)
    await scene.in_thread(match.says("/upgraderoom 12"), "how to upgrade")
    successor = await upgrade(scene, scene.alice, [scene.new.user_id])
    await scene.alice.invite(successor, scene.bot.user_id)
    is_coming = match.membership(scene.bot.user_id, "join")
    await scene.alice.wait_for(successor, is_coming, "the bot in the new room")
    report = await reported(scene, successor, scene.alice)
    assert scene.new.user_id in report["content"]["body"]


async def test_an_operator_who_allows_no_invites_allows_this_one(
    make_scene: MakeScene, start_bot: StartBot
) -> None:
    bot = await start_bot({"command": "migrate"}, autojoin=False)
    scene = await make_scene(bot=bot, version="12", creator="alice")
    await asked(scene)
    bot.options = replace(
        bot.options,
        plugin_config={"accept_invites": "operators", "operators": [scene.carol.user_id]},
    )
    await bot.restart()
    successor = await upgrade(scene, scene.alice, [scene.new.user_id])
    await let_in(scene, successor, scene.alice)
    await reported(scene, successor, scene.alice)


async def test_a_public_successor_is_joined_without_an_invite(make_scene: MakeScene) -> None:
    rule = {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "public"}}
    scene = await make_scene(version="12", creator="alice", state=(rule,))
    await scene.ask("--hand-over")
    await scene.approve(scene.alice)
    await scene.enter()
    await scene.confirm()
    await scene.in_thread(match.says("/upgraderoom 12"), "how to upgrade")
    successor = await upgrade(scene, scene.alice, [scene.new.user_id])
    await reported(scene, successor, scene.alice)
    await scene.new.join(successor, via=[scene.homeservers.old.server_name])
    await scene.end("done")
    assert await scene.alice.members(successor) == {
        scene.alice.user_id: "join",
        scene.bot.user_id: "join",
        scene.new.user_id: "join",
    }


@pytest.mark.parametrize("when", ["before the upgrade", "before the bot is let in", "before the heir joins"])
async def test_the_bot_may_be_away_at_any_moment(
    when: str, make_scene: MakeScene, start_bot: StartBot
) -> None:
    bot: BotProcess = await start_bot()
    scene = await make_scene(bot=bot, version="12", creator="alice")
    await asked(scene)
    if when == "before the upgrade":
        await bot.kill()
    successor = await upgrade(scene, scene.alice, [scene.new.user_id])
    if when == "before the upgrade":
        await bot.start()
    if when == "before the bot is let in":
        await scene.in_thread(
            match.says("cannot come into the new room by itself"), "that the bot wants to be let in"
        )
        await bot.kill()
        await scene.alice.invite(successor, bot.user_id)
        await bot.start()
    else:
        await let_in(scene, successor, scene.alice)
    await reported(scene, successor, scene.alice)
    if when == "before the heir joins":
        await bot.kill()
    await heir_joins(scene, successor)
    if when == "before the heir joins":
        await bot.start()
    await scene.end("done")
    said = [event for event in await scene.alice.messages(successor) if event["sender"] == bot.user_id]
    invites = [event["state_key"] for event in said if event["type"] == "m.room.member"]
    assert sorted(invites) == sorted(
        [bot.user_id, scene.new.user_id, scene.carol.user_id, scene.dave.user_id]
    )
    assert sum(match.says("This room follows")(event) for event in said) == 1


async def test_cancelled_before_the_upgrade_nothing_is_followed(make_scene: MakeScene) -> None:
    scene = await make_scene(version="12", creator="alice")
    await asked(scene)
    await scene.cancel()
    summary = await scene.end("partial")
    assert entry(summary)["left_to_do"][0] == "raise_level"
    assert "hand_over" in entry(summary)["left_to_do"]
    assert "the room was not upgraded" in summary["content"]["body"]
    successor = await upgrade(scene, scene.alice, [scene.new.user_id])
    await scene.alice.invite(successor, scene.bot.user_id)
    greeting = await scene.alice.wait_for(
        successor, match.says("!migrate", sender=scene.bot.user_id), "the greeting"
    )
    assert "/op" not in greeting["content"]["body"]  # the upgrade has brought its level along
    assert "It has the level here that it needs" in greeting["content"]["body"]
    assert scene.carol.user_id not in await scene.alice.members(successor)


async def test_a_room_that_others_upgrade_midway_goes_on_in_the_new_one_with_fresh_approval(
    make_scene: MakeScene,
) -> None:
    scene = await make_scene(version="11", visibility="joined")
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.invited()
    successor = await upgrade(scene, scene.carol, None)
    summary = await scene.end("refused")
    body = summary["content"]["body"]
    assert f"!migrate {scene.new.user_id}" in body
    assert f"/invite {scene.bot.user_id}" in body
    assert "?via=" in summary["content"]["formatted_body"]
    for person in (scene.bot, scene.alice):
        await scene.carol.invite(successor, person.user_id)
    await scene.alice.join(successor)
    await scene.carol.wait_for(successor, match.membership(scene.bot.user_id, "join"), "the bot")
    scene.room = successor
    await scene.ask()
    await scene.run_to_end()
    levels = await scene.carol.state(successor, POWER_LEVELS)
    assert levels["users"][scene.new.user_id] == 100
