# SPDX-License-Identifier: AGPL-3.0-or-later
"""The same question asked by several at once: one request for all, begun after each of them has asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

_Answer = TypeVar("_Answer")


class Together(Generic[_Answer]):
    """Answers each question by a request that was begun after it: who asks while one is under way waits.

    What decides about a room must be what the homeserver answers now, and rooms that move together all
    depend on the same few cards.
    """

    def __init__(self) -> None:
        self._next: dict[Hashable, asyncio.Task[_Answer]] = {}  # not begun yet
        self._under_way: dict[Hashable, asyncio.Task[_Answer]] = {}

    async def ask(
        self, question: Hashable, request: Callable[[], Awaitable[_Answer]], *, pause: float = 0.0
    ) -> _Answer:
        """The answer, or what `request` raises. It is begun after so many seconds, for others to join in."""
        task = self._next.get(question)
        if task is None:
            before = self._under_way.get(question)
            task = asyncio.create_task(self._answer(question, request, before, pause))
            self._next[question] = task
        return await asyncio.shield(task)

    async def _answer(
        self,
        question: Hashable,
        request: Callable[[], Awaitable[_Answer]],
        before: asyncio.Task[_Answer] | None,
        pause: float,
    ) -> _Answer:
        if before is not None:
            await asyncio.wait((before,))
        if pause:
            await asyncio.sleep(pause)
        task = self._under_way[question] = self._next.pop(question)
        try:
            return await request()
        finally:
            if self._under_way.get(question) is task:
                del self._under_way[question]
