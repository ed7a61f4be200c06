# SPDX-License-Identifier: AGPL-3.0-or-later
"""The reference migration, with one fault in it, and what it must come to all the same.

The room hides its history from newcomers, so the bot opens it and puts it back. Alice asks, Carol agrees, the
new account joins and confirms; each does their part as soon as they see that it is their turn, however late.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg

from scripts.run import ROOT
from tests.support import match
from tests.support.api import JsonObject
from tests.support.bot import BotOptions, BotProcess
from tests.support.homeserver import HomeserverPair
from tests.support.invariants import broken
from tests.support.person import Person, unique
from tests.support.processes import POLL, Process
from tests.support.proxy import Case, Fault, FaultProxy, Tap
from tests.support.scene import YES, RoomOptions, Scene, usual_room

LAUNCH = Path(__file__).resolve().with_name("launch.py")

# The longest that the bot may take to stop, in seconds.
STOPS_WITHIN = 5.0

# How often a case is tried whose request does not come: how often the bot looks depends a little on when it
# hears of what.
_TRIES = 3

# For how long each waits for what comes next: on a busy machine, and a bot that is killed all the time, in
# seconds.
_PATIENCE = 90

# How often the database is looked at before a migration counts as never ended.
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
        if not self._running.is_set():
            return
        self._running.clear()
        self.deaths += 1
        if fault is not Fault.STOPPED:
            os.kill(self.bot.process.pid, signal.SIGKILL)
        self._restarts.put_nowait(fault)

    async def up(self) -> None:
        """Return when the bot runs. Raises what went wrong while it was stopped or started."""
        running = asyncio.ensure_future(self._running.wait())
        await asyncio.wait((running, self._task), return_when=asyncio.FIRST_COMPLETED)
        running.cancel()
        if self._task.done():
            self._task.result()

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
            await self.bot.start()
            self._running.set()


@asynccontextmanager
async def lane(
    homeservers: HomeserverPair, folder: Path, database_url: str, *, plugin_folder: Path = ROOT
) -> AsyncIterator[Lane]:
    """A fresh bot behind a proxy. At the end its log must hold nothing that was not foreseen."""
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


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one case went."""

    case: Case | None
    fired: bool  # whether the request came at all
    wrong: tuple[str, ...]  # sentences; empty when all is well
    requests: tuple[tuple[str, int], ...]  # what the bot asked for


async def insist(where: Lane, case: Case) -> Result:
    """The case, tried again while its request does not come."""
    result = await try_case(where, case)
    for _ in range(_TRIES - 1):
        if result.fired or result.wrong:
            break
        result = await try_case(where, case)
    return result


async def try_case(where: Lane, case: Case | None) -> Result:
    """A whole migration in a fresh room, with this fault in it."""
    await where.up()
    logged = len(where.bot.log_text())
    async with usual_room(where.homeservers, where.bot, RoomOptions(visibility="joined")) as scene:
        await scene.carol.wait_for(
            scene.room, match.of_type("m.room.message", sender=where.bot.user_id), "the bot's greeting"
        )
        tap = Tap(scene.room, scene.new.user_id, case=case)
        where.proxy.tap(tap)
        try:
            wrong = await carry_through(where, scene)
        finally:
            where.proxy.untap(tap)
    wrong += unforeseen(where.bot.log_text()[logged:])
    wrong += (f"sooner than a 429 had told: {label}" for label in where.proxy.too_early)
    where.proxy.too_early.clear()
    return Result(case=case, fired=tap.fired, wrong=tuple(wrong), requests=tuple(tap.requests))


async def carry_through(where: Lane, scene: Scene) -> list[str]:
    """The whole of it in this room; what is wrong in the end."""
    try:
        await _ask(scene)
        await _answer(scene)
        await _over(where, scene)
    except AssertionError as failure:
        return [str(failure), *await broken(scene)]
    return await broken(scene)


async def _ask(scene: Scene) -> None:
    scene.command = await scene.command_is(scene.new.user_id)
    scene.card = (await _sees(scene, scene.carol, "request"))["event_id"]


async def _answer(scene: Scene) -> None:
    await scene.approve(scene.carol)
    is_invite = match.membership(scene.new.user_id, "invite")
    await scene.carol.wait_for(scene.room, is_invite, "the invite", seconds=_PATIENCE)
    await scene.enter()
    await scene.new.react(scene.room, (await _sees(scene, scene.new, "confirm"))["event_id"], YES)
    await _sees(scene, scene.carol, "summary")
    is_final = match.card("request", state="done")
    await scene.carol.wait_for(scene.room, is_final, "the final state of the card", seconds=_PATIENCE)


async def _sees(scene: Scene, person: Person, kind: str) -> JsonObject:
    """The first card of that kind, once this person was sent it, however late."""
    return await person.wait_for(scene.room, match.card(kind), f"the {kind} card", seconds=_PATIENCE)


async def _over(where: Lane, scene: Scene) -> None:
    """Return once the bot has written down that it is done with this room."""
    for _ in range(_LOOKS):
        await where.up()
        if not await where.open_moves(scene.room):
            return
        await asyncio.sleep(POLL)
    raise AssertionError(f"the database still holds an open migration of {scene.room}")
