# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bot comes when it may, says once what it does and needs, and goes when nobody else is left."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.conftest import People, StartBot
from tests.support import match
from tests.support.api import JsonObject, client_path
from tests.support.bot import BotOptions, BotProcess
from tests.support.fault import Case, Fault
from tests.support.homeserver import HomeserverPair
from tests.support.person import Person, unique
from tests.support.proxy import FaultProxy, Tap
from tests.support.scene import ENCRYPTION, thread_of
from tests.support.timeline import PATIENCE

ENCRYPTED = {"type": ENCRYPTION, "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


class StartAlone(Protocol):
    """Starts a bot on SQLite; the other arguments are those of BotOptions."""

    def __call__(self, settings: dict[str, Any] | None = None, **options: Any) -> Awaitable[BotProcess]: ...


@pytest.fixture
async def start_alone(homeservers: HomeserverPair, tmp_path: Path) -> AsyncIterator[StartAlone]:
    """Bots that follow invites by themselves: maubot's own `autojoin` is off, unless a test says so."""
    started: list[BotProcess] = []

    async def start(settings: dict[str, Any] | None = None, **options: Any) -> BotProcess:
        folder = tmp_path / f"bot-{len(started)}"
        account = await homeservers.old.register(unique("bot"))
        given = {"database_url": f"sqlite:{folder / 'bot.db'}", "autojoin": False, **options}
        bot = BotProcess(folder, BotOptions(account=account, plugin_config=settings or {}, **given))
        started.append(bot)
        await bot.start()
        return bot

    yield start
    await asyncio.gather(*(bot.kill() for bot in started))


async def greeting(person: Person, room: str, bot: BotProcess) -> JsonObject:
    """The bot's first message in the room."""
    return await person.wait_for(room, match.said_by(bot.user_id), "the greeting")


async def said(person: Person, room: str, bot: BotProcess) -> list[JsonObject]:
    """All that the bot ever said there."""
    return [event for event in await person.messages(room) if match.said_by(bot.user_id)(event)]


async def answered(person: Person, room: str, bot: BotProcess) -> None:
    """Have the bot answer something, so that it has done all that it does before."""
    command = await person.say(room, "!migrate help")
    await person.wait_for(
        room, lambda event: event["sender"] == bot.user_id and thread_of(event) == command, "the answer"
    )


async def until_outside(person: Person, room_id: str, bot: BotProcess) -> None:
    """Wait until the bot is not in the room."""
    async with asyncio.timeout(PATIENCE):
        while (await person.members(room_id))[bot.user_id] != "leave":
            await person.timeline.sync(seconds=1)


async def left(person: Person, room: str, user_id: str) -> None:
    """Wait until the account has left, or declined."""
    await person.wait_for(room, match.membership(user_id, "leave"), f"{user_id} to leave")


# Coming in


@pytest.mark.parametrize("autojoin", [False, True])
async def test_invited_it_joins_and_introduces_itself_once(
    autojoin: bool, people: People, start_bot: StartBot
) -> None:
    carol, bot = await people("carol"), await start_bot(autojoin=autojoin)
    room = await carol.create_room(invite=[bot.user_id])
    first = await greeting(carol, room, bot)
    content = first["content"]
    assert content["io.github.migrationbot"] == {"v": 1, "card": "answer"}
    assert content["msgtype"] == "m.notice"
    assert content["m.mentions"] == {}
    assert thread_of(first) is None
    assert "!migrate help" in content["body"]
    assert f"/op {bot.user_id} 100" in content["body"]
    # Never again: not after a restart, and not when it is put out and invited once more.
    await bot.restart()
    await answered(carol, room, bot)
    await carol.kick(room, bot.user_id)
    async with carol.expecting(room, match.membership(bot.user_id, "join"), "the bot to come back") as back:
        await carol.invite(room, bot.user_id)
        await back
    await answered(carol, room, bot)
    spoken = await said(carol, room, bot)
    assert [event["event_id"] for event in spoken if thread_of(event) is None] == [first["event_id"]]


async def test_an_answer_comes_after_the_greeting(people: People, start_alone: StartAlone) -> None:
    carol, bot = await people("carol"), await start_alone()
    room = await carol.create_room(invite=[bot.user_id])
    await carol.wait_for(room, match.membership(bot.user_id, "join"), "the bot to join")
    command = await carol.say(room, "!migrate help")
    await carol.wait_for(room, lambda event: thread_of(event) == command, "the answer")
    assert [thread_of(event) for event in await said(carol, room, bot)] == [None, command]


async def test_invited_while_it_was_away_it_comes_at_its_return(
    people: People, start_alone: StartAlone
) -> None:
    carol, bot = await people("carol"), await start_alone()
    await bot.stop()
    room = await carol.create_room(invite=[bot.user_id])
    await bot.start()
    await greeting(carol, room, bot)
    await answered(carol, room, bot)
    assert len(await said(carol, room, bot)) == 2


async def test_invited_before_it_was_ever_started_it_comes(
    homeservers: HomeserverPair, people: People, tmp_path: Path
) -> None:
    carol, account = await people("carol"), await homeservers.old.register(unique("bot"))
    room = await carol.create_room(invite=[account.user_id])
    url = f"sqlite:{tmp_path / 'bot.db'}"
    bot = BotProcess(tmp_path / "bot", BotOptions(account=account, database_url=url, autojoin=False))
    try:
        await bot.start()
        await greeting(carol, room, bot)
    finally:
        await bot.kill()


async def test_rooms_that_it_was_in_before_are_not_greeted(
    homeservers: HomeserverPair, people: People, tmp_path: Path
) -> None:
    carol, account = await people("carol"), await homeservers.old.register(unique("bot"))
    room = await carol.create_room(invite=[account.user_id])
    itself = Person(account)
    await itself.join(room)
    await itself.close()
    url = f"sqlite:{tmp_path / 'bot.db'}"
    bot = BotProcess(tmp_path / "bot", BotOptions(account=account, database_url=url))
    try:
        await bot.start()
        await answered(carol, room, bot)
        assert None not in [thread_of(event) for event in await said(carol, room, bot)]
    finally:
        await bot.kill()


@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
async def test_killed_while_it_greets_it_greets_once(
    fault: Fault, homeservers: HomeserverPair, people: People, start_alone: StartAlone
) -> None:
    carol, proxy = await people("carol"), FaultProxy(homeservers.old.url)
    await proxy.start()
    try:
        bot = await start_alone(homeserver_url=proxy.url)
        killed = asyncio.Event()

        def end(_: Fault) -> None:
            os.kill(bot.process.pid, signal.SIGKILL)
            killed.set()

        proxy.end_bot = end
        room = await carol.create_room()
        tap = Tap(room, case=Case(label="PUT send/m.room.message", occurrence=1, fault=fault))
        proxy.tap(tap)
        await carol.invite(room, bot.user_id)
        async with asyncio.timeout(20):
            await killed.wait()
        await bot.kill()
        await bot.start()
        await greeting(carol, room, bot)
        await answered(carol, room, bot)
        assert tap.requests.count(("PUT send/m.room.message", 2)) == 1
        assert len(await said(carol, room, bot)) == 2
    finally:
        await proxy.close()


async def test_invited_from_another_homeserver_it_joins_there(
    people: People, start_alone: StartAlone, homeservers: HomeserverPair
) -> None:
    erin, bot = await people("erin", homeservers.new), await start_alone()
    for version in ("11", "12"):
        room = await erin.create_room(version=version, invite=[bot.user_id])
        await greeting(erin, room, bot)


async def test_it_says_nothing_in_an_encrypted_room_that_it_cannot_read(
    people: People, start_alone: StartAlone
) -> None:
    carol, bot = await people("carol"), await start_alone()
    secret = await carol.create_room(state=[ENCRYPTED], invite=[bot.user_id])
    await carol.wait_for(secret, match.membership(bot.user_id, "join"), "the bot to join")
    plain = await carol.create_room(invite=[bot.user_id])
    await greeting(carol, plain, bot)
    await bot.restart()
    await answered(carol, plain, bot)
    assert await said(carol, secret, bot) == []


async def test_with_encryption_it_introduces_itself_encrypted(
    people: People, start_alone: StartAlone
) -> None:
    carol, bot = await people("carol"), await start_alone(encryption=True)
    room = await carol.create_room(state=[ENCRYPTED], invite=[bot.user_id])
    assert (await greeting(carol, room, bot))["type"] == "m.room.encrypted"


# Whose invites are followed


@pytest.mark.parametrize("autojoin", [False, True])
async def test_it_follows_its_operators_only_when_told_so(
    autojoin: bool, people: People, start_alone: StartAlone
) -> None:
    operator, stranger = await people("operator"), await people("stranger")
    settings = {"accept_invites": "operators", "operators": [operator.user_id]}
    bot = await start_alone(settings, autojoin=autojoin)
    strange = await stranger.create_room(preset="public_chat", invite=[bot.user_id])
    await left(stranger, strange, bot.user_id)
    room = await operator.create_room(invite=[bot.user_id])
    await greeting(operator, room, bot)
    await answered(operator, room, bot)
    assert await said(stranger, strange, bot) == []
    # maubot's own autojoin may come in between: then the bot leaves again.
    await until_outside(stranger, strange, bot)


async def test_it_follows_people_of_some_servers_only_when_told_so(
    people: People, start_alone: StartAlone, homeservers: HomeserverPair
) -> None:
    carol, erin = await people("carol"), await people("erin", homeservers.new)
    server = homeservers.old.server_name
    bot = await start_alone({"accept_invites": "servers", "accept_invites_from_servers": [server]})
    strange = await erin.create_room(invite=[bot.user_id])
    await left(erin, strange, bot.user_id)
    await greeting(carol, await carol.create_room(invite=[bot.user_id]), bot)
    assert await said(erin, strange, bot) == []


# Going


async def test_it_leaves_when_it_is_the_last_one(people: People, start_alone: StartAlone) -> None:
    carol, dave, bot = await people("carol"), await people("dave"), await start_alone()
    room = await carol.create_room(invite=[bot.user_id, dave.user_id])
    await dave.join(room)
    await greeting(carol, room, bot)
    await dave.leave(room)
    await answered(carol, room, bot)
    assert (await carol.members(room))[bot.user_id] == "join"
    await carol.leave(room)
    await is_outside(bot, room)


async def test_it_leaves_when_everybody_left_while_it_was_away(
    people: People, start_alone: StartAlone
) -> None:
    carol, bot = await people("carol"), await start_alone()
    room = await carol.create_room(invite=[bot.user_id])
    await greeting(carol, room, bot)
    await bot.stop()
    await carol.leave(room)
    await bot.start()
    await is_outside(bot, room)


async def test_it_stays_for_somebody_who_is_invited(people: People, start_alone: StartAlone) -> None:
    carol, dave, bot = await people("carol"), await people("dave"), await start_alone()
    room = await carol.create_room(invite=[bot.user_id, dave.user_id])
    await greeting(carol, room, bot)
    await carol.leave(room)
    other = await carol.create_room(invite=[bot.user_id])
    await greeting(carol, other, bot)
    await carol.leave(other)
    await is_outside(bot, other)  # it has seen the other room empty, and so the first one too
    await dave.join(room)
    assert (await dave.members(room))[bot.user_id] == "join"


async def is_outside(bot: BotProcess, room: str) -> None:
    """Wait until the bot's account has left the room, which nobody else is in to see."""
    itself = Person(bot.options.account)

    async def has_left() -> bool:
        answer = await itself.api.get(client_path("joined_rooms"))
        return room not in answer["joined_rooms"]

    try:
        await bot.process.until(has_left)
    finally:
        await itself.close()
