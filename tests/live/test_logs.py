# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bot logs: each decision in a line, and never what people wrote, nor a secret."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import aiohttp

from tests.conftest import StartBot
from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import JsonObject
from tests.support.bot import BotProcess
from tests.support.processes import POLL

WEB_TOKEN = "a-token-that-nobody-guesses"
OURS = " maubot.instance."
# How an entry begins; a traceback is part of the one before it.
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ")
SECRET = "zanzibar"  # people say it in all that they write
SHORTEST = 12  # characters: less than that may stand in a log line by chance

# What the bot decides in the course of a whole move. For the other waits people may be too quick.
DECISIONS = (
    *("wait approval", "turn approved", "act open_history", "act invite", "act restore_history"),
    *("act confirm_card", "act seed_confirm", "act promote", "turn arrived"),
)


def own_entries(log: str) -> Iterator[str]:
    """What the plugin itself logged, tracebacks included."""
    ours = False
    for line in log.splitlines():
        if LINE.match(line):
            ours = OURS in line
        if ours:
            yield line


def phrases(event: JsonObject) -> Iterator[str]:
    """The lines of a message."""
    for key in ("body", "formatted_body"):
        text = event["content"].get(key)
        if event["type"] == "m.room.message" and isinstance(text, str):
            yield from (line for line in text.splitlines() if len(line) >= SHORTEST)


async def logged(bot: BotProcess, what: str) -> None:
    """Return once the bot has logged it."""
    for _ in range(1000):
        if what in bot.log_text():
            return
        await asyncio.sleep(POLL)
    raise AssertionError(f"the bot never logged {what}")


async def test_each_decision_is_logged_and_nothing_that_people_wrote(
    make_scene: MakeScene, start_bot: StartBot
) -> None:
    bot = await start_bot({"web_token": WEB_TOKEN})
    scene = await make_scene(bot=bot, visibility="joined")
    await scene.carol.set_state(scene.room, "m.room.name", {"name": f"The {SECRET} room"})
    await scene.carol.say(scene.room, f"Talk about {SECRET} that is nobody's business")
    await scene.command_is(f"{SECRET} {SECRET}")
    await scene.command_is(f"{scene.new.user_id} --{SECRET}")
    await scene.command_is(f"@{SECRET}.\u202e:example.org")
    card = await scene.ask()
    await scene.carol.say(scene.room, f"Why {SECRET}?", thread=scene.command)
    await scene.alice.react(scene.room, scene.card, SECRET)
    await look(bot, WEB_TOKEN)
    await look(bot, f"{WEB_TOKEN}-{SECRET}")
    await logged(bot, "wait approval")
    await bot.restart()
    await scene.run_to_end()
    await bot.stop()

    entries = list(own_entries(bot.log_text()))
    number = (match.card_of(card) or {})["migration"]
    for what in DECISIONS:
        assert any(entry.endswith(f"migration {number} in {scene.room}: {what}") for entry in entries), what
    for code in ("bad_user_id", "bad_option", "lookalike"):
        assert any(entry.endswith(f"answered in {scene.room}: refused, {code}") for entry in entries), code

    log = "\n".join(entries)
    assert SECRET not in log
    for secret in (WEB_TOKEN, bot.options.account.access_token, bot.options.account.password):
        assert secret not in log
    assert WEB_TOKEN not in bot.log_text()  # nor in maubot's own entries
    said = {phrase for event in await scene.carol.messages(scene.room) for phrase in phrases(event)}
    assert len(said) > 10
    assert [phrase for phrase in said if phrase in log] == []


async def look(bot: BotProcess, token: str) -> None:
    """Look in, with a token right or wrong."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.get(f"{bot.url}/metrics", headers=headers):
        pass
