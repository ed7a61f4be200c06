# SPDX-License-Identifier: AGPL-3.0-or-later
"""Answering in words where one can't react: judged by the same rules as a reaction, at every look anew."""

from __future__ import annotations

import pytest

from tests.conftest import StartBot
from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import JsonObject
from tests.support.person import Person
from tests.support.scene import Scene


async def _in_thread(scene: Scene, text: str, person: Person) -> JsonObject:
    """Say it in the thread of the request; the bot's answer."""
    async with person.expecting(scene.room, match.card("answer"), "the answer") as answer:
        await scene.command_is(text, by=person, thread=scene.command)
        return await answer


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_a_typed_yes_counts_as_a_reaction_does(database: str, make_scene: MakeScene) -> None:
    scene = await make_scene(database=database)
    number = match.number_of(await scene.ask())
    answer = await scene.answer_to(await scene.command_is(f"approve {number}", by=scene.carol))
    assert f"Your yes to request {number} counts. That is enough" in answer["content"]["body"]
    await scene.join_new()
    await scene.confirm()
    summary = await scene.end()
    assert scene.carol.user_id in summary["content"]["body"]
    assert await scene.level(scene.new) == 100


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_a_typed_no_ends_the_request(database: str, make_scene: MakeScene) -> None:
    scene = await make_scene(database=database)
    await scene.ask()
    await scene.command_is("refuse", by=scene.carol, thread=scene.command)
    summary = await scene.end("refused")
    assert f"{scene.carol.user_id} said no" in summary["content"]["body"]
    assert await scene.membership(scene.new) is None


async def test_the_requesters_no_takes_the_request_back(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.ask()
    await scene.command_is("refuse", thread=scene.command)
    summary = await scene.end("cancelled")
    assert f"{scene.alice.user_id} took the request back" in summary["content"]["body"]


@pytest.mark.parametrize("word", ["approve", "refuse"])
async def test_the_words_of_an_ordinary_member_count_nothing_and_it_is_said_whose_would(
    word: str, make_scene: MakeScene
) -> None:
    scene = await make_scene()
    number = match.number_of(await scene.ask())
    command = await scene.command_is(f"{word} {number}", by=scene.dave)
    answer = await scene.answer_to(command, error="not_yours")
    named = ", ".join(sorted((scene.alice.user_id, scene.carol.user_id)))
    assert f"Who can answer: {named}." in answer["content"]["body"]
    # They do not count later either, when he has the level.
    await scene.carol.set_power(scene.room, {scene.dave.user_id: 100})
    await scene.nothing_happens()
    await scene.run_to_end()


async def test_a_yes_that_was_deleted_counts_no_more(make_scene: MakeScene) -> None:
    scene = await make_scene(visibility="joined")
    number = match.number_of(await scene.ask())
    command = await scene.command_is(f"approve {number}", by=scene.carol)
    await scene.invited()
    await scene.carol.redact(scene.room, command)
    lost = await scene.progress()
    assert "the approval no longer stands" in lost["content"]["body"]
    await scene.enter()
    await scene.nothing_more()
    assert await scene.level(scene.new) is None
    await scene.approve(scene.carol)
    await scene.confirm()
    await scene.end()


async def test_a_yes_that_was_edited_counts_no_more(make_scene: MakeScene) -> None:
    scene = await make_scene()
    number = match.number_of(await scene.ask())
    command = await scene.command_is(f"approve {number}", by=scene.carol)
    await scene.invited()
    await scene.carol.say(scene.room, f"!migrate approve {number} or so", edit=command)
    await scene.enter()  # the bot looks again, before it asks the new account
    lost = await scene.progress()
    assert "the approval no longer stands" in lost["content"]["body"]
    await scene.answer_to(await scene.command_is(f"approve {number}", by=scene.carol))  # anew
    await scene.confirm()
    await scene.end()


async def test_a_yes_of_one_who_lost_the_level_counts_no_more(make_scene: MakeScene) -> None:
    scene = await make_scene(
        levels={"alice": 40, "dave": 50, "bot": 60}, power={"events": {"m.room.power_levels": 50}}
    )
    number = match.number_of(await scene.ask())
    await scene.command_is(f"approve {number}", by=scene.dave)
    await scene.invited()
    await scene.carol.set_power(scene.room, {scene.dave.user_id: 0})
    await scene.enter()
    assert "the approval no longer stands" in (await scene.progress())["content"]["body"]
    assert await scene.level(scene.new) is None


async def test_words_and_reactions_of_several_people_add_up_and_those_of_one_do_not(
    make_scene: MakeScene,
) -> None:
    settings = {"approvals_needed": 2, "requester_may_approve": False}
    scene = await make_scene(settings=settings, levels={"dave": 100})
    number = match.number_of(await scene.ask())
    await scene.approve(scene.carol)
    answer = await scene.answer_to(await scene.command_is(f"approve {number}", by=scene.carol))
    assert "1 more of those who may answer has to say yes." in answer["content"]["body"]
    refused = await scene.command_is(f"approve {number}")
    await scene.answer_to(refused, error="not_yours")  # the requester does not count here
    answer = await scene.answer_to(await scene.command_is(f"approve {number}", by=scene.dave))
    assert "That is enough" in answer["content"]["body"]
    await scene.invited()


async def test_the_new_account_answers_in_words_what_it_was_asked(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.carol.invite(scene.room, scene.new.user_id)
    await scene.join_new()
    number = match.number_of(await scene.ask())
    early = await scene.new.say(scene.room, f"!migrate approve {number}")
    await scene.answer_to(early, error="not_yours")
    await scene.command_is("approve", by=scene.carol, thread=scene.command)
    await scene.confirm_card()
    assert await scene.level(scene.new) is None
    await scene.new.say(scene.room, f"!migrate approve {number}")
    await scene.end()
    assert await scene.level(scene.new) == 100


async def test_the_new_account_refuses_in_words(make_scene: MakeScene) -> None:
    scene = await make_scene()
    number = match.number_of(await scene.ask())
    await scene.approve(scene.carol)
    await scene.join_new()
    await scene.confirm_card()
    await scene.new.say(scene.room, f"!migrate refuse {number}")
    summary = await scene.end("refused")
    assert f"{scene.new.user_id} said no" in summary["content"]["body"]
    assert await scene.level(scene.new) is None


async def test_words_about_another_room_or_an_ended_request_are_refused(make_scene: MakeScene) -> None:
    scene, elsewhere = await make_scene(), await make_scene()
    number = match.number_of(await scene.ask())
    command = await elsewhere.command_is(f"approve {number}", by=elsewhere.carol)
    await elsewhere.answer_to(command, error="no_such_migration")
    await scene.cancel()
    await scene.end("cancelled")
    for word in ("approve", "refuse"):
        command = await scene.command_is(f"{word} {number}", by=scene.carol)
        await scene.answer_to(command, error="no_such_migration")
    assert await scene.membership(scene.new) is None


async def test_of_several_requests_in_a_thread_one_has_to_be_named(make_scene: MakeScene) -> None:
    scene = await make_scene()
    first = match.number_of(await scene.ask())
    async with scene.carol.expecting(scene.room, match.card("request"), "the second request") as card:
        await scene.command_is("@daves.other:example.org", by=scene.dave, thread=scene.command)
        second = match.number_of(await card)
    answer = await _in_thread(scene, "approve", scene.carol)
    assert (match.card_of(answer) or {})["error"] == "usage"
    assert f"{first}, {second}" in answer["content"]["body"]
    await scene.nothing_more()
    assert await scene.membership(scene.new) is None
    await _in_thread(scene, f"approve {first}", scene.carol)
    await scene.invited()


async def test_an_answer_is_read_back_after_a_restart_too(make_scene: MakeScene, start_bot: StartBot) -> None:
    scene = await make_scene(bot=await start_bot())
    number = match.number_of(await scene.ask())
    command = await scene.command_is(f"approve {number}", by=scene.carol)
    await scene.invited()
    await scene.bot.stop()
    await scene.carol.redact(scene.room, command)
    await scene.enter()
    await scene.bot.start()
    assert "the approval no longer stands" in (await scene.progress())["content"]["body"]
    assert await scene.level(scene.new) is None


async def test_what_was_said_stays_out_of_the_log(make_scene: MakeScene) -> None:
    scene = await make_scene()
    start = len(scene.bot.log_text())
    number = match.number_of(await scene.ask())
    await scene.answer_to(await scene.command_is(f"approve {number}", by=scene.carol))
    log = scene.bot.log_text()[start:]
    assert f"migration {number} in {scene.room}: yes in words" in log
    assert f"approve {number}" not in log
