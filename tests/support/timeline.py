# SPDX-License-Identifier: AGPL-3.0-or-later
"""What one account sees happen, in order, and waiting for the next thing in it.

Nothing runs in the background: whoever waits does the syncing. The sync token moves on only with events that
were recorded, so nothing is lost between arming a wait and awaiting it, nor when a wait is given up.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import aiohttp

from tests.support.api import JsonObject, MatrixApi, client_path

Predicate: TypeAlias = Callable[[JsonObject], bool]

# As long as anything on two loopback homeservers may take, in seconds.
PATIENCE = 20

# The longest single long poll, in seconds: arming waits for one that is under way.
LONG_POLL = 2

# The pause before a homeserver that is down is asked again, in seconds.
RETRY = 0.1

# Whole rooms of the tests fit into one answer, so that no timeline is limited.
FILTER = json.dumps(
    {
        "presence": {"types": []},
        "account_data": {"types": []},
        "room": {"timeline": {"limit": 1000}, "ephemeral": {"types": []}, "account_data": {"types": []}},
    }
)


class Timeline:
    """The events that an account was sent, each with its `room_id`; invites come as stripped state."""

    def __init__(self, user_id: str, api: MatrixApi) -> None:
        self.user_id = user_id
        self.events: list[JsonObject] = []
        self._api = api
        self._next_batch: str | None = None
        self._syncing = asyncio.Lock()

    async def sync(self, *, seconds: float = 0) -> None:
        """Record what happened since the last time; wait up to `seconds` when nothing did."""
        query = {"filter": FILTER, "timeout": str(int(seconds * 1000))}
        if self._next_batch is not None:
            query["since"] = self._next_batch
        answer = await self._api.get(client_path("sync"), query=query)
        self.events.extend(_events(answer))
        self._next_batch = answer["next_batch"]

    async def wait_for(
        self, room_id: str, predicate: Predicate, sentence: str, *, seconds: float = PATIENCE, since: int = 0
    ) -> JsonObject:
        """The first event of this room that fits, of those recorded from index `since` on and those to come.

        `sentence` names what is awaited, for the AssertionError after `seconds` without it.
        """
        deadline, position = time.monotonic() + seconds, since
        while True:
            for event in self.events[position:]:
                if event["room_id"] == room_id and predicate(event):
                    return event
            position = len(self.events)
            left = deadline - time.monotonic()
            assert left > 0, self._disappointment(room_id, sentence, seconds, since)
            await self.more(position, left)

    async def more(self, known: int, seconds: float) -> None:
        """Return when there may be more than `known` events; a homeserver that is down is waited for."""
        try:
            async with asyncio.timeout(seconds), self._syncing:
                if len(self.events) == known:
                    await self.sync(seconds=min(seconds, LONG_POLL))
        except TimeoutError:
            return
        except aiohttp.ClientError:
            await asyncio.sleep(min(seconds, RETRY))

    @asynccontextmanager
    async def expecting(
        self, room_id: str, predicate: Predicate, sentence: str, *, seconds: float = PATIENCE
    ) -> AsyncIterator[Awaitable[JsonObject]]:
        """Armed before the act: what it gives, when awaited, is the first fitting event sent after arming."""
        async with self._syncing:
            await self.sync()
        armed = len(self.events)
        yield _Later(lambda: self.wait_for(room_id, predicate, sentence, seconds=seconds, since=armed))

    def _disappointment(self, room_id: str, sentence: str, seconds: float, since: int) -> str:
        """What to say when the awaited event never came."""
        seen = [event for event in self.events[since:] if event["room_id"] == room_id]
        last = "\n".join(f"  {json.dumps(event, ensure_ascii=False)[:600]}" for event in seen[-5:])
        outcome = f"and last saw there:\n{last}" if seen else "and saw nothing there."
        return f"{self.user_id} waited {seconds:g} s for {sentence} in {room_id}, {outcome}"


class _Later:
    """An awaitable that begins when awaited, so that an expectation nobody awaits leaves nothing behind."""

    def __init__(self, begin: Callable[[], Awaitable[JsonObject]]) -> None:
        self._begin = begin

    def __await__(self) -> Generator[object, None, JsonObject]:
        return self._begin().__await__()


def _events(answer: JsonObject) -> Iterator[JsonObject]:
    """The events of a sync answer, room by room: state that the timeline does not show comes first."""
    rooms = answer.get("rooms", {})
    for room_id, room in {**rooms.get("leave", {}), **rooms.get("join", {})}.items():
        for event in (*room.get("state", {}).get("events", ()), *room.get("timeline", {}).get("events", ())):
            yield {**event, "room_id": room_id}
    for section, key in (("invite", "invite_state"), ("knock", "knock_state")):
        for room_id, room in rooms.get(section, {}).items():
            for event in room.get(key, {}).get("events", ()):
                yield {**event, "room_id": room_id}
