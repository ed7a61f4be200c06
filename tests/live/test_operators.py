# SPDX-License-Identifier: AGPL-3.0-or-later
"""What those who run the bot may ask it, where, and that a pause holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import JsonObject
from tests.support.bot import BotOptions, BotProcess
from tests.support.homeserver import HomeserverPair
from tests.support.person import Person, unique
from tests.support.processes import POLL
from tests.support.scene import Scene, thread_of
from tests.support.timeline import PATIENCE


@dataclass(frozen=True, kw_only=True)
class Operator:
    """Somebody who runs a bot, in a direct chat with it."""

    person: Person
    bot: BotProcess
    chat: str  # a room ID

    async def asks(self, what: str) -> JsonObject:
        """Say `!migrate operator WHAT`; the answer."""
        return await answer(self.person, self.chat, self.bot, f"!migrate operator {what}")

    async def told(self, what: str) -> str:
        """The same; the plain text of the answer, which must not be a refusal."""
        content = (await self.asks(what))["content"]
        assert content["io.github.migrationbot"] == {"v": 1, "card": "answer"}
        body: str = content["body"]
        return body


async def answer(person: Person, room: str, bot: BotProcess, text: str) -> JsonObject:
    """Say something; the bot's answer to it."""
    command = await person.say(room, text)
    return await person.wait_for(
        room,
        lambda event: event["sender"] == bot.user_id and thread_of(event) == command,
        f"the answer to {text!r}",
    )


MakeOperator: TypeAlias = Callable[[str], Awaitable[Operator]]


@pytest.fixture
async def operate(homeservers: HomeserverPair, tmp_path: Path) -> AsyncIterator[MakeOperator]:
    """An operator with a bot that uses this database."""
    made: list[Operator] = []

    async def make(database_url: str) -> Operator:
        person = Person(await homeservers.old.register(unique("operator")))
        account = await homeservers.old.register(unique("bot"))
        settings = {"operators": [person.user_id]}
        options = BotOptions(account=account, database_url=database_url, plugin_config=settings)
        bot = BotProcess(tmp_path / "bot", options)
        await bot.start()
        chat = await person.create_room(preset="trusted_private_chat", is_direct=True, invite=[bot.user_id])
        await person.wait_for(chat, match.said_by(bot.user_id), "the greeting")
        made.append(Operator(person=person, bot=bot, chat=chat))
        return made[-1]

    yield make
    for each in made:
        await each.bot.kill()
        await each.person.close()


async def until_told(operator: Operator, what: str, part: str) -> str:
    """Ask until the answer holds this: the bot may not have looked at a move yet."""
    deadline = time.monotonic() + PATIENCE
    while True:
        text = await operator.told(what)
        if part in text:
            return text
        assert time.monotonic() < deadline, f"{part!r} is never told: {text}"
        await asyncio.sleep(POLL)


async def test_operators_are_told_what_is_open_and_what_it_waits_for(
    operate: MakeOperator, make_scene: MakeScene, database_url: str
) -> None:
    operator = await operate(database_url)
    assert await operator.told("open") == "Nothing is open."
    assert "Rooms that have ended: none." in await operator.told("stats")
    scene = await make_scene(bot=operator.bot)
    card = await scene.ask()
    number = (match.card_of(card) or {})["migration"]
    line = f"Request {number}, {scene.alice.user_id} to {scene.new.user_id} in {scene.room}, "
    await until_told(operator, "open", line + "waits for those who may approve, until ")
    shown = (await operator.asks("open"))["content"]["formatted_body"]
    assert f'href="https://matrix.to/#/{scene.room}"' in shown
    stats = await operator.told("stats")
    assert "1 request is open. Rooms in them: 1 waiting for approval." in stats
    await scene.approve(scene.carol)
    await scene.join_new()
    await until_told(operator, "open", f"{line}waits for {scene.new.user_id} to confirm, until ")
    await scene.confirm()
    await scene.end()
    await until_told(operator, "stats", "Rooms that have ended: 1 done.")
    assert "rate limit 0 times" in await operator.told("stats")


async def test_nobody_else_is_told_anything_and_nowhere_else(
    operate: MakeOperator, make_scene: MakeScene, tmp_path: Path
) -> None:
    operator = await operate(f"sqlite:{tmp_path / 'bot.db'}")
    scene = await make_scene(bot=operator.bot)
    # An admin of the room is no operator, not even in a direct chat.
    chat = await scene.carol.create_room(preset="trusted_private_chat", invite=[operator.bot.user_id])
    await scene.carol.wait_for(chat, match.said_by(operator.bot.user_id), "the greeting")
    for what in ("stats", "open", "pause", "resume"):
        for room in (scene.room, chat):
            refused = await answer(scene.carol, room, operator.bot, f"!migrate operator {what}")
            assert_not_yours(refused, "Only those who run this bot")
    # The operator is one, but not where others read along.
    await scene.carol.invite(scene.room, operator.person.user_id)
    await operator.person.join(scene.room)
    for what in ("stats", "open", "pause", "resume"):
        refused = await answer(operator.person, scene.room, operator.bot, f"!migrate operator {what}")
        assert_not_yours(refused, "in a direct chat")
    await operator.person.invite(operator.chat, scene.dave.user_id)
    await scene.dave.join(operator.chat)
    assert_not_yours(await operator.asks("pause"), "in a direct chat")
    await scene.dave.leave(operator.chat)
    assert "paused" not in await operator.told("stats")


def assert_not_yours(event: JsonObject, part: str) -> None:
    """It is a refusal in these words."""
    assert event["content"]["io.github.migrationbot"] == {"v": 1, "card": "answer", "error": "not_yours"}
    assert part in event["content"]["body"]


async def test_a_pause_holds_everything_everywhere_and_survives_a_restart(
    operate: MakeOperator, make_scene: MakeScene, database_url: str
) -> None:
    operator = await operate(database_url)
    scenes = [await make_scene(bot=operator.bot, visibility="joined") for _ in range(2)]
    moving, asked = scenes
    await moving.ask()
    await moving.approve(moving.carol)
    await moving.join_new()
    await moving.confirm_card()
    before = await operator.told("pause")
    assert before.startswith("The bot is paused since ")
    assert operator.person.user_id in before
    assert "1 request is open." in before

    # It still listens and answers; but whatever would change a room waits, and is told once.
    await asked.ask()
    await moving.confirm()
    await asked.approve(asked.carol)
    for scene in scenes:
        told = await scene.progress()
        assert "paused" in told["content"]["body"]
        assert (match.card_of(told) or {})["state"] == "running"
    unchanged = [await scene.state() for scene in scenes]
    await operator.bot.restart()
    assert (await operator.told("stats")).startswith("The bot is paused since ")
    text = await until_told(operator, "open", "waits for an operator to resume the bot")
    assert text.count("waits for an operator to resume the bot, until ") == 2
    assert (await operator.told("pause")).partition(" (")[0] == before.partition(" (")[0]
    assert [await scene.state() for scene in scenes] == unchanged
    assert [await scene.level(scene.new) for scene in scenes] == [None, None]

    resumed = await operator.told("resume")
    assert resumed.startswith("The bot goes on, after the pause since ")
    assert resumed.endswith("2 requests are open.")
    await moving.end()
    await asked.join_new()
    await asked.confirm()
    await asked.end()
    for scene in scenes:
        assert await scene.level(scene.new) == 100
        assert await progress_cards(scene) == 1
    assert "The bot was not paused." in await operator.told("resume")


async def progress_cards(scene: Scene) -> int:
    """How many progress messages the room has seen."""
    return len([event for event in await scene.carol.messages(scene.room) if match.card("progress")(event)])


async def test_a_cancelled_move_is_put_back_only_after_the_pause(
    operate: MakeOperator, make_scene: MakeScene, tmp_path: Path
) -> None:
    operator = await operate(f"sqlite:{tmp_path / 'bot.db'}")
    scene = await make_scene(bot=operator.bot)
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.invited()
    await operator.told("pause")
    await scene.cancel()
    assert "paused" in (await scene.progress())["content"]["body"]
    assert await scene.membership(scene.new) == "invite"
    await operator.told("resume")
    await scene.end("cancelled")
    assert await scene.membership(scene.new) == "leave"
