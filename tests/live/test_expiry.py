# SPDX-License-Identifier: AGPL-3.0-or-later
"""A move that nobody carries on lapses, says so, and leaves the room as it was."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import asyncpg

from tests.conftest import StartBot
from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.bot import BotProcess
from tests.support.community import Kind, community
from tests.support.homeserver import HomeserverPair
from tests.support.scene import HISTORY
from tests.support.view import RoomView

SOON = 4000  # milliseconds: after the bot's start, so that it has to wait


async def test_a_move_lapses_wherever_it_stands(start_bot: StartBot, make_scene: MakeScene) -> None:
    bot = await start_bot()
    unanswered, not_joined, unconfirmed, other = [
        await make_scene(bot=bot, visibility="joined") for _ in range(4)
    ]
    for scene in (unanswered, not_joined, unconfirmed, other):
        await scene.ask()
    for scene in (not_joined, unconfirmed):
        await scene.approve(scene.carol)
        await scene.invited()
    await unconfirmed.enter()
    await unconfirmed.confirm_card()

    await bot.stop()
    now = round(time.time() * 1000)
    await _ends_at(bot, unanswered, now + SOON)
    await _ends_at(bot, not_joined, now)
    await _ends_at(bot, unconfirmed, now)
    await bot.start()

    assert "did not join in time" in (await not_joined.end("expired"))["content"]["body"]
    assert await not_joined.membership(not_joined.new) == "leave"
    assert "did not confirm in time" in (await unconfirmed.end("expired"))["content"]["body"]
    assert await unconfirmed.membership(unconfirmed.new) == "join"
    assert "answered in time" in (await unanswered.end("expired"))["content"]["body"]
    assert await unanswered.membership(unanswered.new) is None
    for scene in (unanswered, not_joined, unconfirmed):
        assert await scene.level(scene.new) is None
        assert await scene.carol.state(scene.room, HISTORY) == {"history_visibility": "joined"}
    await other.run_to_end()  # its time had not come


async def test_a_request_waits_for_a_blocked_room_no_longer_than_it_says(
    homeservers: HomeserverPair, start_bot: StartBot
) -> None:
    bot = await start_bot()
    async with community(homeservers, bot, {"cell": Kind()}) as made:
        await made.carol.ban(made.rooms["cell"], made.new.user_id)
        await made.ask("space")
        await made.carol.react(made.room, made.card, "✅")
        await made.let_in("space", "lobby")
        await made.confirm()
        await made.in_thread(match.card("summary"), "the summary")
        await bot.stop()
        await _ends_at(bot, made, round(time.time() * 1000) + SOON)
        await bot.start()
        await made.carol.wait_for(made.room, made.closing("partial"), "the final state of the card")
        await made.carol.unban(made.rooms["cell"], made.new.user_id)
        await made.say("status", thread=made.command)
        answer = await made.in_thread(match.says("2 of 2 rooms done"), "how far it is")
        assert "can't move yet" not in answer["content"]["body"]
        summaries = [event for event in await made.sent() if match.card("summary")(event)]
        assert len(summaries) == 1
        assert (await made.carol.members(made.rooms["cell"]))[made.new.user_id] == "leave"


async def _ends_at(bot: BotProcess, scene: RoomView, at: int) -> None:
    """Move the end of a request's time: the shortest that can be set is an hour. The bot is stopped."""
    for table, column in (("migration", "home_room"), ("room_move", "room_id")):
        statement = f"UPDATE {table} SET expires_at = $2 WHERE {column} = $1"  # noqa: S608 - our own words
        await _execute(bot.options.database_url, statement, scene.room, at)


async def _execute(url: str, statement: str, room: str, at: int) -> None:
    if url.startswith("sqlite:"):
        with sqlite3.connect(Path(url.removeprefix("sqlite:"))) as connection:
            connection.execute(statement, {"1": room, "2": at})
        connection.close()
        return
    connection = await asyncpg.connect(url)
    await connection.execute(statement, room, at)
    await connection.close()
