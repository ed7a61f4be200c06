# SPDX-License-Identifier: AGPL-3.0-or-later
"""As fast as a homeserver lets the bot send, and hardly a 429: against Synapse's limiter, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrationbot.matrix.errors import InviteLimited, Limited
from migrationbot.matrix.pace import Claim, Pace
from tests.core.virtual_time import run

RATE, BURST = 0.2, 10  # Synapse's rc_message, by default
PAUSE = 0.5  # seconds by which Synapse puts off a 429
MINUTE = 60.0


@dataclass
class Limiter:
    """What Synapse counts by. Source: api/ratelimiting.py, Ratelimiter.can_do_action."""

    rate: float = RATE
    burst: int = BURST
    names_time: bool = True
    count: int = 0
    since: float = 0.0
    refusals: int = 0

    def refuses(self, now: float) -> float | None:
        """The time to wait; None when it is taken."""
        if self.count - (now - self.since) * self.rate < 0:
            self.count, self.since = 0, now
        if self.count - (now - self.since) * self.rate > self.burst - 1:
            self.refusals += 1
            return int(1000 * (self.since + (self.count - self.burst + 1) / self.rate - now)) / 1000
        self.count += 1
        return None


@dataclass
class Window(Limiter):
    """One that takes so many in each hour, or whatever stretch of `rate` seconds, as proxies do."""

    def refuses(self, now: float) -> float | None:
        began = now - now % self.rate
        if began != self.since:
            self.count, self.since = 0, began
        self.count += 1
        if self.count <= self.burst:
            return None
        self.refusals += 1
        return began + self.rate - now


@dataclass
class Town:
    """A bot, of which many parts send at once, and its homeserver."""

    random: Random = field(default_factory=lambda: Random(1))  # noqa: S311 - a course, no secret
    messages: Limiter = field(default_factory=Limiter)
    invites: dict[str, Limiter] = field(default_factory=dict)  # by invitee
    taken: list[tuple[float, str]] = field(default_factory=list)  # when, and from whom
    looks: int = 0

    def __post_init__(self) -> None:
        self.now = asyncio.get_running_loop().time
        self.pace = Pace(clock=self.now)

    async def try_to_send(self, claim: Claim) -> None:
        """One request. Raises Limited."""
        sent = await self.pace.begin(claim)
        await asyncio.sleep(self.random.uniform(0.002, 0.1))
        limiter = self.invites.get(claim.invitee or "")
        told = limiter.refuses(self.now()) if limiter else None
        told = self.messages.refuses(self.now()) if told is None else told
        if told is None:
            self.taken.append((self.now(), claim.who))
        await asyncio.sleep(PAUSE if told is not None else self.random.uniform(0.0, 0.1))
        self.pace.end(sent)
        if told is not None:
            raise self.pace.refused(claim, sent, told if self.messages.names_time else None)
        self.pace.answered(sent, counts=True)

    async def send(self, claim: Claim) -> None:
        """Look and send, again and again, until it was taken."""
        while True:
            self.looks += 1
            await asyncio.sleep(self.random.uniform(0.02, 0.3))
            try:
                await self.try_to_send(claim)
            except Limited as limited:
                await asyncio.sleep(limited.retry_after)
            else:
                return

    async def room(self, name: str, sends: int) -> None:
        """One after the other."""
        for number in range(sends):
            await self.send(Claim(who=f"{name}/{number}"))

    async def rooms(self, count: int, sends: int, name: str = "room") -> float:
        """All side by side; gives the seconds that it took."""
        began = self.now()
        await asyncio.gather(*(self.room(f"{name} {number}", sends) for number in range(count)))
        return self.now() - began


def least(sends: int, rate: float = RATE, burst: int = BURST) -> float:
    """The seconds that a homeserver takes for as many."""
    return max(0.0, (sends - burst) / rate)


@settings(max_examples=60)
@given(st.integers(2, 24), st.integers(2, 5), st.integers(0, 1_000_000))
def test_however_many_send_at_once_usual_limits_are_met_twice_at_most_and_used_up(
    rooms: int, sends: int, seed: int
) -> None:
    async def world() -> None:
        town = Town(random=Random(seed))  # noqa: S311 - a course, no secret
        took = await town.rooms(rooms, sends)
        count = rooms * sends
        assert town.messages.refusals == town.pace.limited <= 2
        assert len(town.taken) == count
        # The answers, the looks, and the half seconds of two 429s come on top.
        assert took <= 1.1 * least(count) + 8.0
        # One look when it wants to send, one at its turn; and the few that a 429 has taken by surprise.
        assert town.looks <= 2 * count + 2 * rooms

    run(world())


@pytest.mark.parametrize(("rate", "burst"), [(1.0, 10), (0.2, 1), (0.05, 3), (0.5, 30), (0.003, 5)])
def test_other_limits_are_learned_as_well(rate: float, burst: int) -> None:
    async def world() -> None:
        town = Town(messages=Limiter(rate=rate, burst=burst))
        took = await town.rooms(12, 6)
        assert town.messages.refusals <= 4
        assert took <= 1.1 * least(72, rate, burst) + 8.0

    run(world())


def test_a_long_time_that_is_named_once_is_not_taken_for_the_pace() -> None:
    async def world() -> None:
        town = Town(messages=Window(rate=600.0, burst=20))
        assert await town.rooms(8, 15) < 2 * 6 * 600.0
        assert town.messages.refusals <= 20

    run(world())


def test_where_there_is_no_limit_nobody_waits() -> None:
    async def world() -> None:
        town = Town(messages=Limiter(rate=1000.0, burst=1000))
        assert await town.rooms(40, 10) < 10.0
        assert town.looks < 420  # forty at once are a few too many for the first second
        assert town.pace.wait == 0.0
        assert town.pace.seconds_for(100) == 0.0

    run(world())


def test_nothing_is_delayed_before_a_first_429() -> None:
    async def world() -> None:
        town = Town()
        assert await town.rooms(1, BURST) < 5.0
        assert town.looks == BURST

    run(world())


def test_those_who_wait_come_in_their_order_each_at_its_own_time() -> None:
    async def world() -> None:
        town = Town()
        await town.rooms(2, 6, "before")  # what there is to know is known
        began = len(town.taken)
        await town.rooms(12, 1)
        at = [at for at, _ in town.taken[began:]]
        assert all(4.5 < later - sooner < 6.0 for sooner, later in pairwise(at))
        assert town.messages.refusals <= 2

    run(world())


def test_after_a_rest_a_burst_is_free_again() -> None:
    async def world() -> None:
        town = Town()
        await town.rooms(4, 6)
        refusals = town.messages.refusals
        await asyncio.sleep(2 * MINUTE)
        assert town.pace.wait == 0.0
        assert await town.rooms(1, 9) < 9.0
        assert await town.rooms(4, 6) < 1.1 * 24 / RATE
        assert town.messages.refusals <= refusals + 1

    run(world())


def test_a_limit_that_is_lifted_is_noticed() -> None:
    async def world() -> None:
        town = Town()
        await town.rooms(4, 6)
        town.messages.rate, town.messages.burst = 1000.0, 1000
        await asyncio.sleep(11 * MINUTE)
        assert await town.rooms(8, 25) < 100.0
        assert await town.rooms(8, 25) < 12.0

    run(world())


def test_a_limit_that_stays_is_doubted_more_and_more_seldom() -> None:
    async def world() -> None:
        town = Town()
        took = await town.rooms(8, 400)  # four hours and a half
        assert took < 1.1 * least(3200)
        assert town.messages.refusals <= 12

    run(world())


def test_a_limit_that_becomes_tighter_is_kept_to() -> None:
    async def world() -> None:
        town = Town()
        await town.rooms(4, 6)
        town.messages = Limiter(rate=0.05, burst=2, since=town.now())
        took = await town.rooms(4, 10)
        assert took <= 1.15 * least(40, 0.05, 2)
        assert town.messages.refusals <= 6

    run(world())


def test_a_429_that_names_no_time_is_waited_for_longer_and_longer() -> None:
    async def world() -> None:
        town = Town(messages=Limiter(names_time=False))
        took = await town.rooms(4, 8)
        assert took < 2 * least(32)
        assert town.messages.refusals <= 8
        slow = Town(messages=Limiter(names_time=False, rate=0.01, burst=1))
        await slow.rooms(2, 3)
        assert slow.messages.refusals <= 10

    run(world())


def test_a_person_does_not_wait_behind_a_migration_and_cannot_stop_it_either() -> None:
    async def world() -> None:
        town = Town()
        work = asyncio.ensure_future(town.rooms(20, 4))
        await asyncio.sleep(MINUTE)
        asked = town.now()
        await town.send(Claim(who="answer", urgent=True))
        assert town.now() - asked < 8.0
        before, asked = len(town.taken), town.now()
        await asyncio.gather(*(town.send(Claim(who=f"answer {each}", urgent=True)) for each in range(10)))
        others = [who for _, who in town.taken[before:] if not who.startswith("answer")]
        assert 7 <= len(others) <= 13  # one for each
        assert town.now() - asked < 21 * 5.5
        await work
        assert town.messages.refusals <= 2

    run(world())


def test_a_turn_of_one_who_does_not_come_is_used_by_another() -> None:
    async def world() -> None:
        town = Town()
        await town.rooms(2, 8)
        for number in range(6):
            with pytest.raises(Limited):
                await town.try_to_send(Claim(who=f"gone {number}"))
        began = town.now()
        await town.rooms(3, 8)
        # Their own turns come after those that were given out, and the time of these is not lost.
        assert town.now() - began <= 1.1 * 24 / RATE + 5.0

    run(world())


def test_what_was_not_done_does_not_count() -> None:
    async def world() -> None:
        town = Town()
        await town.rooms(2, 8)
        await asyncio.sleep(town.pace.wait)
        sent = await town.pace.begin(Claim(who="forbidden"))
        assert town.pace.wait > 4.0
        town.pace.end(sent)
        town.pace.answered(sent, counts=False)
        assert town.pace.wait == 0.0

    run(world())


def test_an_answer_that_is_long_in_coming_holds_up_nobody_for_long() -> None:
    async def world() -> None:
        town = Town()
        await town.pace.begin(Claim(who="invite", invitee="@slow:far.org"))
        began = town.now()
        await town.room("room", 3)
        assert town.now() - began < 3.0

    run(world())


def test_while_too_many_are_under_way_one_looks_again() -> None:
    async def world() -> None:
        town = Town()

        async def hang(number: int) -> None:
            await town.pace.begin(Claim(who=f"hangs {number}"))

        came = await asyncio.gather(*(hang(number) for number in range(6)), return_exceptions=True)
        assert [type(each) for each in came].count(Limited) == 3
        assert town.now() <= 2.5

    run(world())


INVITEE = "@new:here.org"


def invites(count: int, invitee: str = INVITEE) -> Sequence[Claim]:
    return [Claim(who=f"!{number}/invite", invitee=invitee) for number in range(count)]


def test_a_long_wait_for_an_invite_holds_up_that_account_alone() -> None:
    async def world() -> None:
        town = Town(invites={INVITEE: Limiter(rate=0.003, burst=5)})
        for claim in invites(5):
            await town.try_to_send(claim)
        with pytest.raises(InviteLimited) as told:
            await town.try_to_send(invites(6)[5])
        assert 325 < told.value.retry_after < 334
        with pytest.raises(InviteLimited) as told:
            await town.try_to_send(invites(7)[6])
        assert town.pace.limited == 1  # what is known is not asked
        assert town.pace.wait == 0.0
        await town.try_to_send(Claim(who="message"))
        await town.try_to_send(Claim(who="other", invitee="@other:here.org"))
        await asyncio.sleep(told.value.retry_after)
        await town.try_to_send(invites(6)[5])

    run(world())


def test_a_long_wait_for_an_invite_is_told_apart_where_the_pace_is_known_too() -> None:
    async def world() -> None:
        town = Town()
        await town.rooms(2, 8)
        pace = town.pace.seconds_for(10)
        await asyncio.sleep(town.pace.wait)
        town.invites[INVITEE] = Limiter(rate=0.1, burst=1, count=1, since=town.now())
        with pytest.raises(InviteLimited):
            await town.try_to_send(invites(1)[0])
        assert town.pace.wait == 0.0
        await town.try_to_send(Claim(who="message"))
        assert town.pace.seconds_for(10) == pytest.approx(pace, abs=6.0)

    run(world())


def test_a_short_wait_for_an_invite_is_one_for_all() -> None:
    async def world() -> None:
        town = Town()
        for claim in invites(10):
            await town.try_to_send(claim)
        with pytest.raises(Limited) as told:
            await town.try_to_send(invites(11)[10])
        assert not isinstance(told.value, InviteLimited)
        assert 3.0 < town.pace.wait < 5.0

    run(world())


def test_it_is_known_when_so_many_will_be_sent() -> None:
    async def world() -> None:
        town = Town()
        work = asyncio.ensure_future(town.rooms(12, 4))
        await asyncio.sleep(30.0)
        left = 48 - len(town.taken)
        expected = town.pace.seconds_for(left - 12)  # twelve are in the line
        began = town.now()
        await work
        assert town.now() - began == pytest.approx(expected, rel=0.1)

    run(world())


def test_each_429_is_counted() -> None:
    counted: list[int] = []

    async def world() -> None:
        pace = Pace(lambda: counted.append(1), clock=asyncio.get_running_loop().time)
        claim = Claim(who="message")
        sent = await pace.begin(claim)
        pace.end(sent)
        assert pace.refused(claim, sent, 2.0).retry_after == pytest.approx(2.0, abs=0.1)
        assert pace.wait == pytest.approx(2.0)

    run(world())
    assert counted == [1]
