# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms that a space was to let the new account into, when it can't go there."""

from __future__ import annotations

from tests.live.conftest import MakeCommunity
from tests.support import match
from tests.support.community import Kind


async def test_without_the_space_its_rooms_are_invited_into(make_community: MakeCommunity) -> None:
    made = await make_community(
        {"wing": Kind(is_space=True), "library": Kind(rule="restricted", parent="wing"), "garden": Kind()}
    )
    await made.ask("space")
    await made.carol.react(made.room, made.card, "✅")
    await made.let_in("space", "lobby")
    members = await made.carol.members(made.rooms["library"])
    assert made.new.user_id not in members  # it may join by itself, once it is in that wing
    await made.decline("wing")
    await made.let_in("library", "garden")
    await made.confirm()
    outcomes = made.outcomes(await made.summary())
    assert outcomes.pop("wing") == "refused"
    assert set(outcomes.values()) == {"done"}
    assert await made.level_in("library") == 100


async def test_where_the_bot_may_not_invite_instead_a_person_is_told(make_community: MakeCommunity) -> None:
    made = await make_community({"garden": Kind(rule="restricted"), "cellar": Kind()})
    garden, bot = made.rooms["garden"], made.bot.user_id
    content = await made.carol.state(garden, "m.room.power_levels")
    users = {**content["users"], bot: 0}
    await made.bot_sets_power(garden, {**content, "invite": 50, "users": users})
    await made.ask("space")
    await made.carol.react(made.room, made.card, "✅")
    await made.decline("space")
    told = await made.in_thread(match.says("is held up in 1 room"), "what somebody has to do")
    assert f"/op {bot} 100" in told["content"]["body"]
    assert "garden" in told["content"]["body"]
    await made.carol.invite(garden, made.new.user_id)
    await made.let_in("garden")


async def test_a_room_of_a_space_that_it_is_in_needs_no_invite(make_community: MakeCommunity) -> None:
    made = await make_community({"garden": Kind(rule="restricted"), "cellar": Kind()})
    await made.ask("space")
    await made.carol.react(made.room, made.card, "✅")
    await made.let_in("space", "lobby", "cellar")
    await made.confirm()
    await made.shows("3 of 4 rooms done, 1 waiting")
    assert made.new.user_id not in await made.carol.members(made.rooms["garden"])
    await made.enter("garden")
    assert set(made.outcomes(await made.summary()).values()) == {"done"}
