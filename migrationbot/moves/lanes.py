# SPDX-License-Identifier: AGPL-3.0-or-later
"""How many rooms of one migration are worked on side by side, and which come first."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from heapq import heappop, heappush

_Queue = list[tuple[int, int, asyncio.Future[None]]]


class Lanes:
    """A few lanes for each migration; of those who wait, the one with the lowest rank goes first."""

    def __init__(self, size: Callable[[], int]) -> None:
        """`size` gives how many lanes a migration has at this moment."""
        self._size = size
        self._busy: Counter[int] = Counter()
        self._queues: dict[int, _Queue] = defaultdict(list)
        self._count = 0  # keeps those of the same rank in the order in which they came

    @asynccontextmanager
    async def lane(self, number: int, rank: int) -> AsyncIterator[None]:
        """Have a lane of that migration, as soon as one is free."""
        await self._enter(number, rank)
        try:
            yield
        finally:
            self._busy[number] -= 1
            self._let_in(number)

    async def _enter(self, number: int, rank: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heappush(self._queues[number], (rank, self._count, turn))
        self._let_in(number)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._busy[number] -= 1
                self._let_in(number)
            raise

    def _let_in(self, number: int) -> None:
        queue = self._queues[number]
        while queue and self._busy[number] < self._size():
            _, _, turn = heappop(queue)
            if not turn.done():
                self._busy[number] += 1
                turn.set_result(None)
        if not queue and not self._busy[number]:
            del self._queues[number], self._busy[number]
