# SPDX-License-Identifier: AGPL-3.0-or-later
"""Work that goes on in the background: begun, insisted on, and awaited when the bot stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from logging import Logger
from typing import Any

from migrationbot.matrix.errors import HomeserverError, Limited, Stopping, Unavailable
from migrationbot.matrix.sealing import NoEncryption
from migrationbot.store.database import StoreDown

_PAUSE = 5.0  # seconds between tries, while the homeserver or the database is down


class Errands:
    """Owns every task that it begins."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving = asyncio.Event()

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._tasks

    def leave(self) -> None:
        """Try nothing again."""
        self._leaving.set()

    async def settle(self) -> None:
        """Wait for what is under way."""
        while self._tasks:  # one may begin another
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def see_to(self, work: Callable[[], Coroutine[Any, Any, None]], *, tries: int = 1) -> None:
        """Do the work in the background, insisting on it."""
        self.begin(self.insist(work, tries=tries))

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do the work in the background."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def insist(self, work: Callable[[], Coroutine[Any, Any, None]], *, tries: int = 1) -> None:
        """Do the work; again after a pause while something that it needs is down.

        What is refused is tried so often in all, with growing pauses, and then let go.
        """
        refusals = 0
        while not self._leaving.is_set():
            try:
                await work()
                return
            except Stopping:
                return
            except (HomeserverError, NoEncryption) as error:
                self._log.warning("can't do what is needed: %r", error)
                refusals += 1
                if refusals >= tries:
                    return
                pause = _PAUSE * 2**refusals
            except Limited as limited:
                pause = limited.retry_after
            except (Unavailable, StoreDown) as error:
                self._log.warning("%s, trying again", type(error).__name__)
                pause = _PAUSE
            except Exception:
                # The edge where an event handler begins: nothing may be lost without a trace.
                self._log.exception("a message could not be handled")
                return
            await self._sleep(pause)

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._leaving.wait(), seconds)
        except TimeoutError:
            return
