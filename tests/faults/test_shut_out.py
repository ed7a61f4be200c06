# SPDX-License-Identifier: AGPL-3.0-or-later
"""A bot that may not speak, or is put out, loses nothing, hurries nobody, and goes on once it may again.

These bots have their usual, long waits: what goes on at once was woken by the room.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Mapping

import pytest

from tests.conftest import StartBot
from tests.support import match
from tests.support.bot import BotProcess
from tests.support.homeserver import HomeserverPair
from tests.support.person import POWER_LEVELS
from tests.support.processes import POLL
from tests.support.scene import RoomOptions, Scene, usual_room

# None of it is about the database.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

# Carol and Alice stand above the bot, so the room can be closed to it.
ABOVE: Mapping[str, int] = {"alice": 110, "carol": 110, "bot": 100}
LOOKS = 300


async def mute(scene: Scene, level: int = 110) -> None:
    """Let nobody speak below this level."""
    content = await scene.carol.state(scene.room, POWER_LEVELS)
    await scene.carol.set_state(
        scene.room,
        POWER_LEVELS,
        {**content, "events": {**content.get("events", {}), "m.room.message": level}},
    )


async def ask(scene: Scene) -> None:
    """Ask for the move, and expect nothing yet."""
    scene.command = await scene.command_is(scene.new.user_id)


async def card(scene: Scene) -> None:
    """The request card comes."""
    scene.card = (await scene.in_thread(match.card("request"), "the request card"))["event_id"]


async def logged(bot: BotProcess, words: str, *, times: int = 1) -> None:
    """Return when the bot has logged it so often."""
    for _ in range(LOOKS):
        if bot.log_text().count(words) >= times:
            return
        await asyncio.sleep(POLL)
    raise AssertionError(f"never logged: {words}\n{bot.process.log_tail()}")


def long_ago(database_url: str) -> None:
    """Let everything that has ended have ended in 1970, and the time for the rest have run out then."""
    with contextlib.closing(sqlite3.connect(database_url.removeprefix("sqlite:"))) as file, file:
        file.execute("UPDATE room_move SET ending = json_set(ending, '$.at', 0), expires_at = 0")
        file.execute("UPDATE migration SET expires_at = 0")


def open_moves(database_url: str) -> int:
    """How many migrations and moves the database holds as not ended."""
    with contextlib.closing(sqlite3.connect(database_url.removeprefix("sqlite:"))) as file:
        query = """SELECT (SELECT count(*) FROM migration WHERE NOT ended)
                        + (SELECT count(*) FROM room_move WHERE phase <> 'ended')"""
        return int(file.execute(query).fetchone()[0])


async def test_a_room_that_keeps_reactions_to_its_moderators_is_served_without_the_bots_own(
    start_bot: StartBot, homeservers: HomeserverPair
) -> None:
    events = {"m.reaction": 60, POWER_LEVELS: 50, "m.room.history_visibility": 50}
    options = RoomOptions(levels={"alice": 50, "bot": 50, "carol": 100}, power={"events": events})
    async with usual_room(homeservers, await start_bot(), options) as scene:
        await ask(scene)
        await card(scene)
        await scene.approve(scene.carol)
        await scene.join_new()
        await scene.confirm_card()
        await scene.command_is("approve", by=scene.new, thread=scene.command)
        await scene.in_thread(match.card("summary", state="done"), "the summary")
        assert await scene.level(scene.new) == 50


async def test_a_request_made_while_the_bot_may_not_speak_is_taken_up_when_it_may(
    start_bot: StartBot, homeservers: HomeserverPair
) -> None:
    bot = await start_bot()
    async with usual_room(homeservers, bot, RoomOptions(levels=ABOVE)) as scene:
        await mute(scene)
        await ask(scene)
        await logged(bot, "can't be read or written", times=2)
        await mute(scene, level=0)
        await card(scene)
        await scene.run_to_end(state="partial")


async def test_a_request_that_is_taken_back_while_the_bot_may_not_speak_is_not_announced_afterwards(
    start_bot: StartBot, homeservers: HomeserverPair
) -> None:
    bot = await start_bot()
    async with usual_room(homeservers, bot, RoomOptions(levels=ABOVE)) as scene:
        await mute(scene)
        await ask(scene)
        await logged(bot, "can't be read or written")
        await scene.cancel()
        await logged(bot, "turn undone")
        await mute(scene, level=0)
        await scene.in_thread(match.card("summary", state="cancelled"), "the summary")
        said = await scene.carol.messages(scene.room)
        assert [event for event in said if match.card("request")(event)] == []


async def test_an_end_that_can_never_be_told_does_not_stay_open_for_ever(
    start_bot: StartBot, homeservers: HomeserverPair, database_url: str
) -> None:
    bot = await start_bot()
    async with usual_room(homeservers, bot, RoomOptions(levels=ABOVE)) as scene:
        await scene.ask()
        await mute(scene)
        await scene.refuse(scene.carol)
        await logged(bot, "can't be read or written")
        await bot.kill()
        long_ago(database_url)
        await bot.start()
        await logged(bot, "has ended, and the bot may not say so")


async def test_a_bot_that_was_put_out_goes_on_when_it_is_asked_back(
    start_bot: StartBot, homeservers: HomeserverPair
) -> None:
    bot = await start_bot()
    async with usual_room(homeservers, bot, RoomOptions(levels=ABOVE)) as scene:
        await scene.ask()
        await scene.approve(scene.carol)
        await scene.invited()
        await scene.carol.kick(scene.room, bot.user_id)
        await scene.enter()
        await logged(bot, "wait")
        await scene.carol.invite(scene.room, bot.user_id)
        await scene.confirm()
        await scene.end("partial")


@pytest.mark.parametrize("up_to", ["the request", "the invite"])
async def test_a_move_in_a_room_that_the_bot_is_banned_from_does_not_stay_open_for_ever(
    start_bot: StartBot, homeservers: HomeserverPair, database_url: str, up_to: str
) -> None:
    bot = await start_bot()
    async with usual_room(homeservers, bot, RoomOptions(levels=ABOVE)) as scene:
        await scene.ask()
        if up_to == "the invite":
            await scene.approve(scene.carol)
            await scene.invited()
        await scene.carol.ban(scene.room, bot.user_id)
        await bot.restart()
        await logged(bot, "can't be read or written")
        assert open_moves(database_url) == 2  # it may still be let in again
        await bot.kill()
        long_ago(database_url)
        await bot.start()
        await logged(bot, "has ended, and the bot may not say so")
        assert open_moves(database_url) == 0


async def test_a_move_in_a_room_that_the_bot_was_put_out_of_does_not_stay_open_for_ever(
    start_bot: StartBot, homeservers: HomeserverPair, database_url: str
) -> None:
    bot = await start_bot()
    async with usual_room(homeservers, bot, RoomOptions(levels=ABOVE)) as scene:
        await scene.ask()
        await scene.carol.kick(scene.room, bot.user_id)
        for sign in ("can't be read or written", "has ended, and the bot may not say so"):
            await bot.kill()
            long_ago(database_url)
            await bot.start()
            await logged(bot, sign)
        assert open_moves(database_url) == 0
