# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looking in: /metrics and /health, behind their token, in both ways to run the bot."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from scripts.build import build
from scripts.run import ROOT
from tests.conftest import People
from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.bot import BotOptions, BotProcess
from tests.support.homeserver import HomeserverPair
from tests.support.maubot_server import MaubotServer
from tests.support.person import unique
from tests.support.processes import POLL, Process
from tests.support.timeline import PATIENCE

TOKEN = "a token that nobody guesses".replace(" ", "-")
PAGES = ("metrics", "health")
SETTINGS = {"web_token": TOKEN}

Counts: TypeAlias = dict[tuple[str, str], float]  # by the name of a sample and the value of its label


@dataclass(frozen=True, kw_only=True)
class Page:
    """What was answered."""

    status: int
    text: str
    headers: dict[str, str]


async def look(url: str, token: str | None = None, *, scheme: str = "Bearer") -> Page:
    """GET a page, with a token or without."""
    headers = {} if token is None else {"Authorization": f"{scheme} {token}"}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return Page(status=answer.status, text=await answer.text(), headers=dict(answer.headers))


async def counts(url: str) -> Counts:
    """What /metrics shows."""
    page = await look(f"{url}/metrics", TOKEN)
    assert page.status == 200, page.text
    assert page.headers["Content-Type"].startswith("text/plain")
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
    }


async def until_counted(url: str, sample: tuple[str, str], value: float) -> Counts:
    """What /metrics shows, once this sample has this value: the bot counts what it has done, after it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = await counts(url)
        if found[sample] == value:
            return found
        assert time.monotonic() < deadline, f"{sample} is still {found[sample]}, and not {value}"
        await asyncio.sleep(POLL)


async def until_status(url: str, status: int) -> Page:
    """The page, once it is answered with this status."""
    deadline = time.monotonic() + PATIENCE
    while True:
        page = await look(url, TOKEN)
        if page.status == status:
            return page
        assert time.monotonic() < deadline, f"{url} still answers {page.status}: {page.text}"
        await asyncio.sleep(POLL)


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_what_the_bot_did_is_counted(database: str, make_scene: MakeScene) -> None:
    scene = await make_scene(database=database, settings=SETTINGS, visibility="joined")
    before = await counts(scene.bot.url)

    async def until_waited(reason: str) -> Counts:
        waits = ("migrationbot_waits_total", reason)
        return await until_counted(scene.bot.url, waits, before[waits] + 1)

    await scene.answer_to(await scene.command_is(scene.alice.user_id), error="same_account")
    await scene.ask()
    waiting = await until_waited("approval")
    assert waiting["migrationbot_open", ""] == before["migrationbot_open", ""] + 1
    await scene.approve(scene.carol)
    await scene.invited()
    await until_waited("join")
    await scene.enter()
    await scene.confirm_card()
    await until_waited("confirm")
    await scene.confirm()
    await scene.end()

    done = ("migrationbot_ended_total", "done")
    found = await until_counted(scene.bot.url, done, before[done] + 1)
    gained = {key: value - before[key] for key, value in found.items() if value != before[key]}
    steps = {step for name, step in gained if name == "migrationbot_acts_total"}
    assert steps == {
        *("request_card", "seed_yes", "seed_no", "open_history", "invite", "restore_history"),
        *("confirm_card", "seed_confirm", "promote", "summary", "close_card"),
    }
    assert gained["migrationbot_acts_total", "invite"] == 1
    assert gained["migrationbot_refusals_total", "same_account"] == 1
    assert gained["migrationbot_duration_seconds_count", ""] == 1
    assert 0 < gained["migrationbot_duration_seconds_sum", ""] < PATIENCE
    assert {key for key in gained if key[0] == "migrationbot_waits_total"} == {
        ("migrationbot_waits_total", reason) for reason in ("approval", "join", "confirm")
    }
    # It is counted a moment before it is closed.
    await until_counted(scene.bot.url, ("migrationbot_open", ""), before["migrationbot_open", ""])


async def test_health_tells_whether_it_hears_its_homeserver_and_reaches_its_database(
    make_scene: MakeScene,
) -> None:
    scene = await make_scene(settings=SETTINGS)
    earlier = json.loads((await look(f"{scene.bot.url}/health", TOKEN)).text)["open_migrations"]
    await scene.ask()
    page = await look(f"{scene.bot.url}/health", TOKEN)
    found = json.loads(page.text)
    assert page.status == 200
    assert 0 <= found.pop("last_sync_seconds") < 31  # as long as an idle sync lasts
    assert found == {"ok": True, "database": True, "open_migrations": earlier + 1, "paused": False}


@pytest.mark.parametrize("page", PAGES)
async def test_without_the_token_nothing_is_shown(page: str, make_scene: MakeScene) -> None:
    scene = await make_scene(settings=SETTINGS)
    url = f"{scene.bot.url}/{page}"
    wrong = [None, "", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "ünïcode", TOKEN.encode().hex()]
    answers = [await look(url, token) for token in wrong]
    answers += [
        await look(f"{url}?token={TOKEN}&access_token={TOKEN}"),
        await look(url, TOKEN, scheme="Basic"),
    ]
    for answer in answers:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "migrationbot" not in answer.text
    assert (await look(url, TOKEN, scheme="bearer")).status == 200  # RFC 7235: of any case


@pytest.mark.parametrize("page", PAGES)
async def test_without_a_token_set_there_are_no_pages(page: str, make_scene: MakeScene) -> None:
    scene = await make_scene()
    for token in (None, "", TOKEN):
        assert (await look(f"{scene.bot.url}/{page}", token)).status == 404


@pytest.fixture
async def lone_bot(homeservers: HomeserverPair, tmp_path: Path) -> AsyncIterator[BotProcess]:
    """A bot with pages on SQLite, not started yet."""
    account = await homeservers.old.register(unique("bot"))
    url = f"sqlite:{tmp_path / 'bot.db'}"
    bot = BotProcess(tmp_path / "bot", BotOptions(account=account, database_url=url, plugin_config=SETTINGS))
    yield bot
    await bot.kill()


async def test_a_database_that_does_not_answer_is_told_and_comes_back(
    lone_bot: BotProcess, tmp_path: Path
) -> None:
    await lone_bot.start()
    health = f"{lone_bot.url}/health"
    assert (await look(health, TOKEN)).status == 200
    with closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as database:
        database.execute("ALTER TABLE room_move RENAME TO gone")
        page = await until_status(health, 503)
        found = json.loads(page.text)
        assert (found["ok"], found["database"], found["open_migrations"]) == (False, False, None)
        assert (await look(f"{lone_bot.url}/metrics", TOKEN)).status == 503
        database.execute("ALTER TABLE gone RENAME TO room_move")
    await until_status(health, 200)


async def test_without_prometheus_client_there_is_a_sentence_instead_of_metrics(
    lone_bot: BotProcess, people: People, tmp_path: Path
) -> None:
    hidden = tmp_path / "path" / "prometheus_client"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('not in a stock maubot')\n")
    environment = {**(lone_bot.process.command.environment or {}), "PYTHONPATH": str(hidden.parent)}
    lone_bot.process = Process(replace(lone_bot.process.command, environment=environment))
    await lone_bot.start()
    page = await look(f"{lone_bot.url}/metrics", TOKEN)
    assert page.status == 501
    assert "prometheus_client" in page.text
    assert (await look(f"{lone_bot.url}/health", TOKEN)).status == 200
    carol = await people("carol")
    room = await carol.create_room(invite=[lone_bot.user_id])
    await carol.wait_for(room, match.card("answer"), "the greeting, for the bot works all the same")


async def test_in_a_maubot_server_two_instances_are_looked_at_apart(
    homeservers: HomeserverPair, people: People, tmp_path: Path
) -> None:
    packed = build(ROOT, tmp_path / "dist").read_bytes()
    server, carol = MaubotServer(tmp_path), await people("carol")
    accounts = [await homeservers.old.register(unique("bot")) for _ in range(2)]
    try:
        await server.start()
        plugin = (await server.upload(packed))["id"]
        for name, account in zip(("one", "two"), accounts, strict=True):
            await server.create_client(account)
            made = await server.create_instance(name, plugin_id=plugin, user_id=account.user_id)
            assert made["started"], server.log_text()
        urls = [f"{server.url}/_matrix/maubot/plugin/{name}" for name in ("one", "two")]
        for url in urls:
            assert [(await look(f"{url}/{page}", TOKEN)).status for page in PAGES] == [404, 404]
        for name in ("one", "two"):
            await server.put_instance(name, config=f"web_token: {TOKEN}\n")
        room = await carol.create_room(invite=[accounts[0].user_id])
        await carol.wait_for(room, match.card("answer"), "the greeting of the first bot")
        async with carol.expecting(room, match.card("answer", error="usage"), "the refusal") as refusal:
            await carol.say(room, "!migrate cancle")
            await refusal
        refused = ("migrationbot_refusals_total", "usage")
        await until_counted(urls[0], refused, 1)
        assert (await counts(urls[1]))[refused] == 0
        assert json.loads((await look(f"{urls[1]}/health", TOKEN)).text)["ok"]
        await server.stop_instance("one")
        assert (await look(f"{urls[0]}/health", TOKEN)).status == 404
        await server.start_instance("one")
        assert (await look(f"{urls[0]}/health", TOKEN)).status == 200
        await server.put_instance("one", config="web_token: ''\n")
        assert (await look(f"{urls[0]}/health", TOKEN)).status == 404
    finally:
        await server.close()
