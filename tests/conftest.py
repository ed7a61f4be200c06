# SPDX-License-Identifier: AGPL-3.0-or-later
"""What tests share: two federating homeservers and a PostgreSQL. People, bots, databases are a test's own.

Nothing starts before a test asks for it: the pure tests start nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import settings

from scripts.run import ROOT
from tests.support.bot import BotOptions, BotProcess
from tests.support.homeserver import Homeserver, HomeserverPair, homeserver_pair
from tests.support.person import Person, unique
from tests.support.postgres import Postgres
from tests.support.synapse_config import ServerOptions

# Property tests give the same result each time and on any machine, however busy it is.
settings.register_profile("steady", derandomize=True, deadline=None, print_blob=False)
settings.load_profile("steady")


class People(Protocol):
    """Makes a person with a fresh account, on the old homeserver unless another is named."""

    def __call__(self, name: str, server: Homeserver | None = None) -> Awaitable[Person]: ...


class StartBot(Protocol):
    """Starts a bot with a fresh account, on the old homeserver unless another is named."""

    def __call__(
        self,
        plugin_config: Mapping[str, Any] | None = None,
        *,
        server: Homeserver | None = None,
        homeserver_url: str | None = None,
        encryption: bool = False,
        autojoin: bool = True,
        plugin_folder: Path = ROOT,
    ) -> Awaitable[BotProcess]: ...


@pytest.fixture(scope="session")
async def homeservers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HomeserverPair]:
    """Two homeservers without rate limits, for all tests. To stop one, make a pair of your own."""
    forgetful = ServerOptions(forgetful=True)
    async with homeserver_pair(tmp_path_factory.mktemp("homeservers"), forgetful, forgetful) as pair:
        yield pair


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[Postgres]:
    """A PostgreSQL that starts when a database is asked of it."""
    server = Postgres()
    yield server
    await server.stop()


@pytest.fixture(params=["sqlite", "postgres"])
async def database_url(request: pytest.FixtureRequest, postgres: Postgres, tmp_path: Path) -> str:
    """An empty database of each kind: the test runs once on either."""
    if request.param == "postgres":
        return await postgres.fresh_database()
    return f"sqlite:{tmp_path / 'bot.db'}"


@pytest.fixture
async def people(homeservers: HomeserverPair) -> AsyncIterator[People]:
    """People with fresh accounts: `await people("alice")`, `await people("me", homeservers.new)`."""
    made: list[Person] = []

    async def make(name: str, server: Homeserver | None = None) -> Person:
        person = Person(await (server or homeservers.old).register(unique(name)))
        made.append(person)
        return person

    yield make
    await asyncio.gather(*(person.close() for person in made))


@pytest.fixture
async def start_bot(
    homeservers: HomeserverPair, database_url: str, tmp_path: Path
) -> AsyncIterator[StartBot]:
    """Bots in processes of their own, on each kind of database; killed at the end."""
    started: list[BotProcess] = []

    async def start(
        plugin_config: Mapping[str, Any] | None = None,
        *,
        server: Homeserver | None = None,
        homeserver_url: str | None = None,
        encryption: bool = False,
        autojoin: bool = True,
        plugin_folder: Path = ROOT,
    ) -> BotProcess:
        options = BotOptions(
            account=await (server or homeservers.old).register(unique("bot")),
            database_url=database_url,
            plugin_config=plugin_config or {},
            homeserver_url=homeserver_url,
            encryption=encryption,
            autojoin=autojoin,
            plugin_folder=plugin_folder,
        )
        bot = BotProcess(tmp_path / f"bot-{len(started)}", options)
        started.append(bot)
        await bot.start()
        return bot

    yield start
    await asyncio.gather(*(bot.kill() for bot in started))
