# SPDX-License-Identifier: AGPL-3.0-or-later
"""Asking how things are: `status`, `list` and `check` say what the room shows, and change nothing."""

from __future__ import annotations

import re

import pytest

from tests.conftest import People, StartBot
from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import JsonObject
from tests.support.person import POWER_LEVELS, Person
from tests.support.scene import HISTORY, Scene, thread_of

TIME = r"20\d\d-\d\d-\d\d \d\d:\d\d UTC \((in )?[a-z0-9 ]+( ago)?\)"


def text_of(message: JsonObject) -> str:
    """The plain text of a message."""
    return str(message["content"]["body"])


async def answered(
    scene: Scene, text: str, *, by: Person | None = None, error: str | None = None
) -> JsonObject:
    """Ask in the room; the answer, which neither pings nor changes anything."""
    before = await scene.state()
    answer = await scene.answer_to(await scene.command_is(text, by=by), error=error)
    assert await scene.state() == before
    assert answer["content"]["msgtype"] == "m.notice"
    assert answer["content"]["m.mentions"] == {}
    return answer


async def goals(scene: Scene, number: str) -> tuple[list[str], list[str]]:
    """The goals that `status` shows as met and as still to come, by their first words."""
    text = text_of(await answered(scene, f"status {number}", by=scene.dave))
    done, _, due = text.partition("Still to come:")
    return re.findall("- ([A-Z][a-z]+):", done), re.findall("- ([A-Z][a-z]+):", due)


# Status


async def test_any_member_sees_at_each_stage_what_is_done_and_what_is_to_come(make_scene: MakeScene) -> None:
    scene = await make_scene(visibility="joined")
    whole = ["Agreement", "History", "Invite", "Joining", "History", "Confirmation", "Power"]
    number = match.number_of(await scene.ask())
    assert await goals(scene, number) == ([], whole)
    await scene.approve(scene.carol)
    await scene.invited()
    met, due = await goals(scene, number)
    assert (met, due) == (whole[:3], whole[3:])
    await scene.enter()
    await scene.confirm_card()
    assert await goals(scene, number) == (whole[:5], whole[5:])
    await scene.confirm()
    await scene.end()
    text = text_of(await answered(scene, f"status {number}", by=scene.dave))
    assert f"Request {number}: the move is done." in text
    assert re.search(f"It ended {TIME}", text)


async def test_the_status_says_who_is_waited_for_and_until_when(make_scene: MakeScene) -> None:
    scene = await make_scene()
    number = match.number_of(await scene.ask())
    asking = await answered(scene, f"status {number}", by=scene.dave)
    assert (match.card_of(asking) or {})["state"] == "waiting"
    assert f"Who can answer: {', '.join(sorted((scene.alice.user_id, scene.carol.user_id)))}." in text_of(
        asking
    )
    assert re.search(f"those who may answer the request, until {TIME}", text_of(asking))
    await scene.approve(scene.carol)
    await scene.invited()
    moving = await answered(scene, f"status #{number}")
    assert (match.card_of(moving) or {})["state"] == "running"
    assert re.search(
        f"waits for {scene.new.user_id} to accept the invite and join, until {TIME}", text_of(moving)
    )
    assert f"- Agreement: {scene.carol.user_id} said yes." in text_of(moving)
    assert re.search(f"- Invite: the new account was invited, {TIME}", text_of(moving))


async def test_in_the_thread_of_a_request_no_number_is_needed(make_scene: MakeScene) -> None:
    scene = await make_scene()
    number = match.number_of(await scene.ask())
    async with scene.carol.expecting(scene.room, match.card("answer"), "the status") as answer:
        await scene.command_is("status", by=scene.dave, thread=scene.command)
        assert f"Request {number}: waiting" in text_of(await answer)
    await answered(scene, "status", error="no_such_migration")  # a thread of its own, without a request


async def test_a_held_up_move_says_what_mends_it(make_scene: MakeScene) -> None:
    scene = await make_scene(
        levels={"alice": 40, "bot": 60}, power={"invite": 50, "events": {POWER_LEVELS: 50}}
    )
    number = match.number_of(await scene.ask())
    await scene.carol.set_power(scene.room, {scene.bot.user_id: 0})
    await scene.approve(scene.carol)
    await scene.progress()
    held_up = await answered(scene, f"status {number}")
    assert (match.card_of(held_up) or {})["state"] == "blocked"
    assert f"/op {scene.bot.user_id} 50" in text_of(held_up)


async def test_a_paused_bot_says_so(make_scene: MakeScene, people: People, start_bot: StartBot) -> None:
    operator = await people("operator")
    scene = await make_scene(bot=await start_bot({"operators": [operator.user_id]}))
    number = match.number_of(await scene.ask())
    chat = await _direct_chat(scene, operator)
    await _answer_in(operator, chat, "operator pause")
    await scene.approve(scene.carol)
    paused = await scene.progress()
    status = await answered(scene, f"status {number}")
    sentence = "have paused it everywhere"
    assert sentence in text_of(paused)
    assert sentence in text_of(status)
    await _answer_in(operator, chat, "operator resume")
    await scene.invited()


async def test_a_number_of_another_room_is_none(make_scene: MakeScene) -> None:
    scene, elsewhere = await make_scene(), await make_scene()
    number = match.number_of(await scene.ask())
    refused = await answered(elsewhere, f"status {number}", error="no_such_migration")
    assert text_of(refused) == text_of(
        await answered(elsewhere, f"status {number}", error="no_such_migration")
    )
    assert scene.new.user_id not in text_of(refused)
    await answered(scene, "status 999999999", error="no_such_migration")


# List


async def _direct_chat(scene: Scene, person: Person, **other: object) -> str:
    """A room of this person with the bot."""
    room = await person.create_room(invite=[scene.bot.user_id], is_direct=True, **other)
    await person.wait_for(room, match.membership(scene.bot.user_id, "join"), "the bot to join")
    return room


async def _answer_in(person: Person, room: str, text: str) -> JsonObject:
    """Say `!migrate TEXT` in any room; the bot's answer to it."""
    asked, is_answer = await person.say(room, f"!migrate {text}"), match.card("answer")
    return await person.wait_for(
        room, lambda event: is_answer(event) and thread_of(event) == asked, f"the answer to `{text}`"
    )


async def _listed(person: Person, room: str) -> tuple[str, list[tuple[str, str, str]]]:
    """What `!migrate list` answers this person: its text, and its (number, state, room ID)s."""
    message = await _answer_in(person, room, "list")
    lines = (match.card_of(message) or {})["migrations"]
    return text_of(message), [(line["migration"], line["state"], line["room_id"]) for line in lines]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_a_direct_chat_lists_ones_own_requests_in_all_rooms(
    database: str, make_scene: MakeScene
) -> None:
    scene, second = await make_scene(database=database), await make_scene(database=database)
    first = match.number_of(await scene.ask())
    await scene.cancel()
    await scene.end("cancelled")
    again = match.number_of(await scene.ask())
    await scene.carol.set_state(scene.room, "m.room.name", {"name": "Tea \u202e& talk"})
    await second.ask()  # somebody else's
    chat = await _direct_chat(scene, scene.alice)
    text, lines = await _listed(scene.alice, chat)
    assert lines == [(again, "waiting", scene.room), (first, "cancelled", scene.room)]
    assert f"from {scene.alice.user_id} to {scene.new.user_id} in Tea & talk ({scene.room}): waiting" in text
    assert len(re.findall(f"Asked {TIME}", text)) == 2
    assert len(re.findall(f"ended {TIME}", text)) == 1


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_where_others_read_along_only_requests_of_the_room_are_listed(
    database: str, make_scene: MakeScene
) -> None:
    scene, second = await make_scene(database=database), await make_scene(database=database)
    number = match.number_of(await scene.ask())
    await second.carol.invite(second.room, scene.alice.user_id)
    await scene.alice.join(second.room)
    text, lines = await _listed(scene.alice, second.room)
    assert lines == []
    assert scene.room not in text
    text, lines = await _listed(scene.alice, scene.room)
    assert lines == [(number, "waiting", scene.room)]
    assert "in this room" in text
    _, lines = await _listed(scene.dave, scene.room)  # nothing is his
    assert lines == []


@pytest.mark.parametrize("how", ["joined", "invited", "public", "world_readable", "three"])
async def test_a_chat_that_others_can_read_now_or_later_is_not_private(
    how: str, make_scene: MakeScene
) -> None:
    scene = await make_scene()
    await scene.ask()
    state: list[JsonObject] = []
    if how == "public":
        state = [{"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "public"}}]
    if how == "world_readable":
        state = [{"type": HISTORY, "state_key": "", "content": {"history_visibility": "world_readable"}}]
    chat = await _direct_chat(scene, scene.alice, state=state)
    if how in ("invited", "three"):
        await scene.alice.invite(chat, scene.dave.user_id)
    if how == "three":
        await scene.dave.join(chat)
    _, lines = await _listed(scene.alice, chat)
    assert len(lines) == (1 if how == "joined" else 0)


async def test_after_the_other_one_has_left_the_chat_is_private_again(make_scene: MakeScene) -> None:
    scene = await make_scene()
    number = match.number_of(await scene.ask())
    chat = await _direct_chat(scene, scene.alice)
    await scene.alice.invite(chat, scene.dave.user_id)
    await scene.dave.join(chat)
    assert (await _listed(scene.alice, chat))[1] == []
    await scene.dave.leave(chat)
    assert (await _listed(scene.alice, chat))[1] == [(number, "waiting", scene.room)]


# Check


async def test_a_bot_with_all_it_needs_says_so(make_scene: MakeScene) -> None:
    scene = await make_scene(visibility="invited")
    answer = await answered(scene, "check", by=scene.dave)
    assert (match.card_of(answer) or {})["lacks"] == []
    assert "/op" not in text_of(answer)
    assert "Newcomers can read what is sent from their invite on." in text_of(answer)


async def test_the_commands_that_mend_each_lack_mend_it(make_scene: MakeScene) -> None:
    scene = await make_scene(
        levels={"bot": None}, power={"invite": 30, "kick": 40, "events": {HISTORY: 60, POWER_LEVELS: 70}}
    )
    lacks = ["invite", "withdraw_invite", "open_history", "promote"]  # in the order of the levels
    while lacks:
        answer = await answered(scene, "check")
        assert sorted((match.card_of(answer) or {})["lacks"]) == sorted(lacks)
        commands = re.findall(rf"/op {re.escape(scene.bot.user_id)} (\d+) here", text_of(answer))
        *each, everything = [int(level) for level in commands]
        assert everything == 100
        await scene.carol.set_power(scene.room, {scene.bot.user_id: min(each)})
        lacks.pop(0)
    answer = await answered(scene, "check")
    assert "only up to level 70" in text_of(answer)
    await scene.carol.set_power(scene.room, {scene.bot.user_id: 100})
    assert "/op" not in text_of(await answered(scene, "check"))


async def test_what_the_room_means_for_newcomers(make_scene: MakeScene) -> None:
    state: tuple[JsonObject, ...] = (
        {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "knock"}},
        {
            "type": "m.room.server_acl",
            "state_key": "",
            "content": {"allow": ["*"], "deny": ["*.evil.example"]},
        },
    )
    scene = await make_scene(version="12", state=state, visibility="world_readable")
    text = text_of(await answered(scene, "check"))
    assert "Anyone, member or not, can read" in text
    assert "only with an invite, for which anyone may ask" in text
    assert "allows *, but not *.evil.example" in text
    assert f"Ownership: {scene.carol.user_id} made this room" in text
    local = await make_scene(creation={"m.federate": False})
    server = local.homeservers.old.server_name
    assert f"only accounts on {server} can be here" in text_of(await answered(local, "check"))


# Mistakes


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("stauts 7", "status 7"),
        ("lsit", "list"),
        ("chekc", "check"),
        ("aprove 7", "approve 7"),
        ("refues", "refuse"),
        ("rtery #7", "retry #7"),
        ("halp", "help"),
    ],
)
async def test_a_mistyped_command_is_answered_with_the_one_that_was_meant(
    typed: str, meant: str, make_scene: MakeScene
) -> None:
    scene = await make_scene()
    refused = await answered(scene, typed, error="usage")
    assert f"!migrate {meant}" in text_of(refused)


@pytest.mark.parametrize("typed", ["status seven", "approve 1 2", "list mine", "check this", "retry -7"])
async def test_too_much_or_no_number_is_told(typed: str, make_scene: MakeScene) -> None:
    scene = await make_scene()
    await answered(scene, typed, error="bad_option" if "-7" in typed else "usage")
