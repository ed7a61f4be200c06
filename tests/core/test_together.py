# SPDX-License-Identifier: AGPL-3.0-or-later
"""The same question, asked by several: how many requests that takes, and how fresh each answer is."""

from __future__ import annotations

import asyncio

import pytest

from migrationbot.matrix.together import Together


class Slow:
    """A homeserver of which each answer is let out by hand: it says how many requests had been begun."""

    def __init__(self) -> None:
        self.begun = 0
        self._begins = asyncio.Condition()
        self._may_answer = asyncio.Semaphore(0)

    async def request(self) -> int:
        async with self._begins:
            self.begun += 1
            number = self.begun
            self._begins.notify_all()
        await self._may_answer.acquire()
        return number

    async def has_begun(self, count: int) -> None:
        async with self._begins:
            await self._begins.wait_for(lambda: self.begun >= count)

    def answer(self, count: int = 1) -> None:
        for _ in range(count):
            self._may_answer.release()


async def test_who_ask_at_once_share_one_request() -> None:
    together, slow = Together[int](), Slow()
    asked = [asyncio.create_task(together.ask("card", slow.request)) for _ in range(5)]
    await slow.has_begun(1)
    slow.answer()
    assert await asyncio.gather(*asked) == [1] * 5


async def test_who_asks_while_a_request_is_under_way_gets_the_answer_to_a_later_one() -> None:
    together, slow = Together[int](), Slow()
    first = asyncio.create_task(together.ask("card", slow.request))
    await slow.has_begun(1)
    late = [asyncio.create_task(together.ask("card", slow.request)) for _ in range(3)]
    slow.answer(2)
    assert await first == 1
    assert await asyncio.gather(*late) == [2] * 3


async def test_different_questions_do_not_wait_for_each_other() -> None:
    together, slow, other = Together[int](), Slow(), Slow()
    waiting = asyncio.create_task(together.ask("card", slow.request))
    await slow.has_begun(1)
    other.answer()
    assert await together.ask("levels", other.request) == 1
    slow.answer()
    assert await waiting == 1


async def test_what_fails_fails_for_all_and_the_next_question_is_asked_anew() -> None:
    together = Together[int]()

    async def fail() -> int:
        raise LookupError

    async def succeed() -> int:
        return 7

    failed = await asyncio.gather(*(together.ask("card", fail) for _ in range(2)), return_exceptions=True)
    assert [type(each) for each in failed] == [LookupError] * 2
    assert await together.ask("card", succeed) == 7


async def test_who_gives_up_does_not_take_the_answer_from_others() -> None:
    together, slow = Together[int](), Slow()
    hasty, patient = (asyncio.create_task(together.ask("card", slow.request)) for _ in range(2))
    await slow.has_begun(1)
    hasty.cancel()
    slow.answer()
    assert await patient == 1
    with pytest.raises(asyncio.CancelledError):
        await hasty
