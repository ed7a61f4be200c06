# SPDX-License-Identifier: AGPL-3.0-or-later
"""Trying once more: an ended request is asked for again, by the same rules; what failed is tried at once."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from tests.conftest import StartBot
from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import JsonObject
from tests.support.fault import Case, Fault
from tests.support.homeserver import HomeserverPair
from tests.support.person import Person
from tests.support.proxy import FaultProxy, Tap
from tests.support.scene import HISTORY, NO, Scene

# The first invite of a room fails as it does when the other server can't be reached. The bot tries again
# by itself after 24 seconds at the earliest, which is longer than a test waits for an event.
UNREACHABLE = Case(label="POST invite", occurrence=1, fault=Fault.SERVER_UNREACHABLE)


async def _asked_again(
    scene: Scene, text: str, *, by: Person | None = None, thread: str | None = None
) -> JsonObject:
    """Say `!migrate TEXT`; the new request card, once it can be answered. The scene goes on with it."""
    root = await scene.command_is(text, by=by, thread=thread)
    scene.command = thread or root
    last = scene.card
    card = await scene.in_thread(
        lambda event: (
            match.card("request", state="waiting")(event)
            and event["event_id"] != last
            and "m.new_content" not in event["content"]
        ),
        "the new request card",
    )
    scene.card = card["event_id"]
    seeded = match.reaction(scene.card, NO, sender=scene.bot.user_id)
    await scene.carol.wait_for(scene.room, seeded, "the bot's own ❌ below the new request card")
    return card


@pytest.fixture
async def proxy(homeservers: HomeserverPair) -> AsyncIterator[FaultProxy]:
    """What stands between a bot and its homeserver."""
    proxy = FaultProxy(homeservers.old.url)
    await proxy.start()
    yield proxy
    await proxy.close()


# What has ended


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_a_refused_request_is_asked_for_again_under_a_new_number(
    database: str, make_scene: MakeScene
) -> None:
    scene = await make_scene(database=database)
    number = match.number_of(await scene.ask())
    await scene.refuse(scene.carol)
    await scene.end("refused")
    card = await _asked_again(scene, f"retry {number}")
    assert int(match.number_of(card)) > int(number)
    assert scene.new.user_id in card["content"]["body"]
    await scene.run_to_end()
    assert await scene.level(scene.new) == 100


async def test_in_its_thread_no_number_is_needed_and_the_options_are_the_same(make_scene: MakeScene) -> None:
    scene = await make_scene(visibility="joined")
    await scene.ask("--keep-history")
    await scene.cancel()
    await scene.end("cancelled")
    await _asked_again(scene, "retry", thread=scene.command)
    await scene.approve(scene.carol)
    await scene.invited()
    assert await scene.carol.state(scene.room, HISTORY) == {"history_visibility": "joined"}


async def test_a_request_that_arrived_in_part_is_asked_for_again(make_scene: MakeScene) -> None:
    scene = await make_scene(levels={"bot": 60}, power={"events": {"m.room.power_levels": 60}})
    number = match.number_of(await scene.ask())
    await scene.run_to_end(state="partial")
    assert await scene.level(scene.new) == 60
    await scene.carol.set_power(scene.room, {scene.bot.user_id: 100})
    await _asked_again(scene, f"retry {number}")
    await scene.approve(scene.carol)
    await scene.confirm()
    await scene.end()
    assert await scene.level(scene.new) == 100


async def test_the_same_is_refused_as_if_it_had_been_typed(make_scene: MakeScene) -> None:
    scene = await make_scene()
    first = match.number_of(await scene.ask())
    await scene.cancel()
    await scene.end("cancelled")
    await scene.carol.ban(scene.room, scene.new.user_id)
    await scene.answer_to(await scene.command_is(f"retry {first}"), error="new_banned")
    await scene.carol.unban(scene.room, scene.new.user_id)
    await _asked_again(scene, f"retry {first}")
    await scene.answer_to(await scene.command_is(f"retry {first}"), error="already_moving")


async def test_what_is_done_leaves_nothing_to_do(make_scene: MakeScene) -> None:
    scene = await make_scene()
    number = match.number_of(await scene.ask())
    await scene.run_to_end()
    await scene.answer_to(await scene.command_is(f"retry {number}"), error="nothing_to_move")


@pytest.mark.parametrize("who", ["carol", "dave"])
async def test_nobody_else_asks_for_it_again(who: str, make_scene: MakeScene) -> None:
    scene = await make_scene()
    number = match.number_of(await scene.ask())
    person: Person = getattr(scene, who)
    answer = await scene.answer_to(await scene.command_is(f"retry {number}", by=person), error="not_yours")
    assert f"Only {scene.alice.user_id} can ask for request {number} again." in answer["content"]["body"]
    await scene.cancel()
    await scene.end("cancelled")
    await scene.answer_to(await scene.command_is(f"retry {number}", by=person), error="not_yours")


async def test_a_request_of_another_room_is_none(make_scene: MakeScene) -> None:
    scene, elsewhere = await make_scene(), await make_scene()
    number = match.number_of(await scene.ask())
    command = await elsewhere.command_is(f"retry {number}", by=elsewhere.alice)
    answer = await elsewhere.answer_to(command, error="no_such_migration")
    assert f"There is no request {number} that concerns you." in answer["content"]["body"]


# What is open


async def test_what_failed_is_tried_at_once(
    make_scene: MakeScene, start_bot: StartBot, proxy: FaultProxy
) -> None:
    scene = await make_scene(bot=await start_bot(homeserver_url=proxy.url))
    proxy.tap(Tap(scene.room, case=UNREACHABLE))
    number = match.number_of(await scene.ask())
    await scene.approve(scene.carol)
    held_up = await scene.progress()
    assert "does not take the invite at present" in held_up["content"]["body"]
    status = await scene.answer_to(await scene.command_is(f"status {number}", by=scene.dave))
    assert re.search(
        r"The next try is 20\d\d-\S+ \S+ UTC \(in (a|less than a) minute\)", status["content"]["body"]
    )
    assert await scene.membership(scene.new) is None
    answer = await scene.answer_to(await scene.command_is(f"retry {number}"))
    assert f"Request {number}: the bot tries again now." in answer["content"]["body"]
    await scene.join_new()
    await scene.confirm()
    await scene.end()


async def test_where_nothing_failed_it_is_said_what_is_waited_for(make_scene: MakeScene) -> None:
    scene = await make_scene()
    number = match.number_of(await scene.ask())
    answer = await scene.answer_to(await scene.command_is(f"retry {number}"))
    assert f"Request {number}: waiting for agreement." in answer["content"]["body"]
    await scene.run_to_end()
