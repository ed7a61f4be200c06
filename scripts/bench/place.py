# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where it is measured: two homeservers, and a bot with a meter before it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.bench.meter import Meter
from tests.support.bot import BotOptions, BotProcess
from tests.support.homeserver import HomeserverPair, homeserver_pair
from tests.support.person import unique
from tests.support.synapse_config import ServerOptions


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How a place differs from the usual one."""

    old: ServerOptions = field(default_factory=ServerOptions)
    new: ServerOptions = field(default_factory=ServerOptions)
    settings: Mapping[str, Any] = field(default_factory=dict)  # the bot's
    started: bool = True  # whether the bot is
    metered: bool = True  # whether the meter stands before it: that slows it down a little


@dataclass(frozen=True, kw_only=True)
class Place:
    """Everything runs. The bot is on the old homeserver, with the SQLite that it has by default."""

    homeservers: HomeserverPair
    meter: Meter
    bot: BotProcess


@asynccontextmanager
async def place(
    wanted: Wanted | None = None, homeservers: HomeserverPair | None = None
) -> AsyncIterator[Place]:
    """A place in a temporary folder, unless the homeservers are there already; nothing is left of it."""
    wanted = wanted or Wanted()
    with tempfile.TemporaryDirectory(prefix="migrationbot-bench-") as name:
        folder = Path(name)
        running = (
            homeserver_pair(folder, wanted.old, wanted.new)
            if homeservers is None
            else nullcontext(homeservers)
        )
        async with running as pair, _meter(pair) as meter:
            options = BotOptions(
                account=await pair.old.register(unique("bot")),
                database_url=f"sqlite:{folder / 'bot' / 'bot.db'}",
                homeserver_url=meter.url if wanted.metered else None,
                plugin_config=wanted.settings,
            )
            bot = BotProcess(folder / "bot", options)
            try:
                if wanted.started:
                    await bot.start()
                yield Place(homeservers=pair, meter=meter, bot=bot)
            finally:
                await bot.kill()


@asynccontextmanager
async def _meter(pair: HomeserverPair) -> AsyncIterator[Meter]:
    meter = Meter(pair.old.url)
    await meter.start()
    try:
        yield meter
    finally:
        await meter.close()
