# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether the bot is well: does it hear its homeserver, and does its database answer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from migrationbot.store.census import Census, Counting
from migrationbot.store.database import StoreDown

_DATABASE_PATIENCE = 5.0  # seconds
_DEAF_AFTER = 120.0  # seconds: mautrix asks for a sync that lasts 30 at most


@dataclass(frozen=True, kw_only=True)
class State:
    """How the bot is at one moment."""

    since_sync: float | None  # seconds since the last sync; None when there was none yet
    census: Census | None  # None when the database does not answer
    hears: bool  # whether the last sync, or the start, was not long ago

    @property
    def ok(self) -> bool:
        """Whether all is well."""
        return self.hears and self.census is not None


class Health:
    """Takes the pulse."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        self._started = time.monotonic()
        self._synced: float | None = None
        self._asking: asyncio.Task[Census] | None = None

    def synced(self) -> None:
        """A sync has come."""
        self._synced = time.monotonic()

    async def now(self) -> State:
        """How the bot is; asks the database, and waits for it no longer than a few seconds."""
        now = time.monotonic()
        return State(
            since_sync=None if self._synced is None else now - self._synced,
            census=await self._census(),
            hears=now - (self._started if self._synced is None else self._synced) < _DEAF_AFTER,
        )

    async def stop(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _census(self) -> Census | None:
        """One question at a time: a database that hangs must not pile them up."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._counting.now())
            self._asking.add_done_callback(_noted)
        try:
            return await asyncio.wait_for(asyncio.shield(self._asking), _DATABASE_PATIENCE)
        except (StoreDown, TimeoutError):
            return None


def _noted(asked: asyncio.Task[Census]) -> None:
    """Nobody may be there any more to hear that it failed."""
    if not asked.cancelled():
        asked.exception()
