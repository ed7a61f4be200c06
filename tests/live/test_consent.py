# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whose yes and whose no count, and that the new account has to say yes itself."""

from __future__ import annotations

import pytest

from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.person import POWER_LEVELS, Person
from tests.support.scene import HISTORY, NO, YES, Scene

# Who may approve


async def test_the_yes_of_an_ordinary_member_counts_nothing(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.ask()
    await scene.approve(scene.dave)
    await scene.only_a_hint()
    await scene.run_to_end()


async def test_the_no_of_an_ordinary_member_counts_nothing(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.ask()
    await scene.refuse(scene.dave)
    await scene.nothing_happens()
    await scene.run_to_end()


async def test_a_moderator_who_could_not_do_it_by_hand_cannot_approve(make_scene: MakeScene) -> None:
    scene = await make_scene(levels={"dave": 99})
    await scene.ask()
    await scene.approve(scene.dave)
    await scene.only_a_hint()
    await scene.carol.set_power(scene.room, {scene.dave.user_id: 100})
    await scene.invited()  # now his yes is one of an entitled member


@pytest.mark.parametrize(
    ("levels", "power", "entitled"),
    [
        ({"alice": 40, "dave": 40}, {"events": {POWER_LEVELS: 40}}, True),  # the level that is given
        ({"alice": 40, "dave": 39}, {"events": {POWER_LEVELS: 39}}, False),
        ({"alice": 40, "dave": 60}, {"events": {POWER_LEVELS: 61}}, False),  # what giving it asks
        ({"alice": 40, "dave": 60}, {"events": {POWER_LEVELS: 50}, "invite": 61}, False),  # and inviting
        ({"alice": None, "dave": 60}, {"events": {POWER_LEVELS: 90}}, True),  # nothing is given
    ],
)
async def test_it_takes_the_level_to_do_it_all_by_hand(
    levels: dict[str, int | None], power: dict[str, object], entitled: bool, make_scene: MakeScene
) -> None:
    scene = await make_scene(levels=levels, power=power)
    await scene.ask()
    await scene.approve(scene.dave)
    if entitled:
        await scene.invited()
    else:
        await scene.only_a_hint()


async def test_the_requester_approves_alone_when_entitled(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.ask()
    summary = await scene.run_to_end(approver=scene.alice)
    assert f"Agreed by {scene.alice.user_id}" in summary["content"]["body"]


async def test_the_requester_does_not_count_where_the_operator_says_so(make_scene: MakeScene) -> None:
    scene = await make_scene(settings={"requester_may_approve": False})
    card = await scene.ask()
    assert card["content"]["m.mentions"] == {"user_ids": [scene.carol.user_id]}
    await scene.approve(scene.alice)
    await scene.nothing_happens()
    await scene.run_to_end()


async def test_as_many_have_to_agree_as_the_operator_says(make_scene: MakeScene) -> None:
    scene = await make_scene(settings={"approvals_needed": 2})
    card = await scene.ask()
    assert "2 of them have to agree" in card["content"]["body"]
    await scene.approve(scene.carol)
    await scene.carol.react(scene.room, scene.card, YES + "\ufe0f")  # the same person once more
    await scene.approve(scene.dave)
    await scene.only_a_hint()
    summary = await scene.run_to_end(approver=scene.alice)
    for approver in (scene.alice, scene.carol):
        assert approver.user_id in summary["content"]["body"].partition("Agreed by")[2]


# No


async def test_the_no_of_one_who_may_approve_refuses(make_scene: MakeScene) -> None:
    scene = await make_scene(settings={"approvals_needed": 2})
    await scene.ask()
    before = await scene.state()
    await scene.approve(scene.alice)
    await scene.refuse(scene.carol)
    summary = await scene.end("refused")
    assert f"{scene.carol.user_id} said no" in summary["content"]["body"]
    assert summary["content"]["m.mentions"] == {"user_ids": [scene.alice.user_id]}
    assert await scene.state() == before


async def test_a_no_outweighs_the_yes_of_the_same_person(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.ask()
    await scene.refuse(scene.carol)
    await scene.end("refused")
    before = await scene.state()
    await scene.approve(scene.carol)  # too late
    await scene.nothing_happens()
    assert await scene.state() == before


# The new account


async def test_nobody_confirms_for_the_new_account(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.carol.invite(scene.room, scene.new.user_id)
    await scene.join_new()
    await scene.ask()
    await scene.approve(scene.carol)
    asked = (await scene.confirm_card())["event_id"]
    for person in (scene.alice, scene.carol, scene.dave):
        await person.react(scene.room, asked, YES)
    await scene.new.react(scene.room, scene.card, YES)  # below the wrong card
    await _heard_of_all(scene, scene.new)
    await scene.nothing_happens()
    assert await scene.level(scene.new) is None
    await scene.confirm()
    await scene.end()
    assert await scene.level(scene.new) == 100


async def test_an_account_that_says_it_is_somebody_else_gets_nothing(make_scene: MakeScene) -> None:
    scene = await make_scene(visibility="joined")
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.join_new()
    await scene.confirm(NO)
    summary = await scene.end("refused")
    assert "was given no power" in summary["content"]["body"]
    assert await scene.level(scene.new) is None
    assert await scene.carol.state(scene.room, HISTORY) == {"history_visibility": "joined"}


async def test_a_new_account_that_is_not_the_one_may_say_so_before_anyone_agrees(
    make_scene: MakeScene,
) -> None:
    scene = await make_scene()
    await scene.carol.invite(scene.room, scene.new.user_id)
    await scene.join_new()
    await scene.ask()
    await scene.refuse(scene.new)
    await scene.end("refused")


async def _heard_of_all(scene: Scene, person: Person) -> None:
    """The bot's homeserver has got what this person of the other one has just said."""
    said = await person.say(scene.room, "that was my answer")
    await scene.carol.wait_for(scene.room, match.event_id(said), "what the new account has said last")
