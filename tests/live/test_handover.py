# SPDX-License-Identifier: AGPL-3.0-or-later
"""Handing a room over: people upgrade it, the bot follows, looks, and mends what an upgrade leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from tests.conftest import StartBot
from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import JsonObject, MatrixError, client_path
from tests.support.bot import BotProcess
from tests.support.person import POWER_LEVELS, Person
from tests.support.scene import HISTORY, Scene

CHILD, PARENT, ALIAS = "m.space.child", "m.space.parent", "m.room.canonical_alias"
MakePrivate = Callable[..., Any]


def _entry(summary: JsonObject) -> JsonObject:
    """What the summary says of the only room, for other programs."""
    shown = match.card_of(summary)
    assert shown is not None
    (entry,) = shown["rooms"]
    return dict(entry)


async def _upgrade(scene: Scene, by: Person, creators: Iterable[str] | None, *, to: str = "12") -> str:
    """A real upgrade; the room ID of what follows."""
    request: JsonObject = {"new_version": to}
    if creators is not None:
        request["additional_creators"] = list(creators)
    path = client_path("rooms", scene.room, "upgrade")
    return str((await by.api.request("POST", path, request))["replacement_room"])


async def _asked(scene: Scene, *, approver: Person | None = None) -> JsonObject:
    """A hand-over that waits for the upgrade; the card that says how to do that."""
    await scene.ask("--hand-over")
    await scene.approve(approver or scene.alice)
    await scene.join_new()
    await scene.confirm()
    return await scene.in_thread(match.says("/upgraderoom 12"), "how to upgrade")


async def _raise_new(scene: Scene) -> None:
    """Give the new account the level that an upgrade takes, as the bot asks for; its server has heard so."""
    raised = await scene.alice.set_power(scene.room, {scene.new.user_id: 150})
    await scene.new.wait_for(scene.room, match.event_id(raised), "its level")


async def _let_in(scene: Scene, successor: str, by: Person) -> None:
    """Invite the bot into the new room, as it asks for."""
    await scene.in_thread(
        match.says("cannot come into the new room by itself"), "that the bot wants to be let in", seen_by=by
    )
    await by.invite(successor, scene.bot.user_id)
    await by.wait_for(successor, match.membership(scene.bot.user_id, "join"), "the bot in the new room")


async def _reported(scene: Scene, successor: str, by: Person) -> JsonObject:
    """What the bot says in the new room when it is done with it."""
    return await by.wait_for(
        successor, match.says("This room follows the old one", sender=scene.bot.user_id), "the bot's report"
    )


async def _heir_joins(scene: Scene, successor: str) -> None:
    """Be invited into the new room as the new account, seen on both sides, and join."""
    is_invite = match.membership(scene.new.user_id, "invite")
    await scene.alice.wait_for(successor, is_invite, "the invite of the heir")
    await scene.new.wait_for(successor, is_invite, "its invite")
    await scene.new.join(successor, via=[scene.homeservers.old.server_name])


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
    successor = await _upgrade(scene, scene.alice, [scene.new.user_id])
    await _let_in(scene, successor, scene.alice)
    await _heir_joins(scene, successor)
    report = await _reported(scene, successor, scene.alice)
    assert scene.new.user_id in report["content"]["body"]
    summary = await scene.end("done")
    assert successor in summary["content"]["formatted_body"]
    assert _entry(summary)["left_to_do"] == []
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
    await _asked(scene)
    with pytest.raises(MatrixError):
        await _upgrade(scene, scene.new, None)
    await _raise_new(scene)
    successor = await _upgrade(scene, scene.new, None)
    await _let_in(scene, successor, scene.new)
    await _reported(scene, successor, scene.new)
    summary = await scene.end("done")
    assert _entry(summary)["left_to_do"] == []
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
    successor = await _upgrade(scene, scene.alice, [scene.new.user_id])
    await _let_in(scene, successor, scene.alice)
    await _heir_joins(scene, successor)
    summary = await scene.end("done")
    assert _entry(summary)["left_to_do"] == []
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
        scene.room = await _upgrade(scene, scene.alice, [scene.new.user_id])
        await scene.alice.invite(scene.room, scene.bot.user_id)
        await scene.alice.invite(scene.room, scene.carol.user_id)
        await scene.carol.join(scene.room)
        await scene.alice.wait_for(scene.room, match.membership(scene.bot.user_id, "join"), "the bot")
    command = await scene.command_is(f"{scene.new.user_id} --hand-over")
    answer = await scene.answer_to(command, error="bad_option")
    assert sentence in answer["content"]["body"]


async def test_an_upgrade_that_does_not_name_the_new_account_hands_nothing_over(
    make_scene: MakeScene,
) -> None:
    scene = await make_scene(version="12", creator="alice")
    await _asked(scene)
    successor = await _upgrade(scene, scene.alice, None)
    await _let_in(scene, successor, scene.alice)
    summary = await scene.end("partial")
    assert "the upgrade did not name it" in summary["content"]["body"]
    assert _entry(summary)["left_to_do"] == ["hand_over"]
    members = await scene.alice.members(successor)
    assert members == {scene.alice.user_id: "join", scene.bot.user_id: "join"}


async def test_a_room_that_does_not_follow_the_old_one_is_not_believed(make_scene: MakeScene) -> None:
    scene = await make_scene(version="12", creator="alice")
    await _asked(scene)
    other = await scene.alice.create_room(
        version="12",
        creation_content={
            "additional_creators": [scene.new.user_id],
            "predecessor": {"room_id": "!another", "event_id": "$x"},
        },
        invite=[scene.bot.user_id],
    )
    await scene.alice.wait_for(other, match.membership(scene.bot.user_id, "join"), "the bot")
    tombstone = {"body": "moved", "replacement_room": other}
    await scene.alice.set_state(scene.room, "m.room.tombstone", tombstone)
    summary = await scene.end("partial")
    assert "does not say that it follows the old one" in summary["content"]["body"]
    assert set(await scene.alice.members(other)) == {scene.alice.user_id, scene.bot.user_id}


async def test_a_room_that_somebody_else_made_is_not_believed(make_scene: MakeScene) -> None:
    """Dave makes a room that says it follows, and Alice is talked into naming it."""
    scene = await make_scene(version="12", creator="alice")
    await _asked(scene)
    other = await scene.dave.create_room(
        version="12",
        creation_content={
            "additional_creators": [scene.new.user_id],
            "predecessor": {"room_id": scene.room, "event_id": "$x"},
        },
        invite=[scene.bot.user_id],
    )
    await scene.dave.wait_for(other, match.membership(scene.bot.user_id, "join"), "the bot")
    tombstone = {"body": "moved", "replacement_room": other}
    await scene.alice.set_state(scene.room, "m.room.tombstone", tombstone)
    summary = await scene.end("partial")
    assert "was not made by" in summary["content"]["body"]
    assert scene.carol.user_id not in await scene.dave.members(other)


async def test_nobody_without_the_level_can_upgrade_or_seem_to(make_scene: MakeScene) -> None:
    scene = await make_scene(version="12", creator="alice", power={"state_default": 0})
    await _asked(scene)
    fake = {"body": "moved", "replacement_room": "!fake"}
    for person in (scene.dave, scene.carol):
        with pytest.raises(MatrixError):
            await person.set_state(scene.room, "m.room.tombstone", fake)
        with pytest.raises(MatrixError):
            await _upgrade(scene, person, [scene.new.user_id])
    with pytest.raises(MatrixError):  # nor a message that looks like it
        await scene.dave.send(scene.room, "m.room.tombstone", fake)
    await scene.nothing_happens()
    successor = await _upgrade(scene, scene.alice, [scene.new.user_id])
    await _let_in(scene, successor, scene.alice)
    await _heir_joins(scene, successor)
    await scene.end("done")


async def test_an_upgrade_by_one_who_was_no_party_to_it_is_not_followed(make_scene: MakeScene) -> None:
    """The room lets Dave upgrade it, who could not have agreed to the move."""
    scene = await make_scene(
        version="11", creator="alice", levels={"dave": 50}, power={"events": {"m.room.tombstone": 50}}
    )
    await _asked(scene, approver=scene.carol)
    successor = await _upgrade(scene, scene.dave, [scene.new.user_id])
    await scene.dave.invite(successor, scene.bot.user_id)
    summary = await scene.end("partial")
    assert "who has not agreed to this request and could not have" in summary["content"]["body"]
    members = await scene.dave.members(successor)
    assert scene.carol.user_id not in members
    assert scene.new.user_id not in members


async def test_what_an_upgrade_leaves_behind_is_mended(make_scene: MakeScene, start_bot: StartBot) -> None:
    # maubot itself logs an error when it follows an invite before the inviting server has stored it.
    bot = await start_bot(autojoin=False)
    scene = await make_scene(bot=bot, version="12", creator="alice", levels={"carol": 100})
    space = await scene.alice.create_room(
        version="12",
        creation_content={"type": "m.space"},
        power_levels={"users": {scene.bot.user_id: 50}},
        invite=[scene.bot.user_id],
    )
    foreign = await scene.carol.create_room(creation_content={"type": "m.space"})
    await scene.alice.wait_for(space, match.membership(scene.bot.user_id, "join"), "the bot in the space")
    via = [scene.homeservers.old.server_name]
    listing = {"via": via, "suggested": True, "order": "b"}
    await scene.alice.set_state(space, CHILD, listing, scene.room)
    await scene.alice.set_state(scene.room, PARENT, {"via": via, "canonical": True}, space)
    await scene.alice.set_state(scene.room, PARENT, {"via": via}, foreign)
    localpart = scene.alice.user_id.removeprefix("@").partition(":")[0]
    alias = f"#{localpart}:{scene.homeservers.old.server_name}"
    where = client_path("directory", "room", alias)
    await scene.alice.api.request("PUT", where, {"room_id": scene.room})
    await scene.alice.set_state(scene.room, ALIAS, {"alias": alias})
    await _asked(scene)
    await _raise_new(scene)
    # From another server, whose homeserver can't move the aliases of this one.
    successor = await _upgrade(scene, scene.new, None)
    await _let_in(scene, successor, scene.new)
    report = await _reported(scene, successor, scene.new)
    assert (await scene.alice.api.get(where))["room_id"] == successor
    assert (await scene.new.state(successor, ALIAS))["alias"] == alias
    listed = await scene.alice.state(space, CHILD, successor)
    assert (listed["order"], listed["suggested"]) == ("b", True)
    assert listed["via"]
    assert await scene.alice.state(space, CHILD, scene.room) == {}
    summary = await scene.end("done")
    assert _entry(summary)["left_to_do"] == ["list_in_space"]
    assert foreign in summary["content"]["body"]
    assert foreign in report["content"]["body"]


async def test_a_space_is_only_changed_for_those_who_may_change_it(make_scene: MakeScene) -> None:
    scene = await make_scene(version="12", creator="alice")
    space = await scene.dave.create_room(
        creation_content={"type": "m.space"},
        power_levels={"users": {scene.bot.user_id: 100}},
        invite=[scene.bot.user_id],
    )
    await scene.dave.wait_for(space, match.membership(scene.bot.user_id, "join"), "the bot in the space")
    via = [scene.homeservers.old.server_name]
    await scene.dave.set_state(space, CHILD, {"via": via}, scene.room)
    await scene.alice.set_state(scene.room, PARENT, {"via": via}, space)
    await _asked(scene)
    successor = await _upgrade(scene, scene.alice, [scene.new.user_id])
    await _let_in(scene, successor, scene.alice)
    await _heir_joins(scene, successor)
    summary = await scene.end("done")
    assert _entry(summary)["left_to_do"] == ["list_in_space"]
    assert await scene.dave.state(space, CHILD, scene.room) == {"via": via}


async def test_a_bot_without_a_level_follows_as_well(make_scene: MakeScene) -> None:
    """People do all of it; after the upgrade the bot may not even speak in the old room."""
    scene = await make_scene(version="12", creator="alice", levels={"bot": None})
    await scene.ask("--hand-over")
    await scene.approve(scene.alice)
    await scene.alice.invite(scene.room, scene.new.user_id)
    await scene.join_new()
    await scene.confirm()
    await _raise_new(scene)
    await scene.in_thread(match.says("/upgraderoom 12"), "how to upgrade")
    successor = await _upgrade(scene, scene.alice, [scene.new.user_id])
    await scene.alice.invite(successor, scene.bot.user_id)
    is_coming = match.membership(scene.bot.user_id, "join")
    await scene.alice.wait_for(successor, is_coming, "the bot in the new room")
    report = await _reported(scene, successor, scene.alice)
    assert scene.new.user_id in report["content"]["body"]


async def test_an_operator_who_allows_no_invites_allows_this_one(
    make_scene: MakeScene, start_bot: StartBot
) -> None:
    bot = await start_bot({"command": "migrate"}, autojoin=False)
    scene = await make_scene(bot=bot, version="12", creator="alice")
    await _asked(scene)
    bot.options = replace(
        bot.options,
        plugin_config={"accept_invites": "operators", "operators": [scene.carol.user_id]},
    )
    await bot.restart()
    successor = await _upgrade(scene, scene.alice, [scene.new.user_id])
    await _let_in(scene, successor, scene.alice)
    await _reported(scene, successor, scene.alice)


async def test_a_public_successor_is_joined_without_an_invite(make_scene: MakeScene) -> None:
    rule = {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "public"}}
    scene = await make_scene(version="12", creator="alice", state=(rule,))
    await scene.ask("--hand-over")
    await scene.approve(scene.alice)
    await scene.enter()
    await scene.confirm()
    await scene.in_thread(match.says("/upgraderoom 12"), "how to upgrade")
    successor = await _upgrade(scene, scene.alice, [scene.new.user_id])
    await _reported(scene, successor, scene.alice)
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
    await _asked(scene)
    if when == "before the upgrade":
        await bot.kill()
    successor = await _upgrade(scene, scene.alice, [scene.new.user_id])
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
        await _let_in(scene, successor, scene.alice)
    await _reported(scene, successor, scene.alice)
    if when == "before the heir joins":
        await bot.kill()
    await _heir_joins(scene, successor)
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
    await _asked(scene)
    await scene.cancel()
    summary = await scene.end("partial")
    assert _entry(summary)["left_to_do"][0] == "raise_level"
    assert "hand_over" in _entry(summary)["left_to_do"]
    assert "the room was not upgraded" in summary["content"]["body"]
    successor = await _upgrade(scene, scene.alice, [scene.new.user_id])
    await scene.alice.invite(successor, scene.bot.user_id)
    await scene.alice.wait_for(successor, match.says("!migrate", sender=scene.bot.user_id), "the greeting")
    assert scene.carol.user_id not in await scene.alice.members(successor)


async def test_a_room_that_others_upgrade_midway_goes_on_in_the_new_one_with_fresh_approval(
    make_scene: MakeScene,
) -> None:
    scene = await make_scene(version="11", visibility="joined")
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.invited()
    successor = await _upgrade(scene, scene.carol, None)
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
