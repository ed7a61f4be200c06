# SPDX-License-Identifier: AGPL-3.0-or-later
"""The database fails in the middle of a move: nothing is done unwritten, and all of it afterwards."""

from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import asyncpg
import pytest

from tests.conftest import StartBot
from tests.support.bot import BotProcess
from tests.support.homeserver import HomeserverPair
from tests.support.scene import RoomOptions, usual_room

COMPLAINT = "StoreDown, trying again"


class Failure(Protocol):
    """Makes the bot's database fail for the time of the context."""

    def __call__(self, bot: BotProcess) -> AbstractAsyncContextManager[None]: ...


def sqlite_file(bot: BotProcess) -> Path:
    """The file of the bot's database."""
    return Path(bot.options.database_url.removeprefix("sqlite:"))


@asynccontextmanager
async def locked(bot: BotProcess) -> AsyncIterator[None]:
    """Another program holds the file's write lock for longer than SQLite waits."""
    connection = sqlite3.connect(sqlite_file(bot), isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        connection.close()


@asynccontextmanager
async def full_disk(bot: BotProcess) -> AsyncIterator[None]:
    """No file of the bot's may grow any more, as on a full disk."""
    process = bot.process.pid
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    # SQLite writes behind the end of its write-ahead log. The bot's own log is smaller and still grows.
    size = os.stat(f"{sqlite_file(bot)}-wal").st_size
    resource.prlimit(process, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)


@asynccontextmanager
async def shut_out(bot: BotProcess) -> AsyncIterator[None]:
    """PostgreSQL ends the bot's connections and accepts no new ones to its database."""
    base, _, name = bot.options.database_url.rpartition("/")
    connection = await asyncpg.connect(f"{base}/postgres")
    try:
        await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
        await connection.execute(query, name)
        yield
        await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("database_url", "failure"),
    [("sqlite", locked), ("sqlite", full_disk), ("postgres", shut_out)],
    indirect=["database_url"],
    ids=["locked", "full", "shut out"],
)
async def test_nothing_is_done_while_the_database_is_down_and_all_of_it_after(
    homeservers: HomeserverPair, start_bot: StartBot, failure: Failure
) -> None:
    bot = await start_bot()
    # Not make_scene: maubot itself logs errors while the database that it shares with the bot is down.
    async with usual_room(homeservers, bot, RoomOptions(visibility="joined")) as scene:
        await scene.ask()
        async with failure(bot):
            await scene.approve(scene.carol)
            await bot.process.until(lambda: complained(bot))
            assert await scene.membership(scene.new) is None
            setting = await scene.carol.state(scene.room, "m.room.history_visibility")
            assert setting == {"history_visibility": "joined"}
        await scene.join_new()
        await scene.confirm()
        await scene.end()
        assert await scene.level(scene.new) == 100


async def complained(bot: BotProcess) -> bool:
    """Whether the bot has noticed."""
    return COMPLAINT in bot.log_text()
