# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bot's messages as the homeserver shows them: fields for programs, whom they ping, where they stand."""

from __future__ import annotations

import asyncio

from tests.conftest import People
from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import JsonObject
from tests.support.match import CARD
from tests.support.ports import free_port
from tests.support.scene import NO, YES, Scene


def _mentions(message: JsonObject) -> list[str]:
    """Whom a message pings. Spec: client-server, user and room mentions."""
    return list(message["content"]["m.mentions"].get("user_ids", []))


def _number(scene_card: JsonObject) -> str:
    return str(scene_card["content"][CARD]["migration"])


async def test_every_card_of_a_move(make_scene: MakeScene) -> None:
    scene = await make_scene()
    request = await scene.ask()
    number = _number(request)
    assert number.isdigit()
    same = {"v": 1, "migration": number}
    assert request["content"][CARD] == {**same, "card": "request", "state": "waiting"}
    assert sorted(_mentions(request)) == sorted([scene.alice.user_id, scene.carol.user_id])

    await scene.approve(scene.carol)
    await scene.join_new()
    confirm = await scene.confirm_card()
    assert confirm["content"][CARD] == {**same, "card": "confirm", "state": "waiting"}
    assert _mentions(confirm) == [scene.new.user_id]

    await scene.confirm()
    summary = await scene.end()
    room = {
        "room_id": scene.room,
        "state": "done",
        "level": 100,
        "history": "since_setting",
        "left_to_do": ["old_keeps_place"],
    }
    assert summary["content"][CARD] == {**same, "card": "summary", "state": "done", "rooms": [room]}
    assert _mentions(summary) == [scene.alice.user_id]
    for message in (request, confirm, summary):
        _asks_in_the_thread(message, scene.command)
    await _is_edited_to_its_final_state(scene, {**same, "card": "request", "state": "done"})


def _asks_in_the_thread(message: JsonObject, root: str) -> None:
    """It pings: m.notice would not. Spec: client-server, threading."""
    content = message["content"]
    assert content["msgtype"] == "m.text"
    assert content["format"] == "org.matrix.custom.html"
    assert content["m.relates_to"] == {
        "rel_type": "m.thread",
        "event_id": root,
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": root},
    }


async def _is_edited_to_its_final_state(scene: Scene, fields: JsonObject) -> None:
    edit = await scene.carol.wait_for(scene.room, scene.closing(fields["state"]), "the edit")
    new = edit["content"]["m.new_content"]
    assert edit["content"][CARD] == new[CARD] == fields
    assert new["m.mentions"] == edit["content"]["m.mentions"] == {}  # it asks nobody any more
    assert "m.relates_to" not in new


async def test_both_answers_are_there_to_tap_and_on_the_confirm_card_one(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.ask()
    await scene.run_to_end()
    confirm = (await scene.confirm_card())["event_id"]
    tapped = [
        (event["content"]["m.relates_to"]["event_id"], event["content"]["m.relates_to"]["key"])
        for event in await scene.sent_by_bot(since=scene.command)
        if event["type"] == "m.reaction"
    ]
    assert tapped == [(scene.card, YES), (scene.card, NO), (confirm, YES)]


async def test_of_many_who_may_approve_ten_are_named(make_scene: MakeScene, people: People) -> None:
    scene = await make_scene()
    admins = await asyncio.gather(*(people("admin") for _ in range(11)))
    for admin in admins:
        await scene.carol.invite(scene.room, admin.user_id)
    await asyncio.gather(*(admin.join(scene.room) for admin in admins))
    await scene.carol.set_power(scene.room, {admin.user_id: 100 for admin in admins})
    gone = admins[0]
    await gone.leave(scene.room)
    card = await scene.ask()
    assert len(_mentions(card)) == len(set(_mentions(card))) == 10
    everyone = {scene.alice.user_id, scene.carol.user_id, *(admin.user_id for admin in admins)}
    assert set(_mentions(card)) < everyone - {gone.user_id}
    assert "and 2 more" in card["content"]["body"]
    assert scene.bot.user_id not in _mentions(card)


async def test_where_anyone_may_approve_nobody_is_pinged_but_the_requester(make_scene: MakeScene) -> None:
    scene = await make_scene(levels={"alice": None})
    card = await scene.ask()
    assert _mentions(card) == [scene.alice.user_id]


async def test_an_answer_has_its_error_and_pings_nobody(make_scene: MakeScene) -> None:
    scene = await make_scene()
    refusal = await scene.answer_to(await scene.command_is(scene.alice.user_id), error="same_account")
    assert refusal["content"][CARD] == {"v": 1, "card": "answer", "error": "same_account"}
    usage = await scene.answer_to(await scene.command_is("help"))
    assert usage["content"][CARD] == {"v": 1, "card": "answer"}
    for answer in (refusal, usage):
        assert answer["content"]["msgtype"] == "m.notice"
        assert answer["content"]["m.mentions"] == {}


async def test_an_account_that_does_not_exist_is_a_warning_on_the_card(make_scene: MakeScene) -> None:
    scene = await make_scene()
    nobody = f"@nobody:{scene.homeservers.new.server_name}"
    card = await scene.ask(to=nobody)
    assert "says that this account does not exist" in card["content"]["body"]


async def test_a_server_out_of_reach_is_a_warning_and_then_a_reason_to_wait(make_scene: MakeScene) -> None:
    scene = await make_scene()
    card = await scene.ask(to=f"@me:localhost:{free_port()}")
    assert "cannot be reached at the moment" in card["content"]["body"]
    before = await scene.state()
    await scene.approve(scene.carol)
    progress = await scene.progress()
    assert progress["content"][CARD] == {
        "v": 1,
        "card": "progress",
        "migration": _number(card),
        "state": "running",
    }
    assert _mentions(progress) == [scene.alice.user_id]
    await scene.cancel()
    await scene.end("cancelled")
    assert await scene.state() == before


async def test_a_good_account_has_no_warning(make_scene: MakeScene) -> None:
    scene = await make_scene()
    card = await scene.ask()
    assert "Note:" not in card["content"]["body"]
    assert match.card_of(card)
