# SPDX-License-Identifier: AGPL-3.0-or-later
"""Follows a room, and what follows it, while things happen there, and writes each of them down at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Protocol

from scripts.demo.paper import Paper, Style
from scripts.demo.teller import Entry, Place, Teller
from tests.support.api import JsonObject
from tests.support.timeline import LONG_POLL

_CLOCK_WIDTH = len("00:00:00  ")

ELSEWHERE = "» "  # stands before what happens in the room that follows


class Sight(Protocol):
    """What one client is sent. Nobody else's: waiting for something moves it on."""

    @property
    def events(self) -> Sequence[JsonObject]:
        """Everything so far, each with its `room_id`."""

    async def sync(self, *, seconds: float = 0) -> None:
        """Wait up to `seconds` for more."""


class Live:
    """What one member sees of a room from now on: on paper, and in `entries`."""

    def __init__(self, paper: Paper, sight: Sight, room: str, teller: Teller) -> None:
        self.entries: list[Entry] = []
        self.rooms = [room]  # in the order in which one follows the other by an upgrade
        self._paper = paper
        self._teller = teller
        self._names = 0  # the width of the column of names
        self._sight = sight
        self._seen = 0

    @asynccontextmanager
    async def following(self, *names: str) -> AsyncIterator[None]:
        """Write down what happens inside; of what was before, only the state is noted."""
        self._names = max(map(len, names)) + 2
        await self._sight.sync()
        for event in self._new_events():
            self._teller.tell(event)
        task = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._sight.sync()
        self._write()

    async def _follow(self) -> None:
        while True:
            await self._sight.sync(seconds=LONG_POLL)
            self._write()

    def _write(self) -> None:
        for event in self._new_events():
            entry = self._teller.tell(event)
            if entry is not None:
                self.entries.append(entry)
                self._write_down(entry)

    def _new_events(self) -> list[JsonObject]:
        new = self._sight.events[self._seen :]
        self._seen += len(new)
        return [event for event in new if self._is_here(event)]

    def _is_here(self, event: JsonObject) -> bool:
        """Whether it is in one of the rooms; the first event of a room says what it follows."""
        if event["type"] == "m.room.create":
            follows = event["content"].get("predecessor", {}).get("room_id")
            if follows in self.rooms:
                self.rooms.append(event["room_id"])
        return event["room_id"] in self.rooms

    def _write_down(self, entry: Entry) -> None:
        name = self._teller.name(entry.event["sender"])
        margin = (
            (clock(entry.event), _CLOCK_WIDTH, Style.ASIDE),
            (name, self._names, Style.NAME),
        )
        aside = entry.place in (Place.CHANGE, Place.REACTION)
        style = Style.ASIDE if aside else Style.PLAIN
        where = "" if entry.event["room_id"] == self.rooms[0] else ELSEWHERE
        self._paper.beside(margin, entry.text, bar=where + entry.place.value, style=style)


def clock(event: JsonObject) -> str:
    """When it was sent, as its sender's server says; UTC, as on the cards."""
    return datetime.fromtimestamp(event["origin_server_ts"] / 1000, UTC).strftime("%H:%M:%S")
