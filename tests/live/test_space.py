# SPDX-License-Identifier: AGPL-3.0-or-later
"""A whole community in one request."""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import StartBot
from tests.live.conftest import MakeCommunity
from tests.support import match
from tests.support.api import client_path
from tests.support.community import Community, Kind, community
from tests.support.homeserver import HomeserverPair, homeserver_pair
from tests.support.person import unique
from tests.support.synapse_config import LIFTED, ServerOptions

ENCRYPTED = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_a_space_with_all_its_rooms_moves_in_one_request(
    database: str, make_community: MakeCommunity
) -> None:
    made = await make_community(
        {
            "wing": Kind(is_space=True),
            "library": Kind(rule="restricted", parent="wing"),
            "garden": Kind(rule="restricted"),
            "market": Kind(rule="public"),
            "cellar": Kind(visibility="joined"),
            "vault": Kind(state=(ENCRYPTED,)),
        },
        database=database,
    )
    await made.ask("space")
    await made.carol.react(made.room, made.card, "✅")
    await made.let_in("space", "lobby", "wing", "cellar", "vault")
    await made.enter("library", "garden", "market")
    await made.confirm()
    summary = await made.summary()
    assert set(made.outcomes(summary).values()) == {"done"}
    assert set(made.outcomes(summary)) == set(made.rooms)
    for name in made.rooms:
        assert await made.level_in(name) == 100


async def test_each_room_is_listed_under_what_it_takes(make_community: MakeCommunity) -> None:
    made = await make_community(
        {
            "garden": Kind(),
            "archive": Kind(levels={"alice": 50}, state=()),
            "attic": Kind(without=("bot",)),
            "office": Kind(without=("alice",)),
            "prison": Kind(),
        }
    )
    await made.carol.ban(made.rooms["prison"], made.new.user_id)
    text = (await made.ask("space"))["content"]["body"]
    will, cannot = text.index("Will move, 4 rooms"), text.index("Cannot move now, 3 rooms")
    assert will < text.index("garden: level 100") < cannot
    assert will < text.index("archive: level 50") < cannot
    assert "the new account is banned by" in text[cannot:]
    assert f"/invite {made.bot.user_id}" in text[cannot:]
    assert "office" not in text  # whoever is not in it does not learn its name
    assert f"{made.rooms['office']}: the old account is not in it" in text[cannot:]
    dry = await made.say(f"{made.new.user_id} space --dry-run")
    answer = await made.in_thread(match.card("answer"), "the answer", root=dry)
    assert "Dry run" in answer["content"]["body"]


async def test_what_fails_in_one_room_holds_no_other_up_and_is_tried_again(
    make_community: MakeCommunity,
) -> None:
    made = await make_community({"garden": Kind(), "prison": Kind(), "cellar": Kind()})
    await made.carol.ban(made.rooms["prison"], made.new.user_id)
    await made.ask("space")
    await made.alice.react(made.room, made.card, "✅")
    await made.let_in("space", "lobby", "garden")
    await made.confirm()
    await made.decline("cellar")
    summary = await made.in_thread(match.card("summary"), "the summary")
    assert made.outcomes(summary) == {
        "space": "done",
        "lobby": "done",
        "garden": "done",
        "cellar": "refused",
        "prison": "not_tried",
    }
    rows = await _table(made)
    assert [row["room"] for row in rows if row["outcome"] == "done"] == ["space", "lobby", "garden"]
    assert {row["level"] for row in rows if row["outcome"] == "done"} == {"100"}
    await made.carol.unban(made.rooms["prison"], made.new.user_id)
    await made.let_in("prison")
    assert made.outcomes(await made.summary(again=True)) == {**made.outcomes(summary), "prison": "done"}
    before = made.card
    await made.say("retry", thread=made.command)
    again = await made.in_thread(
        lambda event: match.card("request", state="waiting")(event) and event["event_id"] != before,
        "the second request",
    )
    assert "in 1 room" in again["content"]["body"]
    made.card = again["event_id"]
    is_invite = match.membership(made.new.user_id, "invite")
    async with made.carol.expecting(made.rooms["cellar"], is_invite, "another invite") as invited:
        await made.carol.react(made.room, made.card, "✅")
        await invited
    await made.enter("cellar")
    assert await made.level_in("cellar") is None  # it has not said yes to this request yet


async def test_a_room_whose_admins_are_elsewhere_is_asked_by_itself(make_community: MakeCommunity) -> None:
    made = await make_community({"garden": Kind(), "court": Kind(levels={"alice": 50})})
    court, carol, dave = made.rooms["court"], made.carol, made.dave
    await carol.invite(court, dave.user_id)
    await dave.join(court)
    await carol.set_power(court, {dave.user_id: 100, carol.user_id: 50})
    text = (await made.ask("space"))["content"]["body"]
    assert "Needs someone else, 1 room" in text
    card = await dave.wait_for(court, match.card("request"), "a request card in that room")
    await carol.react(made.room, made.card, "✅")
    await made.let_in("space", "lobby", "garden")
    await made.confirm()
    await carol.wait_for(
        made.rooms["garden"],
        lambda event: (
            event["type"] == "m.room.power_levels" and event["content"]["users"].get(made.new.user_id) == 100
        ),
        "the promotion in the garden",
    )
    assert made.new.user_id not in await carol.members(court)  # Carol's yes does not count there
    await dave.react(court, card["event_id"], "✅")
    await made.let_in("court")
    assert set(made.outcomes(await made.summary()).values()) == {"done"}
    spent = await made.sent_in("court")
    assert [event["type"] for event in spent] == ["m.room.message", "m.room.member", "m.room.power_levels"]
    assert await made.level_in("court") == 50
    for name in ("space", "garden"):
        asked = [event for event in await carol.messages(made.rooms[name]) if match.card("request")(event)]
        assert not asked


async def test_a_room_that_says_no_by_itself_is_left_alone(make_community: MakeCommunity) -> None:
    made = await make_community({"garden": Kind(), "court": Kind(levels={"alice": 50})})
    court, carol, dave = made.rooms["court"], made.carol, made.dave
    await carol.invite(court, dave.user_id)
    await dave.join(court)
    await carol.set_power(court, {dave.user_id: 100, carol.user_id: 50})
    await made.ask("space")
    card = await dave.wait_for(court, match.card("request"), "a request card in that room")
    number = (match.card_of(card) or {})["migration"]
    assert f"!migrate refuse {number}" in card["content"]["body"]
    await dave.say(court, f"!migrate refuse {number}")
    closed = await dave.wait_for(court, match.card("request", state="refused"), "its final state")
    assert match.is_edit(closed)
    await carol.react(made.room, made.card, "✅")
    await made.let_in("space", "lobby", "garden")
    await made.confirm()
    outcomes = made.outcomes(await made.summary())
    assert outcomes == {"space": "done", "lobby": "done", "garden": "done", "court": "refused"}
    assert made.new.user_id not in await carol.members(court)


async def test_a_restart_in_the_middle_loses_nothing(
    homeservers: HomeserverPair, start_bot: StartBot
) -> None:
    bot = await start_bot()
    kinds = {"garden": Kind(visibility="joined"), "market": Kind(rule="public"), "cellar": Kind()}
    async with community(homeservers, bot, kinds) as made:
        await made.ask("space")
        await made.carol.react(made.room, made.card, "✅")
        await made.let_in("space", "garden")
        await bot.kill()
        await made.enter("market")
        await bot.start()
        await made.let_in("lobby", "cellar")
        await made.confirm()
        assert set(made.outcomes(await made.summary()).values()) == {"done"}
        cards = [event for event in await made.sent() if match.card_of(event) and not match.is_edit(event)]
        kinds_of = [(match.card_of(event) or {})["card"] for event in cards]
        assert {kind: kinds_of.count(kind) for kind in ("request", "confirm", "summary")} == {
            "request": 1,
            "confirm": 1,
            "summary": 1,
        }
        for name in made.rooms:
            assert await made.level_in(name) == 100
            events = await made.carol.messages(made.rooms[name])
            invites = [e for e in events if match.membership(made.new.user_id, "invite")(e)]
            assert len(invites) == (0 if name == "market" else 1)


async def test_further_rooms_cost_three_events_each_at_most(make_community: MakeCommunity) -> None:
    rooms = {f"room {number}": Kind() for number in range(6)}
    made = await make_community(rooms)
    await made.ask("space")
    await made.carol.react(made.room, made.card, "✅")
    await made.let_in(*made.rooms)
    await made.confirm()
    assert set(made.outcomes(await made.summary()).values()) == {"done"}
    sent = await made.sent()
    assert len(sent) <= 9 + 3 * (len(made.rooms) - 1), [event["type"] for event in sent]


async def test_all_shared_rooms_move_but_for_those_left_out(make_community: MakeCommunity) -> None:
    made = await make_community({"garden": Kind(), "cellar": Kind(parent=""), "attic": Kind()})
    dry = await made.say(f"{made.new.user_id} all --dry-run --except {made.rooms['attic']}")
    text = (await made.in_thread(match.card("answer"), "the answer", root=dry))["content"]["body"]
    assert all(name in text for name in ("garden", "cellar", "lobby", "space space"))
    assert "attic" not in text
    dry = await made.say(f"{made.new.user_id} space --dry-run --only {made.rooms['garden']}")
    text = (await made.in_thread(match.card("answer"), "the answer", root=dry))["content"]["body"]
    assert "in 1 room of the space space" in text
    assert "garden" in text


async def test_how_far_it_is_can_be_asked_at_any_time(make_community: MakeCommunity) -> None:
    made = await make_community({"garden": Kind(), "cellar": Kind(), "attic": Kind()})
    await made.ask("space")
    await made.carol.react(made.room, made.card, "✅")
    await made.let_in("space", "lobby", "garden")
    await made.confirm()
    await made.shows("3 of 5 rooms done, 2 waiting")
    await made.shows("2 rooms (cellar, attic): waiting for")
    await made.say("status", thread=made.command)
    answer = await made.in_thread(match.card("answer"), "the answer")
    assert "3 of 5 rooms done, 2 waiting" in answer["content"]["body"]
    assert "3 rooms, moved:" in answer["content"]["body"]
    await made.let_in("cellar", "attic")
    await made.summary()
    await made.shows("5 of 5 rooms done")
    cards = [each for each in await made.carol.messages(made.room) if match.card("progress")(each)]
    written = sorted(each["origin_server_ts"] for each in cards)
    assert len(written) > 1  # what was awaited above are two versions at least
    assert all(later - earlier >= 9_900 for earlier, later in pairwise(written))  # milliseconds


async def test_another_space_than_the_one_of_this_room_can_be_named(make_community: MakeCommunity) -> None:
    made = await make_community(
        {"wing": Kind(is_space=True), "library": Kind(parent="wing"), "garden": Kind()}
    )
    alias = f"#{unique('wing')}:{made.homeservers.old.server_name}"
    where = client_path("directory", "room", alias)
    await made.alice.api.request("PUT", where, {"room_id": made.rooms["wing"]})
    for name in (alias, made.rooms["wing"]):
        dry = await made.say(f"{made.new.user_id} space {name} --dry-run")
        text = (await made.in_thread(match.card("answer"), "the answer", root=dry))["content"]["body"]
        assert "in 2 rooms of the space wing" in text
        assert "library" in text
        assert "garden" not in text


async def test_cancelling_takes_back_every_invite(make_community: MakeCommunity) -> None:
    made = await make_community({"garden": Kind(visibility="joined"), "cellar": Kind()})
    await made.ask("space")
    await made.carol.react(made.room, made.card, "✅")
    for name in ("space", "lobby", "garden", "cellar"):
        await made.new.wait_for(
            made.rooms[name], match.membership(made.new.user_id, "invite"), f"the invite into {name}"
        )
    await made.say("cancel", thread=made.command)
    assert set(made.outcomes(await made.summary()).values()) == {"cancelled"}
    for name in ("space", "lobby", "garden", "cellar"):
        assert (await made.carol.members(made.rooms[name]))[made.new.user_id] == "leave"
    history = await made.carol.state(made.rooms["garden"], "m.room.history_visibility")
    assert history["history_visibility"] == "joined"


async def _table(made: Community) -> list[dict[str, str]]:
    """The rows of the attached table."""
    found = await made.in_thread(
        lambda event: (
            event["content"].get("msgtype") == "m.file" and event["content"]["body"].endswith("csv")
        ),
        "the table",
    )
    server, media = found["content"]["url"].removeprefix("mxc://").split("/")
    url = f"{made.carol.account.homeserver_url}/_matrix/client/v1/media/download/{server}/{media}"
    headers = {"Authorization": f"Bearer {made.carol.account.access_token}"}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        assert response.status == 200
        return list(csv.DictReader(io.StringIO(await response.text())))


async def test_the_limit_of_the_other_server_is_met_once_and_then_kept_to(
    tmp_path: Path, start_bot: StartBot
) -> None:
    limited = ServerOptions(limits={**LIFTED, "rc_invites": {}})  # on the side of the new account only
    folder = tmp_path / "pair"
    folder.mkdir()
    async with homeserver_pair(folder, new=limited) as pair:
        bot = await start_bot(server=pair.old)
        async with community(pair, bot, {f"room {number}": Kind() for number in range(6)}) as made:
            await made.ask("space")
            await made.carol.react(made.room, made.card, "✅")
            shown = await made.shows("3 rooms: invites that are sent one after the other")
            text = match.shown_content(shown)["body"]
            assert "takes one invite for it in about six minutes" in text
            assert "All invites will be sent by" in text
            members = [await made.carol.members(room_id) for room_id in made.rooms.values()]
            assert sum(made.new.user_id in each for each in members) == 5
            assert bot.log_text().count("act invite") == 6


async def test_a_person_is_told_once_for_all_rooms_and_they_go_on_by_themselves(
    make_community: MakeCommunity,
) -> None:
    made = await make_community({"garden": Kind(), "cellar": Kind()})
    await made.ask("space")
    await made.carol.react(made.room, made.card, "✅")
    await made.let_in("space", "lobby", "garden", "cellar")
    await made.question()
    bot, held = made.bot.user_id, [made.rooms[name] for name in ("garden", "cellar")]
    contents = [await made.carol.state(room_id, "m.room.power_levels") for room_id in held]
    for room_id, content in zip(held, contents, strict=True):
        await made.bot_sets_power(room_id, {**content, "users": {**content["users"], bot: 50}})
    await made.confirm()
    told = await made.in_thread(match.says("is held up in 2 rooms"), "what somebody has to do")
    assert told["content"]["m.mentions"] == {"user_ids": [made.alice.user_id]}
    assert f"/op {bot} 100" in told["content"]["body"]
    for room_id in held:
        await made.carol.set_power(room_id, {bot: 100})
    assert set(made.outcomes(await made.summary()).values()) == {"done"}
