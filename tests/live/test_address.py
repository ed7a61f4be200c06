# SPDX-License-Identifier: AGPL-3.0-or-later
"""`--address`: an alias of the new account becomes the main one of the room, and the earlier one stays."""

from __future__ import annotations

import pytest

from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import JsonObject, client_path
from tests.support.person import Person, unique
from tests.support.scene import Scene

CANONICAL = "m.room.canonical_alias"


def alias_on(person: Person) -> str:
    return f"#{unique('room')}:{person.user_id.partition(':')[2]}"


async def make_alias(person: Person, room: str, alias: str) -> None:
    """Make an alias on this person's server."""
    await person.api.request("PUT", client_path("directory", "room", alias), {"room_id": room})


async def has_an_address(scene: Scene) -> str:
    """Give the room a main address on the old server; the alias."""
    alias = alias_on(scene.carol)
    await make_alias(scene.carol, scene.room, alias)
    await scene.carol.set_state(scene.room, CANONICAL, {"alias": alias, "org.example": 1})
    return alias


async def canonical(scene: Scene) -> JsonObject:
    return await scene.carol.state(scene.room, CANONICAL)


async def come_in(scene: Scene) -> None:
    """Have the request approved, join and confirm."""
    await scene.approve(scene.carol)
    await scene.join_new()
    await scene.confirm()


async def refused(scene: Scene, text: str, sentence: str) -> None:
    answer = await scene.answer_to(await scene.command_is(text), error="bad_option")
    assert sentence in answer["content"]["body"]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_an_alias_that_the_new_account_makes_becomes_the_main_one(
    database: str, make_scene: MakeScene
) -> None:
    scene = await make_scene(database=database)
    earlier, address = await has_an_address(scene), alias_on(scene.new)
    card = await scene.ask("--address", address)
    assert f"{address} becomes the main one; the earlier one stays" in card["content"]["body"]
    assert "has to make it first" in card["content"]["body"]
    await come_in(scene)
    wait = await scene.progress()
    assert wait["content"]["m.mentions"] == {"user_ids": [scene.new.user_id]}
    assert f"please make {address} lead to this room" in wait["content"]["body"]
    assert await scene.level(scene.new) == 100
    assert (await canonical(scene))["alias"] == earlier
    await make_alias(scene.new, scene.room, address)
    await scene.new.say(scene.room, "There it is")
    summary = await scene.end()
    assert await canonical(scene) == {"alias": address, "alt_aliases": [earlier], "org.example": 1}
    assert f"{address} is the main one now" in summary["content"]["body"]
    assert "The earlier one leads here as well" in summary["content"]["body"]


async def test_one_that_leads_here_already_is_chosen_at_once(make_scene: MakeScene) -> None:
    scene = await make_scene()
    address = alias_on(scene.carol)
    await make_alias(scene.carol, scene.room, address)
    await scene.ask("--address", address)
    await come_in(scene)
    await scene.end()
    assert await canonical(scene) == {"alias": address}


async def test_on_its_own_server_the_bot_makes_it(make_scene: MakeScene) -> None:
    scene = await make_scene()
    moved = Person(await scene.homeservers.old.register(unique("new")))
    address, scene.new = alias_on(moved), moved
    card = await scene.ask("--address", address)
    assert "has to make it first" not in card["content"]["body"]
    await come_in(scene)
    await scene.end()
    assert await canonical(scene) == {"alias": address}
    led_to = await moved.api.get(client_path("directory", "room", address))
    assert led_to["room_id"] == scene.room
    await moved.close()


async def test_an_earlier_one_that_leads_elsewhere_by_now_does_not_hold_it_up(make_scene: MakeScene) -> None:
    scene, other = await make_scene(), await make_scene()
    earlier, address = await has_an_address(scene), alias_on(scene.carol)
    await make_alias(scene.carol, scene.room, address)
    await scene.ask("--address", address)
    # An admin of the server: for members Synapse would take it out of the room's state as well.
    admin = Person(await scene.homeservers.old.admin())
    await admin.api.request("DELETE", client_path("directory", "room", earlier))
    await make_alias(other.carol, other.room, earlier)
    assert (await canonical(scene))["alias"] == earlier
    await come_in(scene)
    await scene.end()
    assert await canonical(scene) == {"alias": address, "org.example": 1}
    await admin.close()


async def test_where_the_bot_has_no_right_somebody_else_chooses_it(make_scene: MakeScene) -> None:
    scene = await make_scene(
        levels={"alice": 50, "bot": 60}, power={"events": {CANONICAL: 70, "m.room.power_levels": 60}}
    )
    address = alias_on(scene.carol)
    await make_alias(scene.carol, scene.room, address)
    card = await scene.ask("--address", address)
    assert "Someone with at least level 70 has to choose it" in card["content"]["body"]
    assert f"level 70 or more: {scene.carol.user_id}." in card["content"]["body"]
    await come_in(scene)
    wait = await scene.progress()
    assert "Someone with at least level 70 can" in wait["content"]["body"]
    await scene.carol.set_state(scene.room, CANONICAL, {"alias": address})
    await scene.end()


async def test_an_account_with_nothing_to_be_given_may_move_the_address_alone(make_scene: MakeScene) -> None:
    scene = await make_scene(levels={"new": 100})
    await scene.carol.invite(scene.room, scene.new.user_id)
    await scene.join_new()
    address = alias_on(scene.new)
    await make_alias(scene.new, scene.room, address)
    await scene.ask("--address", address)
    await scene.approve(scene.carol)
    await scene.confirm()
    await scene.end()
    assert await canonical(scene) == {"alias": address}


async def test_it_is_asked_for_again_with_the_same_address(make_scene: MakeScene) -> None:
    scene = await make_scene()
    address = alias_on(scene.new)
    number = match.number_of(await scene.ask("--address", address))
    await scene.cancel()
    await scene.end("cancelled")
    again = await scene.command_is(f"retry {number}")
    card = await scene.in_thread(match.card("request"), "the new request card", root=again)
    assert address in card["content"]["body"]


# What is refused


async def test_an_address_of_another_room(make_scene: MakeScene) -> None:
    scene, other = await make_scene(), await make_scene()
    address = await has_an_address(other)
    await refused(scene, f"{scene.new.user_id} --address {address}", "leads to another room")


async def test_an_address_that_the_new_account_cannot_make(make_scene: MakeScene) -> None:
    scene = await make_scene()
    address = alias_on(scene.carol)
    await refused(scene, f"{scene.new.user_id} --address {address}", "only an account on")
