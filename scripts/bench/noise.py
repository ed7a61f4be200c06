# SPDX-License-Identifier: AGPL-3.0-or-later
"""Noise: what an event costs that is none of the bot's business."""

from __future__ import annotations

import asyncio
import gc
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, cast

from aiohttp import ClientSession
from mautrix.api import HTTPAPI
from mautrix.client import Client
from mautrix.types import Event, UserID
from mautrix.util.async_db.aiosqlite import SQLiteDatabase
from mautrix.util.config import RecursiveDict
from ruamel.yaml.comments import CommentedMap
from yarl import URL

from migrationbot.bot import MigrationBot
from migrationbot.config import Config
from migrationbot.core.history import Reading, Visibility
from migrationbot.core.move import Migration, Plan
from migrationbot.core.ways import Way
from migrationbot.store.database import Transactions
from migrationbot.store.migrations import Migrations
from migrationbot.store.schema import upgrades
from scripts.bench.figures import Figure

NAME = "Noise"
_EVENTS = 10_000
_OPEN = 50  # migrations, in some of the rooms
_ROOMS = 100
_ROUNDS = 5  # of all events; the median counts
_TARGET = 30  # microseconds
_LOOK = 0.02  # seconds between two looks whether the bot has come to rest
_STILL = 10  # looks in a row without any I/O: it has

_BOT = UserID("@bot:example.org")


class Mute:
    """A network on which nothing is ever answered, and that counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def request(self, *_: object, **__: object) -> Mute:
        """As aiohttp's session has it."""
        self.asked += 1
        return self

    async def __aenter__(self) -> None:
        await asyncio.Event().wait()

    async def __aexit__(self, *_: object) -> None:
        """Nothing was opened."""


class Counted(SQLiteDatabase):
    """A database that counts how often it is used."""

    used = 0

    def acquire_direct(self) -> AbstractAsyncContextManager[Any]:
        """A connection."""
        self.used += 1
        return super().acquire_direct()


@dataclass(frozen=True, kw_only=True)
class House:
    """The bot without a homeserver."""

    client: Client
    network: Mute
    database: Counted

    @property
    def used(self) -> int:
        """How often it asked the network or the database for something."""
        return self.network.asked + self.database.used


async def noise(count: int = _EVENTS, rounds: int = _ROUNDS) -> list[Figure]:
    """The time that an event takes in the bot's handlers, and what it asks for meanwhile."""
    events = [_event(number) for number in range(count)]
    async with _house() as house:
        before = house.used
        took = [await _round(house.client, events) for _ in range(rounds)]
        used = house.used - before
    each = median(took) / count * 1_000_000
    return [
        Figure(benchmark=NAME, what=f"an event, of {count}", value=each, unit="µs", target=_TARGET),
        Figure(benchmark=NAME, what="requests and queries for all of them", value=used, target=0),
    ]


async def _round(client: Client, events: Sequence[Event]) -> float:
    """Seconds for all of them, one after the other; tasks that they begin count as well."""
    gc.collect()
    began = time.perf_counter()
    for event in events:
        for handler in client.event_handlers[event.type]:
            await handler(event)
    await asyncio.sleep(0)
    return time.perf_counter() - began


@asynccontextmanager
async def _house() -> AsyncIterator[House]:
    """The running bot, with open migrations, at rest: each waits for an answer of the homeserver."""
    network = Mute()
    client = Client(
        mxid=_BOT,
        api=HTTPAPI("http://homeserver.invalid", "token", client_session=cast(ClientSession, network)),
    )
    with tempfile.TemporaryDirectory(prefix="migrationbot-bench-") as folder:
        database = Counted(URL(f"sqlite:{Path(folder) / 'bot.db'}"), upgrades)
        await database.start()
        bot = _bot(client, database)
        house = House(client=client, network=network, database=database)
        try:
            await _begin_migrations(database)
            await bot.pre_start()
            await bot.start()
            await _at_rest(house)
            yield house
            await bot.stop()
        finally:
            await database.stop()


def _bot(client: Client, database: Counted) -> MigrationBot:
    log = logging.getLogger("bench")
    log.setLevel(logging.ERROR)
    return MigrationBot(
        client=cast(Any, client),
        loop=asyncio.get_running_loop(),
        http=cast(Any, None),
        instance_id="bench",
        log=cast(Any, log),
        config=Config(CommentedMap, lambda: RecursiveDict(CommentedMap(), CommentedMap), lambda _: None),
        database=database,
        webapp=None,
        webapp_url=None,
        loader=cast(Any, None),
    )


async def _begin_migrations(database: Counted) -> None:
    store = Migrations(Transactions(database), bot=_BOT)
    plan = Plan(
        level=50,
        old_level=50,
        way=Way.INVITE,
        open_from=None,
        visibility=Visibility.SHARED,
        reading=Reading.SINCE_SETTING,
    )
    now = int(time.time() * 1000)
    for number in range(_OPEN):
        asked = Migration(
            number=0,
            requester="@alice:example.org",
            old="@alice:example.org",
            new="@alice:example.net",
            home_room=_room(number),
            command_event=f"$command-{number}",
            thread_root=f"$command-{number}",
            created_at=now,
            expires_at=now + 3_600_000,
        )
        await store.begin(asked, {asked.home_room: plan})


async def _at_rest(house: House) -> None:
    still, used = 0, -1
    while still < _STILL or house.network.asked < _OPEN:
        still, used = (still + 1, used) if house.used == used else (0, house.used)
        await asyncio.sleep(_LOOK)


def _event(number: int) -> Event:
    """A message or a reaction, as the client hands them out."""
    common: dict[str, Any] = {
        "room_id": _room(number % _ROOMS),
        "event_id": f"$event-{number}",
        "sender": f"@member-{number % 17}:example.org",
        "origin_server_ts": number,
    }
    if number % 2:
        relation = {"rel_type": "m.annotation", "event_id": f"$event-{number - 1}", "key": "✅"}
        return _read({**common, "type": "m.reaction", "content": {"m.relates_to": relation}})
    text = ("Thursday at seven again?", "!weather tomorrow", "It is my turn to cook. " * 40)[number % 3]
    return _read({**common, "type": "m.room.message", "content": {"msgtype": "m.text", "body": text}})


def _read(raw: dict[str, Any]) -> Event:
    return cast(Event, Event.deserialize(raw))


def _room(number: int) -> str:
    return f"!room-{number}:example.org"
