# SPDX-License-Identifier: AGPL-3.0-or-later
"""What live tests stand on works: homeservers, people who wait, databases, and both ways to run a bot."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from tests.conftest import People, StartBot
from tests.support.api import MatrixError, answers
from tests.support.certificates import make_certificate
from tests.support.echo import PLUGIN_ID, pack_plugin, write_plugin
from tests.support.homeserver import Homeserver, HomeserverPair
from tests.support.match import event_id, membership, of_type, reaction, says
from tests.support.maubot_server import MaubotServer
from tests.support.person import Person, unique
from tests.support.postgres import Postgres
from tests.support.processes import Command, Process
from tests.support.synapse_config import DEFAULT, ServerOptions


async def test_two_homeservers_federate(homeservers: HomeserverPair, people: People) -> None:
    alice, bob = await people("alice"), await people("bob", homeservers.new)
    room = await alice.create_room()
    async with alice.expecting(room, membership(bob.user_id, "join"), "Bob's join") as joined:
        await alice.invite(room, bob.user_id)
        await bob.wait_for(room, membership(bob.user_id, "invite"), "his invite")
        await bob.join(room, via=[homeservers.old.server_name])
        assert (await joined)["sender"] == bob.user_id
    async with bob.expecting(room, says("hello", sender=alice.user_id), "Alice's greeting") as greeting:
        said = await alice.say(room, "hello")
        assert (await greeting)["event_id"] == said
    assert said in [event["event_id"] for event in await bob.messages(room)]
    assert await bob.members(room) == {alice.user_id: "join", bob.user_id: "join"}


async def test_people_react_edit_redact_and_change_power(people: People, homeservers: HomeserverPair) -> None:
    alice, bob = await people("alice"), await people("bob", homeservers.new)
    room = await alice.create_room(invite=[bob.user_id], version="11")
    await bob.join(room, via=[homeservers.old.server_name])
    said = await alice.say(room, "one", formatted="<b>one</b>")
    reacted = await bob.react(room, said, "✅")
    await alice.wait_for(room, reaction(said, "✅", sender=bob.user_id), "Bob's reaction")
    edited = await alice.say(room, "two", edit=said)
    await bob.wait_for(room, says("two"), "the edit")
    await bob.redact(room, reacted)
    await alice.wait_for(room, of_type("m.room.redaction"), "the redaction")
    await alice.set_power(room, {bob.user_id: 50})
    levels = await alice.state(room, "m.room.power_levels")
    assert levels["users"] == {alice.user_id: 100, bob.user_id: 50}
    shown = {event["event_id"]: event["content"] for event in await alice.messages(room)}
    assert shown[reacted] == {}
    assert shown[edited]["m.new_content"] == {"msgtype": "m.text", "body": "two"}


async def test_a_wait_fails_with_a_sentence(people: People) -> None:
    alice = await people("alice")
    room = await alice.create_room()
    await alice.say(room, "the last thing said")
    with pytest.raises(AssertionError) as failure:
        await alice.wait_for(room, says("never said"), "an answer", seconds=0.3)
    sentence = str(failure.value)
    assert f"{alice.user_id} waited 0.3 s for an answer in {room}" in sentence
    assert "the last thing said" in sentence


async def test_an_expectation_ignores_what_was_before_and_keeps_what_comes_before_the_wait(
    people: People,
) -> None:
    alice = await people("alice")
    room = await alice.create_room()
    before = await alice.say(room, "again")
    async with alice.expecting(room, says("again"), "the second message") as seen:
        after = await alice.say(room, "again")
        await alice.wait_for(room, event_id(after), "the second message, by its ID")
    assert (await seen)["event_id"] == after != before


async def test_waits_side_by_side_lose_nothing(people: People) -> None:
    alice = await people("alice")
    room = await alice.create_room()
    texts = [f"number {number}." for number in range(10)]
    waits = [asyncio.ensure_future(alice.wait_for(room, says(text), text)) for text in texts]
    sent = [await alice.say(room, text) for text in texts]
    assert [event["event_id"] for event in await asyncio.gather(*waits)] == sent
    assert len([event for event in alice.timeline.events if event["event_id"] in sent]) == len(sent)


async def test_a_person_logs_in_at_a_second_client(people: People) -> None:
    alice = await people("alice")
    elsewhere = await Person.login(alice.account, device_id="SECOND")
    try:
        assert elsewhere.user_id == alice.user_id
        assert elsewhere.account.device_id == "SECOND"
        assert await elsewhere.profile(alice.user_id)
    finally:
        await elsewhere.close()


async def test_a_homeserver_comes_back_with_its_data_and_default_limits_apply(tmp_path: Path) -> None:
    server = Homeserver(tmp_path / "hs", ServerOptions(limits=DEFAULT), make_certificate(tmp_path))
    await server.start()
    alice = Person(await server.register(unique("alice")))
    try:
        room = await alice.create_room()
        await server.stop()
        with pytest.raises(aiohttp.ClientError):
            await alice.say(room, "is anybody there?")
        await server.start()
        with pytest.raises(MatrixError) as limited:
            await _says_often(alice, room)
        assert (limited.value.status, limited.value.errcode) == (429, "M_LIMIT_EXCEEDED")
        await server.exempt(alice.user_id)
        await _says_often(alice, room)
    finally:
        await alice.close()
        await server.kill()


async def _says_often(person: Person, room: str) -> None:
    for _ in range(11):
        await person.say(room, "fast")


async def test_databases_are_fresh_and_apart(postgres: Postgres) -> None:
    urls = [await postgres.fresh_database() for _ in range(2)]
    for url in urls:
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE mine (number INTEGER)")
        await connection.close()


async def test_a_bot_runs_standalone(start_bot: StartBot, people: People, tmp_path: Path) -> None:
    alice = await people("alice")
    bot = await start_bot({"prefix": "hey"}, plugin_folder=write_plugin(tmp_path / "echo"))
    room = await alice.create_room(invite=[bot.user_id])
    await alice.wait_for(room, membership(bot.user_id, "join"), "the bot's join")
    async with alice.expecting(room, says("hey 0 there", sender=bot.user_id), "the answer") as answer:
        await alice.say(room, "!echo there")
        await answer
    stopped = await bot.restart()
    assert stopped.exit_code == 0
    await bot.kill()
    assert not bot.process.running
    await bot.start()
    async with alice.expecting(room, says("hey 1 again"), "the answer after the restarts") as answer:
        await alice.say(room, "!echo again")
        await answer
    assert (await alice.profile(bot.user_id))["displayname"] == "Migration bot"


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_maubot_server_runs_an_uploaded_plugin(
    kind: str, postgres: Postgres, homeservers: HomeserverPair, people: People, tmp_path: Path
) -> None:
    alice, account = await people("alice"), await homeservers.old.register(unique("bot"))
    database = await postgres.fresh_database() if kind == "postgres" else None
    server = MaubotServer(tmp_path, plugin_database=database)
    try:
        await server.start()
        assert (await server.upload(pack_plugin()))["id"] == PLUGIN_ID
        await server.create_client(account)
        made = await server.create_instance("echo", plugin_id=PLUGIN_ID, user_id=account.user_id)
        assert made["started"]
        assert made["database_engine"] == kind
        room = await alice.create_room(invite=[account.user_id])
        await alice.wait_for(room, membership(account.user_id, "join"), "the bot's join")
        await _echoed(alice, room, "plain 0")
        assert (await server.put_instance("echo", config="prefix: other\n"))["config"] == "prefix: other\n"
        assert not (await server.stop_instance("echo"))["started"]
        assert (await server.start_instance("echo"))["started"]
        await _echoed(alice, room, "other 1")
        await server.restart()
        assert (await server.get_instance("echo"))["started"]
        await _echoed(alice, room, "other 2")
    finally:
        await server.close()


async def _echoed(person: Person, room: str, start: str) -> None:
    async with person.expecting(room, says(f"{start} hi"), f"the answer {start!r}") as answer:
        await person.say(room, "!echo hi")
        await answer


async def test_a_program_that_dies_while_starting_fails_with_its_log(tmp_path: Path) -> None:
    process = Process(_python(tmp_path, "raise SystemExit('the reason')"))
    process.start()
    with pytest.raises(AssertionError, match="the reason") as failure:
        await process.until(lambda: answers("http://127.0.0.1:1/"))
    assert str(failure.value).startswith("it ended while starting.")


async def test_a_program_that_will_not_stop_is_killed_and_said_so(tmp_path: Path) -> None:
    ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    process = Process(_python(tmp_path, f"{ignore}; print('up', flush=True); signal.pause()"))
    process.start()

    async def is_up() -> bool:
        return "up" in process.log_text()

    await process.until(is_up)
    with pytest.raises(AssertionError, match=r"it had not stopped after 0\.2 s"):
        await process.stop(signal.SIGTERM, seconds=0.2)
    assert not process.running


def _python(folder: Path, code: str) -> Command:
    return Command(name="it", argv=(sys.executable, "-c", code), log=folder / "log", folder=folder)
