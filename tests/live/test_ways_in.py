# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms that the new account can enter without an invite: by a link, through a space, or by a knock."""

from __future__ import annotations

import pytest

from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import JsonObject, client_path
from tests.support.scene import Scene

JOIN_RULES = "m.room.join_rules"


def _rule(rule: str, *spaces: str) -> JsonObject:
    allow = [{"type": "m.room_membership", "room_id": space} for space in spaces]
    return {"join_rule": rule, **({"allow": allow} if spaces else {})}


async def _was_invited(scene: Scene) -> bool:
    """Whether anybody ever invited the new account."""
    is_invite = match.membership(scene.new.user_id, "invite")
    return any(is_invite(event) for event in await scene.carol.messages(scene.room))


async def _space(scene: Scene) -> str:
    """A space with the bot and the new account in it."""
    space = await scene.carol.create_room(
        creation_content={"type": "m.space"},
        state=({"type": JOIN_RULES, "state_key": "", "content": _rule("public")},),
        invite=[scene.bot.user_id],
    )
    await scene.carol.wait_for(space, match.membership(scene.bot.user_id, "join"), "the bot in the space")
    await scene.new.join(space, via=[scene.homeservers.old.server_name])
    return space


async def test_a_public_room_is_joined_by_the_link_without_an_invite(make_scene: MakeScene) -> None:
    rule = {"type": JOIN_RULES, "state_key": "", "content": _rule("public")}
    scene = await make_scene(state=(rule,))
    card = await scene.ask()
    assert f"via={scene.homeservers.old.server_name}" in card["content"]["formatted_body"]
    await scene.approve(scene.carol)
    await scene.enter()
    await scene.confirm()
    await scene.end()
    assert await scene.level(scene.new) == 100
    assert not await _was_invited(scene)


@pytest.mark.parametrize("rule", ["restricted", "knock_restricted"])
async def test_a_room_of_a_space_is_joined_through_it(rule: str, make_scene: MakeScene) -> None:
    scene = await make_scene(version="11")
    space = await _space(scene)
    await scene.carol.set_state(scene.room, JOIN_RULES, _rule(rule, space))
    card = await scene.ask()
    assert "because it is in a space that the room names" in card["content"]["body"]
    await scene.approve(scene.carol)
    await scene.enter()
    await scene.confirm()
    await scene.end()
    assert await scene.level(scene.new) == 100
    assert not await _was_invited(scene)


@pytest.mark.parametrize("rule", ["restricted", "knock_restricted"])
async def test_who_is_not_in_the_space_is_invited(rule: str, make_scene: MakeScene) -> None:
    scene = await make_scene(version="11")
    await scene.carol.set_state(scene.room, JOIN_RULES, _rule(rule, "!elsewhere:example.org"))
    await scene.ask()
    await scene.run_to_end()
    assert await _was_invited(scene)


@pytest.mark.parametrize("rule", ["knock", "knock_restricted"])
async def test_a_knock_is_let_in_once_the_move_is_agreed_to(rule: str, make_scene: MakeScene) -> None:
    scene = await make_scene(version="11")
    await scene.carol.set_state(scene.room, JOIN_RULES, _rule(rule, "!elsewhere:example.org"))
    query = {"server_name": scene.homeservers.old.server_name}
    await scene.new.api.request("POST", client_path("knock", scene.room), {}, query=query)
    is_knock = match.membership(scene.new.user_id, "knock")
    await scene.carol.wait_for(scene.room, is_knock, "the knock")
    await scene.ask()
    assert await scene.membership(scene.new) == "knock"
    await scene.run_to_end()
    assert await scene.level(scene.new) == 100


async def test_a_public_room_that_closes_midway_is_entered_by_an_invite(make_scene: MakeScene) -> None:
    rule = {"type": JOIN_RULES, "state_key": "", "content": _rule("public")}
    scene = await make_scene(state=(rule,))
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.carol.set_state(scene.room, JOIN_RULES, _rule("invite"))
    await scene.join_new()
    await scene.confirm()
    await scene.end()
    assert await scene.level(scene.new) == 100
