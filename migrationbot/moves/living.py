# SPDX-License-Identifier: AGPL-3.0-or-later
"""Messages that are edited while something changes: each at most once in ten seconds.

The record of the step holds all that is needed after a restart: its event is the message that is edited, its
base says what the last version said, and its time when that was written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from logging import Logger

from migrationbot.core.steps import Step
from migrationbot.matrix.errors import Forbidden, HomeserverError, Limited, Stopping, Unavailable
from migrationbot.matrix.sealing import NoEncryption
from migrationbot.moves.steps import Clock
from migrationbot.store.database import StoreDown

_PAUSE = 10.0  # seconds, when it could not be written
Refresh = Callable[[], Awaitable[int | None]]  # gives when to come back, in milliseconds, if it is too soon
Topic = tuple[int, str, Step]  # the migration's number, a room ID or '', and what the message is


class Living:
    """Has such messages written anew after each change, the last one too. Owns every task that it starts."""

    def __init__(self, now: Clock, log: Logger) -> None:
        self._now = now
        self._log = log
        self._tasks: dict[Topic, asyncio.Task[None]] = {}
        self._again: set[Topic] = set()
        self._stopping = asyncio.Event()

    def changed(self, topic: Topic, refresh: Refresh, *, calm: float = 1.0) -> None:
        """Something that the message tells has changed: write it anew, once `calm` seconds have passed."""
        if self._stopping.is_set():
            return
        self._again.add(topic)
        if topic not in self._tasks:
            work = self._follow(topic, refresh, calm)
            self._tasks[topic] = asyncio.get_running_loop().create_task(work)

    async def stop(self) -> None:
        """Write nothing more."""
        self._stopping.set()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _follow(self, topic: Topic, refresh: Refresh, calm: float) -> None:
        try:
            pause: float | None = calm
            while pause is not None and not await self._stopped(pause):
                self._again.discard(topic)
                pause = await self._guarded(topic, refresh)
                if pause is None and topic in self._again:
                    pause = calm
        finally:
            self._again.discard(topic)
            del self._tasks[topic]

    async def _guarded(self, topic: Topic, refresh: Refresh) -> float | None:
        """Refresh it; gives the seconds after which to try again."""
        try:
            again = await refresh()
        except Stopping:
            return None
        except Limited as limited:
            return limited.retry_after
        except (Forbidden, NoEncryption):
            return None  # the next change tries again
        except (HomeserverError, Unavailable, StoreDown) as error:
            self._log.warning("migration %d: %s, not shown yet", topic[0], type(error).__name__)
            return _PAUSE
        except Exception:
            self._log.exception("migration %d: could not be shown", topic[0])
            return None
        return None if again is None else max(0, again - self._now()) / 1000

    async def _stopped(self, seconds: float) -> bool:
        """Wait; gives whether the plugin was stopped meanwhile."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True
