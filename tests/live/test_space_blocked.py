# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms of a community that can't move when it is asked for: each goes on once what is in its way is gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest

from tests.conftest import StartBot
from tests.live.conftest import MakeCommunity
from tests.support import match
from tests.support.community import Community, Kind, community
from tests.support.homeserver import HomeserverPair

Deed: TypeAlias = Callable[[Community], Awaitable[object]]

_ACL = "m.room.server_acl"


async def _ban(made: Community) -> None:
    await made.carol.ban(made.rooms["cell"], made.new.user_id)


async def _unban(made: Community) -> None:
    await made.carol.unban(made.rooms["cell"], made.new.user_id)


async def _shut_out(made: Community) -> None:
    content = {"allow": ["*"], "deny": [made.homeservers.new.server_name.rpartition(":")[0]]}
    await made.carol.set_state(made.rooms["cell"], _ACL, content)


async def _open_up(made: Community) -> None:
    await made.carol.set_state(made.rooms["cell"], _ACL, {"allow": ["*"]})


async def _leave_alone(_: Community) -> None:
    """It is so from the start."""


async def _bring_bot(made: Community) -> None:
    await made.carol.invite(made.rooms["cell"], made.bot.user_id)


@pytest.mark.parametrize(
    ("kind", "block", "mend", "says"),
    [
        pytest.param(Kind(), _ban, _unban, "is banned by", id="banned"),
        pytest.param(Kind(), _shut_out, _open_up, "its server access list shuts out", id="server ACL"),
        pytest.param(Kind(without=("bot",)), _leave_alone, _bring_bot, "the bot is not in it", id="no bot"),
    ],
)
async def test_a_room_goes_on_by_itself_once_nothing_is_in_its_way(
    kind: Kind, block: Deed, mend: Deed, says: str, make_community: MakeCommunity
) -> None:
    made = await make_community({"garden": Kind(), "cell": kind})
    await block(made)
    text = (await made.ask("space"))["content"]["body"]
    assert says in text[text.index("Cannot move now, 1 room") :]
    assert "a yes to this message counts there, too" in " ".join(text.split())
    await made.carol.react(made.room, made.card, "✅")
    await made.let_in("space", "lobby")
    await made.confirm()
    await mend(made)
    await made.let_in("cell", "garden")
    assert set(made.outcomes(await made.summary()).values()) == {"done"}
    assert await made.level_in("cell") == 100


async def test_the_summary_waits_for_no_blocked_room_and_the_room_goes_on_after_it(
    homeservers: HomeserverPair, start_bot: StartBot
) -> None:
    bot = await start_bot()
    async with community(homeservers, bot, {"garden": Kind(), "cell": Kind(), "attic": Kind()}) as made:
        await _ban(made)
        await made.carol.ban(made.rooms["attic"], made.new.user_id)
        await made.ask("space")
        await made.carol.react(made.room, made.card, "✅")
        await made.let_in("space", "lobby", "garden")
        await made.confirm()
        told = await made.in_thread(match.card("summary"), "the first summary")
        assert made.outcomes(told)["cell"] == "not_tried"
        assert "2 rooms can't move yet. Each goes on by itself" in told["content"]["body"]
        await made.say("retry", thread=made.command)  # they come by themselves: nobody is asked again
        answer = await made.in_thread(match.says("2 rooms can't move yet"), "the state of things")
        assert "cell, level 100 (admin): the new account is banned" in answer["content"]["body"]
        await bot.kill()
        await _unban(made)
        await bot.start()
        await made.let_in("cell")
        await made.carol.wait_for(
            made.rooms["cell"],
            lambda event: (
                event["type"] == "m.room.power_levels"
                and event["content"]["users"].get(made.new.user_id) == 100
            ),
            "the promotion in the cell",
        )
        await made.say("cancel", thread=made.command)
        last = await made.summary(again=True)
        assert await made.level_in("cell") == 100
        assert made.outcomes(last) == {
            "space": "done",
            "lobby": "done",
            "garden": "done",
            "cell": "done",
            "attic": "not_tried",
        }
        summaries = [event for event in await made.sent() if match.card("summary")(event)]
        assert len(summaries) == 2
        cards = [event for event in await made.sent() if match.card("request", state="waiting")(event)]
        assert len(cards) == 1


async def test_no_level_is_given_that_the_request_did_not_name(make_community: MakeCommunity) -> None:
    made = await make_community({"garden": Kind(), "cell": Kind(levels={"alice": 50})})
    await _ban(made)
    text = (await made.ask("space"))["content"]["body"]
    assert "cell, level 50 (moderator): the new account is banned" in text
    await made.carol.react(made.room, made.card, "✅")
    await made.let_in("space", "lobby")
    await made.confirm()
    await made.carol.set_power(made.rooms["cell"], {made.alice.user_id: 100})
    await _unban(made)
    await made.let_in("cell", "garden")
    assert made.outcomes(await made.summary())["cell"] == "partial"
    assert await made.level_in("cell") == 50


async def test_in_a_mended_room_only_its_own_admins_agree(make_community: MakeCommunity) -> None:
    made = await make_community({"garden": Kind(), "cell": Kind()})
    cell, carol, dave = made.rooms["cell"], made.carol, made.dave
    await _ban(made)
    await carol.invite(cell, dave.user_id)
    await dave.join(cell)
    await made.ask("space")
    await carol.react(made.room, made.card, "✅")
    await made.let_in("space", "lobby")
    await made.confirm()
    await carol.set_power(cell, {dave.user_id: 100, carol.user_id: 50})
    await made.alice.set_power(cell, {made.alice.user_id: 50})
    await dave.unban(cell, made.new.user_id)
    card = await dave.wait_for(cell, match.card("request"), "a request card in that room")
    assert made.new.user_id not in [
        user for user, membership in (await carol.members(cell)).items() if membership in ("invite", "join")
    ]
    await dave.react(cell, card["event_id"], "✅")
    await made.let_in("cell", "garden")
    assert set(made.outcomes(await made.summary()).values()) == {"done"}


async def test_a_bot_without_a_level_goes_on_once_it_is_given_one(make_community: MakeCommunity) -> None:
    made = await make_community({"cell": Kind(levels={"bot": 0}, visibility="joined")})
    text = (await made.ask("space"))["content"]["body"]
    assert "Needs someone else, 1 room" in text
    await made.carol.react(made.room, made.card, "✅")
    await made.let_in("space", "lobby")
    await made.confirm()
    await made.carol.set_power(made.rooms["cell"], {made.bot.user_id: 100})
    await made.let_in("cell")
    assert set(made.outcomes(await made.summary()).values()) == {"done"}
    assert await made.level_in("cell") == 100


async def test_a_request_that_nobody_agreed_to_is_not_held_open(make_community: MakeCommunity) -> None:
    made = await make_community({"cell": Kind()})
    await _ban(made)
    await made.ask("space")
    await made.say("cancel", thread=made.command)
    assert made.outcomes(await made.summary())["cell"] == "not_tried"


async def test_a_no_of_the_requester_closes_a_request_that_waits_for_a_room(
    make_community: MakeCommunity,
) -> None:
    made = await make_community({"cell": Kind()})
    await _ban(made)
    await made.ask("space")
    await made.carol.react(made.room, made.card, "✅")
    await made.let_in("space", "lobby")
    await made.confirm()
    await made.in_thread(match.card("summary"), "the summary")
    await made.alice.react(made.room, made.card, "❌")
    assert made.outcomes(await made.summary()) == {"space": "done", "lobby": "done", "cell": "not_tried"}
