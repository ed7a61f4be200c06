# SPDX-License-Identifier: AGPL-3.0-or-later
"""A few rooms of a migration at a time, in their order."""

from __future__ import annotations

import asyncio

from migrationbot.moves.lanes import Lanes


class Work:
    """Rooms that work until they are told to end."""

    def __init__(self, size: int) -> None:
        self.lanes = Lanes(lambda: size)
        self.began: list[tuple[int, int]] = []
        self.ends: dict[tuple[int, int], asyncio.Event] = {}

    def start(self, number: int, rank: int) -> asyncio.Task[None]:
        return asyncio.ensure_future(self._run(number, rank))

    async def _run(self, number: int, rank: int) -> None:
        async with self.lanes.lane(number, rank):
            self.began.append((number, rank))
            self.ends[number, rank] = asyncio.Event()
            await self.ends[number, rank].wait()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_first_in_order_goes_first_whoever_came_first() -> None:
    work = Work(2)
    tasks = [work.start(1, rank) for rank in (0, 5, 3, 4)]
    await settle()
    assert work.began == [(1, 0), (1, 5)]
    work.ends[1, 0].set()
    await settle()
    assert work.began[2:] == [(1, 3)]
    for rank in (5, 3):
        work.ends[1, rank].set()
    await settle()
    work.ends[1, 4].set()
    await asyncio.gather(*tasks)
    assert work.began[3:] == [(1, 4)]


async def test_one_migration_does_not_wait_for_another() -> None:
    work = Work(1)
    tasks = [work.start(number, 0) for number in (1, 2)]
    await settle()
    assert work.began == [(1, 0), (2, 0)]
    for end in work.ends.values():
        end.set()
    await asyncio.gather(*tasks)


async def test_who_gives_up_waiting_takes_no_lane() -> None:
    work = Work(1)
    first, second, third = (work.start(1, rank) for rank in range(3))
    await settle()
    second.cancel()
    work.ends[1, 0].set()
    await settle()
    assert work.began == [(1, 0), (1, 2)]
    work.ends[1, 2].set()
    await asyncio.gather(first, third)
