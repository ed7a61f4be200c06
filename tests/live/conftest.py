# SPDX-License-Identifier: AGPL-3.0-or-later
"""What live tests share: bots that serve one test after the other, each test in rooms of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.support.bot import BotOptions, BotProcess
from tests.support.community import Community, Kind, community
from tests.support.homeserver import HomeserverPair
from tests.support.person import unique
from tests.support.postgres import Postgres
from tests.support.scene import RoomOptions, Scene, usual_room


class SharedBots:
    """One bot for each kind of database and each set of settings, started when it is first asked for."""

    def __init__(self, homeservers: HomeserverPair, postgres: Postgres, folder: Path) -> None:
        self._homeservers = homeservers
        self._postgres = postgres
        self._folder = folder
        self._bots: dict[str, BotProcess] = {}

    async def get(self, kind: str, settings: dict[str, Any], *, encryption: bool = False) -> BotProcess:
        """The bot with these settings on that kind of database."""
        key = json.dumps([kind, settings, encryption], sort_keys=True)
        if key not in self._bots or not self._bots[key].process.running:
            self._bots[key] = await self._start(kind, settings, encryption=encryption)
        return self._bots[key]

    async def close(self) -> None:
        """End them all."""
        await asyncio.gather(*(bot.kill() for bot in self._bots.values()))

    async def _start(self, kind: str, settings: dict[str, Any], *, encryption: bool) -> BotProcess:
        account = await self._homeservers.old.register(unique("bot"))
        folder = self._folder / account.user_id.partition(":")[0].removeprefix("@")
        postgres = kind == "postgres"
        url = await self._postgres.fresh_database() if postgres else f"sqlite:{folder / 'bot.db'}"
        options = BotOptions(account=account, database_url=url, plugin_config=settings, encryption=encryption)
        bot = BotProcess(folder, options)
        await bot.start()
        return bot


class MakeScene(Protocol):
    """Makes a usual room; the other arguments are those of RoomOptions."""

    def __call__(
        self,
        *,
        bot: BotProcess | None = None,
        database: str = "sqlite",
        settings: dict[str, Any] | None = None,
        encryption: bool = False,
        **options: Any,
    ) -> Awaitable[Scene]: ...


@pytest.fixture(scope="session")
async def shared_bots(
    homeservers: HomeserverPair, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SharedBots]:
    """Bots for more than one test. Nobody stops them; a test that must, starts its own."""
    bots = SharedBots(homeservers, postgres, tmp_path_factory.mktemp("bots"))
    yield bots
    await bots.close()


@pytest.fixture
async def make_scene(homeservers: HomeserverPair, shared_bots: SharedBots) -> AsyncIterator[MakeScene]:
    """Usual rooms with a bot that is shared, unless one is given. At the end no bot may have met an error."""
    logs: dict[BotProcess, int] = {}

    async with AsyncExitStack() as stack:

        async def make(
            *,
            bot: BotProcess | None = None,
            database: str = "sqlite",
            settings: dict[str, Any] | None = None,
            encryption: bool = False,
            **options: Any,
        ) -> Scene:
            bot = bot or await shared_bots.get(database, settings or {}, encryption=encryption)
            logs.setdefault(bot, len(bot.log_text()))
            room = usual_room(homeservers, bot, RoomOptions(**options))
            return await stack.enter_async_context(room)

        yield make
    for bot, length in logs.items():
        errors = [line for line in bot.log_text()[length:].splitlines() if " ERROR " in line]
        assert not errors, f"{bot.process.command.name} has met errors:\n{bot.process.log_tail()}"


class MakeCommunity(Protocol):
    """Makes a space with a lobby and these rooms."""

    def __call__(
        self,
        kinds: Mapping[str, Kind],
        *,
        database: str = "sqlite",
        settings: dict[str, Any] | None = None,
        encryption: bool = False,
        version: str = "11",
    ) -> Awaitable[Community]: ...


@pytest.fixture
async def make_community(
    homeservers: HomeserverPair, shared_bots: SharedBots
) -> AsyncIterator[MakeCommunity]:
    """Communities with a shared bot."""
    async with AsyncExitStack() as stack:

        async def make(
            kinds: Mapping[str, Kind],
            *,
            database: str = "sqlite",
            settings: dict[str, Any] | None = None,
            encryption: bool = False,
            version: str = "11",
        ) -> Community:
            bot = await shared_bots.get(database, settings or {}, encryption=encryption)
            return await stack.enter_async_context(community(homeservers, bot, kinds, version=version))

        yield make
