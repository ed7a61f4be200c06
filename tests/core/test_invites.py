# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms that invite the same account take turns, as its server lets them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import cast

import pytest

from migrationbot.core.decisions import Act, Decision, Wait
from migrationbot.core.move import RoomMove
from migrationbot.core.pacing import REFILL, Spending
from migrationbot.core.reasons import Reason
from migrationbot.core.steps import Step
from migrationbot.matrix.errors import Forbidden, InviteLimited, RemoteUnreachable
from migrationbot.moves.invites import Invites
from migrationbot.store.spendings import Spendings
from tests.core.worlds import HOUR, NEW, NOW, moving

INVITE = Act(step=Step.INVITE)
REFUSAL = RemoteUnreachable(502, "M_UNKNOWN")


@dataclass
class Book:
    """What the database knows."""

    spending: Spending = Spending()  # noqa: RUF009 - it is frozen
    slow: bool = False

    async def of(self, _account: str, *, now: int) -> Spending:
        assert now == NOW
        return self.spending

    async def refused(self, _account: str, *, now: int) -> None:
        self.spending = replace(self.spending, refused_at=now)

    def took(self, *at: int) -> None:
        self.spending = replace(self.spending, taken=(*self.spending.taken, *at))


def gate(*taken: int, refused_at: int | None = None) -> tuple[Invites, Book]:
    book = Book(Spending(taken=taken, refused_at=refused_at))
    return Invites(cast(Spendings, book), lambda: NOW), book


def room(number: int) -> RoomMove:
    return moving(room_id=f"!{number}:old.org")


async def ask(invites: Invites, number: int, decision: Decision = INVITE) -> Decision | None:
    return await invites.review(room(number), decision, number)


async def test_five_go_side_by_side_and_the_sixth_waits_to_see_them_land() -> None:
    invites, book = gate()
    assert [await ask(invites, number) for number in range(5)] == [INVITE] * 5
    sixth = asyncio.ensure_future(ask(invites, 5))
    await asyncio.sleep(0)
    assert not sixth.done()
    book.took(NOW)
    assert not await invites.landed(room(0), None)
    assert await sixth is None  # look again


async def test_one_alone_finds_out_whether_there_is_a_limit() -> None:
    invites, book = gate(*[NOW - 1] * 5)
    assert await ask(invites, 0) == INVITE
    assert await invites.landed(room(0), REFUSAL)
    assert book.spending.refused_at == NOW
    waits = [await ask(invites, number) for number in (2, 3, 1)]
    assert [wait.until - NOW for wait in waits if isinstance(wait, Wait)] == [
        REFILL - 1,
        2 * REFILL - 1,
        REFILL - 1,  # it comes before those that asked first
    ]
    assert {wait.reason for wait in waits if isinstance(wait, Wait)} == {Reason.INVITES_SPENT}


async def test_what_stands_in_the_way_of_other_invites_is_no_limit() -> None:
    invites, book = gate()
    assert await ask(invites, 0) == INVITE
    assert not await invites.landed(room(0), REFUSAL)
    assert book.spending.refused_at is None


async def test_a_room_that_no_longer_wants_one_is_not_waited_for() -> None:
    invites, _ = gate(*[NOW] * 5, refused_at=NOW)
    await ask(invites, 1)
    other = Act(step=Step.PROMOTE, level=100)
    assert await ask(invites, 1, other) == other
    second = await ask(invites, 2)
    assert isinstance(second, Wait)
    assert second.until == NOW + REFILL


async def test_it_is_known_when_the_last_one_will_be_sent() -> None:
    invites, _ = gate(*[NOW] * 5, refused_at=NOW)
    last = await invites.slow_until(NEW, 95)
    assert last is not None
    assert 8.7 * HOUR < last - NOW < 9 * HOUR
    assert await invites.slow_until(NEW, 0) is None
    free, _ = gate(*[NOW] * 5)
    assert await free.slow_until(NEW, 95) is None


@dataclass
class Clock:
    """The time, in milliseconds."""

    now: int = NOW

    def __call__(self) -> int:
        return self.now


async def limited_here(told: float = 330.0) -> tuple[Invites, Book, Clock]:
    """Five were taken; the bot's own homeserver has refused the sixth, with a time in seconds."""
    clock, book = Clock(), AnyTime()
    invites = Invites(cast(Spendings, book), clock)
    for number in range(5):
        assert await ask(invites, number) == INVITE
        assert not await invites.landed(room(number), None)
        book.took(clock.now)
    clock.now += 4_000
    assert await ask(invites, 5) == INVITE
    assert await invites.landed(room(5), InviteLimited(told))
    return invites, book, clock


class AnyTime(Book):
    """A database that is asked at any time."""

    async def of(self, _account: str, *, now: int) -> Spending:
        assert now >= NOW
        return self.spending


async def test_what_the_bots_own_homeserver_tells_is_kept_to() -> None:
    invites, book, clock = await limited_here()
    assert invites.limited_here(NEW)
    assert book.spending.refused_at is None  # that of the other server is another limit
    waits = [await ask(invites, number) for number in (5, 6)]
    assert [round((wait.until - clock.now) / 1000) for wait in waits if isinstance(wait, Wait)] == [
        pytest.approx(330, abs=1),
        pytest.approx(330 + 334, abs=8),
    ]
    first = waits[0]
    assert isinstance(first, Wait)
    assert first.reason is Reason.INVITES_SPENT
    clock.now = first.until
    assert await ask(invites, 5) == INVITE
    last = await invites.slow_until(NEW, 10)
    assert last is not None
    assert last - clock.now == pytest.approx(10 * 334_000, rel=0.05)


async def test_a_homeserver_that_takes_them_faster_gets_them_faster() -> None:
    invites, _, clock = await limited_here(10.0)
    second = [await ask(invites, number) for number in (5, 6)][1]
    assert isinstance(second, Wait)
    assert second.until - clock.now < 30_000


async def test_another_account_is_not_held_up() -> None:
    invites, _, _ = await limited_here()
    other = replace(room(9), new="@other:new.org")
    assert await invites.review(other, INVITE, 9) == INVITE
    assert not invites.limited_here("@other:new.org")


async def test_an_invite_that_was_forbidden_has_cost_nothing() -> None:
    invites, _, clock = await limited_here()
    clock.now += 340_000
    assert await ask(invites, 5) == INVITE
    assert not await invites.landed(room(5), Forbidden(403, "M_FORBIDDEN"))
    assert await ask(invites, 6) == INVITE


async def test_a_limit_that_is_doubted_is_tried_by_one_alone() -> None:
    invites, _, clock = await limited_here()
    clock.now += 3 * HOUR
    assert not invites.limited_here(NEW)
    assert await ask(invites, 5) == INVITE
    other = asyncio.ensure_future(ask(invites, 6))
    await asyncio.sleep(0)
    assert not other.done()
    assert await invites.landed(room(5), InviteLimited(330.0))
    assert await other is None
    assert isinstance(await ask(invites, 6), Wait)


async def test_one_that_lands_while_the_database_is_asked_is_not_missed() -> None:
    class Slow(AnyTime):
        """Another invite is written down, and lands, after the answer was found and before it is there."""

        async def of(self, account: str, *, now: int) -> Spending:
            found = await super().of(account, now=now)
            if self.slow:
                self.slow = False
                self.took(NOW)
                assert not await invites.landed(room(0), None)
            return found

    book = Slow(Spending(taken=(NOW,) * 4))
    invites = Invites(cast(Spendings, book), lambda: NOW)
    assert await ask(invites, 0) == INVITE
    book.slow = True
    assert await ask(invites, 1) == INVITE  # to find out whether there is a limit
    assert await invites.landed(room(1), REFUSAL)
