# SPDX-License-Identifier: AGPL-3.0-or-later
"""A bot with short waits behind a proxy, which is started again whenever something ended it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg

from scripts.run import ROOT
from tests.support.bot import BotOptions, BotProcess
from tests.support.fault import Fault
from tests.support.homeserver import HomeserverPair
from tests.support.person import unique
from tests.support.processes import POLL, Process
from tests.support.proxy import FaultProxy

LAUNCH = Path(__file__).resolve().with_name("launch.py")

# The longest that the bot may take to stop, in seconds.
STOPS_WITHIN = 5.0

# How often is looked before something counts as never happening.
_LOOKS = 1000

# What asyncio, and the bot's own last resort, write when something was not foreseen.
_BAD_WORDS = (" ERROR ", "Traceback", "Task was destroyed", "never retrieved", "was never awaited")


class ShortWaits(BotProcess):
    """A bot that waits for less long; see launch.py."""

    def __init__(self, folder: Path, options: BotOptions) -> None:
        super().__init__(folder, options)
        python, _, *rest = self.process.command.argv
        self.process = Process(replace(self.process.command, argv=(python, str(LAUNCH), *rest)))


class Lane:
    """A bot behind a proxy; whenever a fault ended it, it is started again."""

    def __init__(self, homeservers: HomeserverPair, proxy: FaultProxy, bot: BotProcess) -> None:
        self.homeservers = homeservers
        self.proxy = proxy
        self.bot = bot
        self.deaths = 0
        self._running = asyncio.Event()
        self._running.set()
        self._restarts: asyncio.Queue[Fault] = asyncio.Queue()
        self._task = asyncio.ensure_future(self._start_again())
        proxy.end_bot = self.end_bot

    def end_bot(self, fault: Fault) -> None:
        """Kill it before anything else can happen, or have it stopped; it is started again."""
        if not self.bot.process.running:
            return
        self._running.clear()
        self.deaths += 1
        if fault is not Fault.STOPPED:
            os.kill(self.bot.process.pid, signal.SIGKILL)
        self._restarts.put_nowait(fault)

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """It is down meanwhile; afterwards it starts."""
        self._running.clear()
        await self.bot.kill()
        yield
        self._restarts.put_nowait(Fault.KILLED_BEFORE)

    async def up(self) -> None:
        """Return when the bot runs. Raises what went wrong while it was stopped or started."""
        running = asyncio.ensure_future(self._running.wait())
        await asyncio.wait((running, self._task), return_when=asyncio.FIRST_COMPLETED)
        running.cancel()
        if self._task.done():
            self._task.result()

    async def until(self, is_so: Callable[[], bool], sentence: str) -> None:
        """Return when it is so. Raises AssertionError when it does not become so."""
        for _ in range(_LOOKS):
            if is_so():
                return
            await asyncio.sleep(POLL)
        raise AssertionError(f"waited in vain for {sentence}\n{self.bot.process.log_tail()}")

    async def close(self) -> None:
        """End it for good."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.bot.kill()
        await self.proxy.close()

    async def open_moves(self, room_id: str) -> int:
        """How many migrations of this room the database holds as not ended."""
        query, url = (
            "SELECT count(*) FROM migration WHERE NOT ended AND home_room = ",
            self.bot.options.database_url,
        )
        if url.startswith("sqlite:"):
            with contextlib.closing(
                sqlite3.connect(f"file:{url.removeprefix('sqlite:')}?mode=ro", uri=True)
            ) as file:
                return int(file.execute(query + "?", (room_id,)).fetchone()[0])
        connection = await asyncpg.connect(url)
        try:
            return int(await connection.fetchval(query + "$1", room_id))
        finally:
            await connection.close()

    async def _start_again(self) -> None:
        while True:
            fault = await self._restarts.get()
            if fault is Fault.STOPPED:
                stopped = await self.bot.stop(seconds=STOPS_WITHIN)
                assert stopped.exit_code == 0, f"the bot ended with {stopped.exit_code}"
            await self.bot.kill()
            try:
                await self.bot.start()
            except AssertionError:
                if self._restarts.empty():
                    raise
            if self._restarts.empty():
                self._running.set()


@asynccontextmanager
async def lane(
    homeservers: HomeserverPair, folder: Path, database_url: str, *, plugin_folder: Path = ROOT
) -> AsyncIterator[Lane]:
    """A fresh bot behind a proxy; both are gone at the end."""
    proxy = FaultProxy(homeservers.old.url)
    await proxy.start()
    options = BotOptions(
        account=await homeservers.old.register(unique("bot")),
        database_url=database_url,
        homeserver_url=proxy.url,
        plugin_folder=plugin_folder,
    )
    made = Lane(homeservers, proxy, ShortWaits(folder, options))
    try:
        await made.bot.start()
        yield made
    finally:
        await made.close()


def unforeseen(log: str) -> list[str]:
    """The lines of a log that tell of something that nobody had thought of."""
    return [line for line in log.splitlines() if any(word in line for word in _BAD_WORDS)]
