# SPDX-License-Identifier: AGPL-3.0-or-later
"""The built .mbp in a real maubot server that has nothing but what maubot itself needs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from scripts.build import build
from scripts.run import ROOT
from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.homeserver import HomeserverPair
from tests.support.maubot_server import ManagementError
from tests.support.person import POWER_LEVELS
from tests.support.postgres import Postgres
from tests.support.scene import HISTORY, RoomOptions, thread_of, usual_room
from tests.support.stock_maubot import (
    INSTANCE,
    InstalledBot,
    StockServers,
    stock_distributions,
    stock_environment,
)

TROUBLE = ("Traceback", "Task was destroyed", "never retrieved", "never awaited", "Failed to")


@pytest.fixture
async def servers(
    homeservers: HomeserverPair, postgres: Postgres, tmp_path: Path
) -> AsyncIterator[StockServers]:
    """Stock maubot servers, gone at the end."""
    made = StockServers(homeservers, postgres, tmp_path)
    yield made
    await made.close()


def trouble(bot: InstalledBot) -> list[str]:
    """The lines of the server's log that tell of something lost or failed."""
    return [line for line in bot.log_text().splitlines() if any(each in line for each in TROUBLE)]


# ---- Nothing but a stock maubot ---------------------------------------------------------------------------


def test_a_stock_maubot_is_what_maubot_needs_and_nothing_else(tmp_path: Path) -> None:
    pins = (ROOT / "requirements" / "runtime.txt").read_text().splitlines()
    pinned = {canonicalize_name(line.partition("==")[0]) for line in pins if "==" in line}
    assert pinned == stock_distributions()
    environment = {**os.environ, **stock_environment(tmp_path / "stock")}
    for module in ("prometheus_client", "olm", "synapse", "pytest", "cryptography", "sqlalchemy"):
        command = (sys.executable, "-c", f"import {module}")
        tried = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, check=False)
        assert b"ModuleNotFoundError" in tried.stderr
    command = (
        sys.executable,
        "-c",
        "import maubot, mautrix, aiohttp, aiosqlite, asyncpg, jinja2, ruamel.yaml",
    )
    subprocess.run(command, env=environment, cwd=tmp_path, check=True)


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_a_move_from_the_command_to_the_summary(
    database: str, servers: StockServers, make_scene: MakeScene
) -> None:
    bot = await servers.install(database=database)
    scene = await make_scene(bot=bot, visibility="joined")
    before, levels = await scene.state(), await scene.carol.state(scene.room, POWER_LEVELS)
    await scene.ask()
    await scene.run_to_end()
    after = await scene.state()
    changed = {key for key, event_id in after.items() if before.get(key) != event_id}
    assert changed == {(POWER_LEVELS, ""), (HISTORY, ""), ("m.room.member", scene.new.user_id)}
    assert await scene.carol.state(scene.room, HISTORY) == {"history_visibility": "joined"}
    now = await scene.carol.state(scene.room, POWER_LEVELS)
    assert now == {**levels, "users": {**levels["users"], scene.new.user_id: 100}}
    assert not trouble(bot)


# ---- Away and back ----------------------------------------------------------------------------------------


async def test_a_command_typed_while_the_server_was_down_is_answered_once(
    servers: StockServers, make_scene: MakeScene
) -> None:
    bot = await servers.install()
    scene = await make_scene(bot=bot)
    before = await scene.command_is("help")
    await scene.answer_to(before)
    await bot.stop()
    meanwhile = await scene.command_is("help")
    await bot.start()
    await scene.answer_to(meanwhile)
    await bot.stop()
    await bot.start()
    afterwards = await scene.command_is("help")
    await scene.answer_to(afterwards)
    answers = [event for event in await scene.carol.messages(scene.room) if match.card("answer")(event)]
    threads = [thread_of(event) for event in answers if thread_of(event) is not None]
    assert threads == [before, meanwhile, afterwards]


async def test_reactions_given_while_the_server_was_down_are_acted_on(
    servers: StockServers, make_scene: MakeScene
) -> None:
    bot = await servers.install()
    scene = await make_scene(bot=bot)
    await scene.ask()
    await bot.stop()
    await scene.approve(scene.carol)
    await bot.start()
    await scene.join_new()
    await scene.confirm_card()
    await bot.stop()
    await scene.confirm()
    await bot.start()
    await scene.end()
    assert await scene.level(scene.new) == 100


# ---- Reloads and stops ------------------------------------------------------------------------------------


def changed_plugin(folder: Path, *, version: str, code: str) -> bytes:
    """The plugin as another version, with one more line deep in it."""
    checkout = folder / "checkout"
    checkout.mkdir()
    shutil.copytree(ROOT / "migrationbot", checkout / "migrationbot")
    shutil.copy(ROOT / "base-config.yaml", checkout)
    meta = re.sub("(?m)^version: .*$", f"version: {version}", (ROOT / "maubot.yaml").read_text())
    (checkout / "maubot.yaml").write_text(meta)
    with (checkout / "migrationbot" / "core" / "decide.py").open("a") as module:
        module.write(f"\n{code}\n")
    return build(checkout, folder / "dist").read_bytes()


async def test_an_upload_keeps_open_moves_going(
    servers: StockServers, make_scene: MakeScene, tmp_path: Path
) -> None:
    bot = await servers.install()
    scene = await make_scene(bot=bot)
    await scene.ask()
    await bot.server.upload(servers.plugin)
    assert (await bot.instance())["started"]
    await scene.approve(scene.carol)
    newer = changed_plugin(tmp_path, version="77.0.0", code="print('newer code', flush=True)")
    await bot.server.upload(newer)  # while the bot has its hands full
    assert (await bot.instance())["started"]
    assert "newer code" in bot.log_text()
    await scene.join_new()
    await scene.confirm()
    await scene.end()
    assert await scene.level(scene.new) == 100
    assert not trouble(bot)


async def test_an_upload_that_does_not_load_leaves_the_old_version_running(
    servers: StockServers, homeservers: HomeserverPair, tmp_path: Path
) -> None:
    bot = await servers.install()
    async with usual_room(homeservers, bot, RoomOptions()) as scene:
        await scene.ask()
        broken = changed_plugin(tmp_path, version="77.0.0", code="raise RuntimeError('broken')")
        with pytest.raises(ManagementError):
            await bot.server.upload(broken)
        assert (await bot.instance())["started"]
        await scene.run_to_end()


async def test_a_stopped_instance_leaves_nothing_under_way(
    servers: StockServers, make_scene: MakeScene
) -> None:
    bot = await servers.install()
    scene = await make_scene(bot=bot)
    await scene.ask()

    async def only_waits() -> bool:
        found = await bot.under_way()
        return bool(found) and all("TimerHandle" in each for each in found)

    await bot.process.until(only_waits)  # for the request to lapse
    await bot.server.stop_instance(INSTANCE)
    assert await bot.under_way() == []
    await bot.server.start_instance(INSTANCE)
    await scene.approve(scene.carol)
    await bot.server.stop_instance(INSTANCE)  # in the middle of what follows
    assert await bot.under_way() == []
    await bot.server.start_instance(INSTANCE)
    await scene.join_new()
    await scene.confirm()
    await scene.end()
    assert not trouble(bot)
