# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bot refuses: one sentence with its code in the thread, and nothing else happens in the room."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from tests.live.conftest import MakeScene, SharedBots
from tests.support import match
from tests.support.api import JsonObject, client_path
from tests.support.homeserver import HomeserverPair
from tests.support.person import Person
from tests.support.scene import RoomOptions, Scene, usual_room

SERVER_ACL = "m.room.server_acl"


async def _refused(scene: Scene, text: str, code: str, *, by: Person | None = None) -> JsonObject:
    """Give a command; the answer that refuses it, after a look at all that the bot did in the room."""
    before = await scene.state()
    command = await scene.command_is(text, by=by)
    answer = await scene.answer_to(command, error=code)
    await scene.nothing_more()
    assert await scene.state() == before
    first, *others = await scene.sent_by_bot(since=command)
    assert first["event_id"] == answer["event_id"]
    assert [(match.card_of(event) or {}).get("error") for event in others] == [None]  # the one to `help`
    assert answer["content"]["msgtype"] == "m.notice"
    assert answer["content"]["m.mentions"] == {}
    return answer


@pytest.fixture(scope="module")
async def usual(homeservers: HomeserverPair, shared_bots: SharedBots) -> AsyncIterator[Scene]:
    """One room for all commands that are refused whatever the room is like: none of them changes it."""
    bot = await shared_bots.get("sqlite", {})
    async with usual_room(homeservers, bot, RoomOptions()) as scene:
        yield scene


# What is wrong with the words


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NEW frobnicate", "usage"),
        ("NEW @third:example.org @fourth:example.org", "usage"),
        ("--dry-run", "usage"),
        ("cancel twice over", "usage"),
        ("NEW --frobnicate", "bad_option"),
        ("NEW --dry-runn", "bad_option"),
        ("NEW --only #room:example.org", "bad_option"),
        ("frobnicate", "bad_user_id"),
        ("@Capital:example.org", "bad_user_id"),
        ("@me:Example.org", "bad_user_id"),
        ("me:example.org", "bad_user_id"),
        ("@me", "bad_user_id"),
        ("@me:under_score.org", "bad_user_id"),
        ("@me:example.org:port", "bad_user_id"),
        ("@" + "a" * 255 + ":example.org", "bad_user_id"),
        ("@\u0430lice:example.org", "lookalike"),
        ("@alice\u202e:example.org", "lookalike"),
        ("@me:ex\u0430mple.org", "lookalike"),
        ("cancel", "no_such_migration"),
        ("cancel 999999999", "no_such_migration"),
    ],
)
async def test_words_that_cannot_be_obeyed(text: str, code: str, usual: Scene) -> None:
    answer = await _refused(usual, text.replace("NEW", usual.new.user_id), code)
    for character in filter(lambda each: not each.isascii(), text):
        shown = answer["content"]["body"] + answer["content"]["formatted_body"]
        assert character not in shown  # it deceives, so its code point is shown instead
        assert f"U+{ord(character):04X}" in shown


async def test_a_mistyped_word_is_answered_with_the_one_that_was_meant(usual: Scene) -> None:
    answer = await _refused(usual, "cancle", "usage")
    assert "!migrate cancel" in answer["content"]["body"]


# What is wrong with the accounts


async def test_the_old_account_cannot_move_to_itself(usual: Scene) -> None:
    await _refused(usual, usual.alice.user_id, "same_account")


async def test_nobody_moves_to_the_bot(usual: Scene) -> None:
    await _refused(usual, usual.bot.user_id, "new_is_bot")


async def test_the_bot_does_not_move(usual: Scene) -> None:
    await _refused(usual, f"{usual.bot.user_id} {usual.new.user_id}", "old_is_bot")


async def test_somebody_elses_account_does_not_move(usual: Scene) -> None:
    await _refused(usual, f"{usual.carol.user_id} {usual.new.user_id}", "not_yours", by=usual.dave)


async def test_an_account_that_reads_like_the_old_one_is_refused(usual: Scene) -> None:
    lookalike = usual.alice.user_id.replace("alice", "a1ice", 1)
    await _refused(usual, lookalike, "lookalike")


# What stands in the way in the room


async def test_an_account_that_has_it_all_already(make_scene: MakeScene) -> None:
    scene = await make_scene(levels={"new": 100})
    await scene.carol.invite(scene.room, scene.new.user_id)
    await scene.join_new()
    await _refused(scene, scene.new.user_id, "nothing_to_move")


async def test_a_banned_account(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.carol.ban(scene.room, scene.new.user_id)
    answer = await _refused(scene, scene.new.user_id, "new_banned")
    assert scene.carol.user_id in answer["content"]["body"]
    assert f"/unban {scene.new.user_id}" in answer["content"]["body"]


async def test_a_server_that_the_room_shuts_out(make_scene: MakeScene) -> None:
    acl = {"type": SERVER_ACL, "state_key": "", "content": {"allow": ["*"], "deny": ["*.Evil.example"]}}
    scene = await make_scene(state=(acl,))
    await _refused(scene, "@me:home.evil.example:8448", "server_denied")


async def test_a_room_that_was_made_for_one_server(make_scene: MakeScene) -> None:
    scene = await make_scene(creation={"m.federate": False})
    await _refused(scene, scene.new.user_id, "not_federated")
    await scene.ask(to=scene.dave.user_id)  # within that server it is nobody's obstacle


async def test_a_room_that_was_upgraded(make_scene: MakeScene) -> None:
    scene = await make_scene()
    path = client_path("rooms", scene.room, "upgrade")
    upgraded = await scene.carol.api.request("POST", path, {"new_version": "12"})
    answer = await _refused(scene, scene.new.user_id, "room_upgraded")
    assert upgraded["replacement_room"] in answer["content"]["body"]


async def test_what_nobody_there_has_the_level_for(make_scene: MakeScene) -> None:
    scene = await make_scene(levels={"bot": 0, "alice": 20}, power={"invite": 50})
    await scene.carol.set_power(scene.room, {scene.carol.user_id: 30})  # she gives up the room
    answer = await _refused(scene, scene.new.user_id, "lacks_power")
    assert "Nobody else who is in this room has that level" in answer["content"]["body"]


async def test_one_who_left_has_no_place_to_move(make_scene: MakeScene) -> None:
    scene = await make_scene()
    # The bot reads the command only after she has left.
    os.kill(scene.bot.process.pid, signal.SIGSTOP)
    try:
        command = await scene.command_is(scene.new.user_id)
        await scene.alice.leave(scene.room)
    finally:
        os.kill(scene.bot.process.pid, signal.SIGCONT)
    await scene.answer_to(command, error="not_joined")


# What is going on already


async def test_one_move_at_a_time_for_either_account(make_scene: MakeScene) -> None:
    scene = await make_scene()
    card = await scene.ask()
    number = (match.card_of(card) or {})["migration"]
    answer = await _refused(scene, "@another:example.org", "already_moving")
    assert f"in request {number}" in answer["content"]["body"]
    await _refused(scene, scene.new.user_id, "already_moving", by=scene.dave)
    await _refused(scene, f"{scene.new.user_id} --dry-run", "already_moving")
    await scene.ask(by=scene.dave, to="@daves.other:example.org")  # two others may


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_of_requests_at_the_same_moment_one_wins(database: str, make_scene: MakeScene) -> None:
    scene = await make_scene(database=database)
    people = (scene.alice, scene.carol, scene.dave)
    commands = await asyncio.gather(*(scene.command_is(scene.new.user_id, by=person) for person in people))
    answers = [await _first_answer(scene, command) for command in commands]
    assert sorted(answers, key=str) == ["already_moving", "already_moving", "request"]


async def _first_answer(scene: Scene, command: str) -> str:
    message = await scene.in_thread(
        lambda event: event["type"] == "m.room.message", "an answer", root=command
    )
    card = match.card_of(message) or {}
    return str(card.get("error") or card.get("card"))


async def test_after_its_end_the_move_may_be_asked_for_again(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.ask()
    await scene.cancel()
    await scene.end("cancelled")
    await scene.ask()
    await scene.run_to_end()


async def test_a_person_with_too_many_open_requests(make_scene: MakeScene) -> None:
    settings = {"open_requests_per_person": 1}
    first, second = await make_scene(settings=settings), await make_scene(settings=settings)
    await first.ask()
    await second.alice.invite(second.room, first.alice.user_id)
    await first.alice.join(second.room)
    await _refused(second, second.new.user_id, "too_many_open", by=first.alice)
    await second.ask()  # other people may
    await first.cancel()
    await first.end("cancelled")
    command = await second.command_is("@another:example.org", by=first.alice)
    await second.in_thread(match.card("request"), "the request card", root=command)


async def test_what_is_refused_is_refused_in_a_dry_run_too(make_scene: MakeScene) -> None:
    scene = await make_scene(levels={"bot": None, "alice": 20}, power={"invite": 50})
    await scene.carol.set_power(scene.room, {scene.carol.user_id: 30})
    await _refused(scene, f"{scene.new.user_id} --dry-run", "lacks_power")
