# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin in a stock maubot server, which finds no Python package but those that maubot itself needs."""

from __future__ import annotations

import json
import os
import re
import signal
from dataclasses import dataclass, replace
from importlib.metadata import packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.build import PLUGIN_ID, build
from scripts.run import ROOT
from tests.support.api import JsonObject
from tests.support.bot import BotOptions
from tests.support.homeserver import HomeserverPair
from tests.support.maubot_server import MaubotServer
from tests.support.person import unique
from tests.support.postgres import Postgres
from tests.support.processes import Process

INSTANCE = "migrationbot"

MARKER = "under way in plugins: "

# Python imports it before anything else. Asked by SIGUSR1, it also says which tasks and timers of plugins
# there are: the code of those lies in a .mbp file.
_SITECUSTOMIZE = """
import asyncio, json, signal, sys
from importlib.machinery import PathFinder

HIDDEN = frozenset({hidden!r})

class StockFinder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        hidden = name.partition(".")[0] in HIDDEN
        return None if hidden else PathFinder.find_spec(name, path, target)

def source(callback):
    return getattr(getattr(callback, "__func__", callback), "__code__", None)

def tell(*_):
    timers = [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]
    found = [repr(task) for task in asyncio.all_tasks()]
    found += [f"{{timer!r}} of {{source(timer._callback)!r}}" for timer in timers]
    print({marker!r} + json.dumps([each for each in found if ".mbp" in each]), file=sys.stderr, flush=True)

sys.meta_path[sys.meta_path.index(PathFinder)] = StockFinder
signal.signal(signal.SIGUSR1, tell)
"""


def stock_distributions() -> frozenset[str]:
    """The distributions that come with maubot, without any of its extras, by their canonical names."""
    found: set[str] = set()
    new: set[str] = {"maubot"}
    while new:
        found |= new
        needed = [Requirement(line) for name in new for line in requires(name) or ()]
        wanted = [each for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
        new = {str(canonicalize_name(each.name)) for each in wanted} - found
    return frozenset(found)


def stock_environment(folder: Path) -> dict[str, str]:
    """Variables for a Python that finds only the modules of `stock_distributions` and its own.

    `folder` is made for the purpose.
    """
    stock = stock_distributions()
    hidden = [
        module
        for module, distributions in packages_distributions().items()
        if stock.isdisjoint(map(canonicalize_name, distributions))
    ]
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_SITECUSTOMIZE.format(hidden=sorted(hidden), marker=MARKER))
    return {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True, eq=False, kw_only=True)
class InstalledBot:
    """The plugin in a maubot server of its own; a Scene takes it for a bot like any other."""

    server: MaubotServer
    options: BotOptions  # of these, the account counts

    @property
    def user_id(self) -> str:
        """The account that it runs as."""
        return self.options.account.user_id

    @property
    def process(self) -> Process:
        """The maubot server."""
        return self.server.process

    def log_text(self) -> str:
        """Everything that the server has logged, over all its starts."""
        return self.server.log_text()

    async def install(self, plugin: bytes, config: str) -> JsonObject:
        """Start the server, upload the plugin, and make client and instance; how the instance is then."""
        await self.server.start()
        await self.server.upload(plugin)
        await self.server.create_client(self.options.account)
        return await self.server.create_instance(
            INSTANCE, plugin_id=PLUGIN_ID, user_id=self.user_id, config=config
        )

    async def instance(self) -> JsonObject:
        """What the management API says about the instance."""
        return await self.server.get_instance(INSTANCE)

    async def stop(self) -> None:
        """Stop the server."""
        # maubot may overlook a request that comes in the middle of a query: see scripts/standalone.py.
        await self.process.stop(signal.SIGINT, ask_again=3)

    async def start(self) -> None:
        """Start the server again, and wait until the plugin runs there."""
        await self.server.start()
        await self.process.until(self._has_started)

    async def under_way(self) -> list[str]:
        """The plugin's tasks and timers of this moment, as Python shows them."""
        told = len(self._told())
        os.kill(self.process.pid, signal.SIGUSR1)

        async def has_told() -> bool:
            return len(self._told()) > told

        await self.process.until(has_told)
        found: list[str] = json.loads(self._told()[-1])
        return found

    def _told(self) -> list[str]:
        return re.findall(f"{MARKER}(.*)\n", self.log_text())

    async def _has_started(self) -> bool:
        return bool((await self.instance())["started"])


class StockServers:
    """Stock maubot servers, each with the plugin of this checkout and an account of its own. Close them."""

    def __init__(self, homeservers: HomeserverPair, postgres: Postgres, folder: Path) -> None:
        self.plugin = build(ROOT, folder / "dist").read_bytes()
        self._homeservers = homeservers
        self._postgres = postgres
        self._folder = folder
        self._bots: list[InstalledBot] = []

    async def install(self, config: str = "", *, database: str = "sqlite") -> InstalledBot:
        """Start a server and run the plugin there, with these settings."""
        folder = self._folder / f"maubot-{len(self._bots)}"
        folder.mkdir()
        url = await self._postgres.fresh_database() if database == "postgres" else None
        server = MaubotServer(folder, plugin_database=url)
        environment = stock_environment(folder / "stock")
        server.process = Process(replace(server.process.command, environment=environment))
        account = await self._homeservers.old.register(unique("bot"))
        bot = InstalledBot(server=server, options=BotOptions(account=account, database_url=""))
        self._bots.append(bot)
        instance = await bot.install(self.plugin, config)
        assert instance["started"], bot.process.log_tail()
        assert instance["database_engine"] == database
        return bot

    async def close(self) -> None:
        """End them all."""
        for bot in self._bots:
            await bot.server.close()
