# SPDX-License-Identifier: AGPL-3.0-or-later
"""The whole plugin on a database in memory, with a homeserver that answers whatever a test wants."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast
from urllib.parse import unquote

from mautrix.api import HTTPAPI
from mautrix.client import Client, InternalEventType
from mautrix.types import UserID
from mautrix.util.async_db import Database
from mautrix.util.config import RecursiveDict
from ruamel.yaml.comments import CommentedMap
from yarl import URL

from migrationbot.bot import MigrationBot
from migrationbot.config import Config
from migrationbot.store.schema import upgrades
from tests.core.worlds import BOT, ROOM

Answer: TypeAlias = tuple[int, object]  # an HTTP status and what the body holds, as JSON
Answers: TypeAlias = Callable[[list[str]], Answer]  # by the parts of the path after /_matrix/client/v…


_LOOKS = 200


class Complaints(logging.Handler):
    """What was logged that nobody had foreseen."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(self.format(record))


class _Response:
    """As much of aiohttp's as the bot looks at."""

    def __init__(self, answer: Answer) -> None:
        self.status, body = answer
        self.headers: dict[str, str] = {}
        self._text = json.dumps(body).encode()

    async def read(self) -> bytes:
        return self._text


@dataclass
class FakeSession:
    """The connections to the homeserver."""

    answers: Answers
    writes: list[str] = field(default_factory=list)  # what was asked for but reads: `PUT send/m.room.message`

    @asynccontextmanager
    async def request(self, method: str, url: URL, **_: object) -> AsyncIterator[_Response]:
        parts = [unquote(part) for part in url.raw_path.split("/")[4:]]
        await asyncio.sleep(0)
        if method == "GET":
            yield _Response(self.answers(parts))
            return
        self.writes.append(f"{method} {'/'.join(parts[2:4] if parts[0] == 'rooms' else parts[:1])}")
        yield _Response((200, {"event_id": f"$sent{len(self.writes)}"}))


class RunningBot:
    """The plugin, started."""

    def __init__(self, client: Client, plugin: MigrationBot, session: FakeSession) -> None:
        self._client = client
        self._plugin = plugin
        self._session = session
        self._syncs = 0

    @property
    def writes(self) -> list[str]:
        """What it has asked the homeserver to change."""
        return self._session.writes

    async def hear(self, *raw: object) -> None:
        """Be handed these events of the room in one sync."""
        self._syncs += 1
        timeline = {"events": list(raw)}
        await self.sync({"next_batch": f"s{self._syncs}", "rooms": {"join": {ROOM: {"timeline": timeline}}}})

    async def sync(self, answer: Mapping[str, Any]) -> None:
        """Be told of a sync as mautrix does it, which gives up where it does not understand something."""
        handlers = self._client.dispatch_manual_event(
            InternalEventType.SYNC_SUCCESSFUL, {"data": answer}, force_synchronous=True
        )
        await asyncio.gather(*handlers)
        with suppress(Exception):
            await asyncio.gather(*self._client.handle_sync(cast(Any, deepcopy(answer))))

    async def quiet(self) -> None:
        """Return when nothing is under way any more, or only waits to try again."""
        house = self._plugin._house
        for _ in range(_LOOKS):
            await asyncio.sleep(0.001)
            if house._errands.idle and not house._with.runner._tasks:
                return


@asynccontextmanager
async def running_bot(answers: Answers) -> AsyncIterator[RunningBot]:
    """A fresh one with empty tables; it is stopped at the end."""
    database = Database.create("sqlite::memory:", upgrade_table=upgrades)
    await database.start()
    session = FakeSession(answers)
    api = HTTPAPI("http://fake", "token", client_session=cast(Any, session))
    client = Client(UserID(BOT), api=api)
    nothing = cast(Any, None)
    config = Config(CommentedMap, lambda: RecursiveDict(CommentedMap(), CommentedMap), lambda _: None)
    plugin = MigrationBot(
        client=cast(Any, client),
        loop=asyncio.get_running_loop(),
        http=nothing,
        instance_id="fuzzed",
        log=cast(Any, logging.getLogger("fuzzed")),
        config=config,
        database=database,
        webapp=nothing,
        webapp_url=nothing,
        loader=nothing,
    )
    try:
        await plugin.pre_start()
        await plugin.start()
        yield RunningBot(client, plugin, session)
    finally:
        await plugin.stop()
        await database.stop()
