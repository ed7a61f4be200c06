# SPDX-License-Identifier: AGPL-3.0-or-later
"""Inviting an account as fast as invites for it are taken.

Its own server counts them, and says no more than that it can't be reached: see core/pacing.py. The bot's own
homeserver counts them too, wherever the account is, and says when it takes the next: see matrix/pace.py.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from math import ceil, inf

from migrationbot.core.bucket import Bucket
from migrationbot.core.decisions import Act, Decision, Wait
from migrationbot.core.move import RoomMove
from migrationbot.core.pacing import Spending, Turn, limited, may_invite, next_at
from migrationbot.core.reasons import Reason
from migrationbot.core.steps import Step
from migrationbot.matrix.errors import HomeserverError, InviteLimited, RemoteUnreachable
from migrationbot.moves.watch import Key
from migrationbot.store.spendings import Spendings

_Place = tuple[int, int, str]  # the migration's number, the room's rank in it, the room ID
_ONE = 1 - 1e-6  # rounded


class Invites:
    """One queue for each new account, over all migrations to it."""

    def __init__(self, spendings: Spendings, now: Callable[[], int]) -> None:
        self._spendings = spendings
        self._now = now
        self._flying: Counter[str] = Counter()
        self._queues: dict[str, list[_Place]] = defaultdict(list)
        self._landed: dict[str, asyncio.Condition] = defaultdict(asyncio.Condition)
        self._tries: dict[str, Key] = {}  # who may find out whether there is a limit
        # What the bot's own homeserver takes for each account. Of the first time that it names it is believed
        # that it is as long for the next, for people are told when the last one will be sent.
        self._here: dict[str, Bucket] = defaultdict(partial(Bucket, unsure=inf))
        self._landings = 0
        self._sent: dict[Key, float] = {}  # those under way, and since when

    async def review(self, move: RoomMove, decision: Decision, rank: int) -> Decision | None:
        """The decision; a wait instead of an invite that would be refused; None: look again.

        After an invite was let through, `landed` has to be called, whatever became of it.
        """
        place = (move.migration, rank, move.room_id)
        if not isinstance(decision, Act) or decision.step is not Step.INVITE:
            self._leave(move.new, place)
            return decision
        spending, now = await self._spending_of(move.new), self._now()
        turn, here = may_invite(spending, flying=self._flying[move.new], now=now), self._here[move.new]
        if turn is Turn.SPENT or here.room(now / 1000) < _ONE:
            ahead = self._ahead(move.new, place)
            return Wait(reason=Reason.INVITES_SPENT, until=self._next_at(move.new, spending, ahead, now))
        if self._flying[move.new] and (turn is Turn.TRY or here.interval is not None):
            await self._until_one_lands(move.new)
            return None
        self._leave(move.new, place)
        self._let_through(move, now, alone=turn is Turn.TRY)
        return decision

    async def landed(self, move: RoomMove, error: Exception | None) -> bool:
        """An invite is no longer under way; gives whether it was refused because the allowance is spent."""
        key, here = (move.migration, move.room_id), self._here[move.new]
        tried, sent = self._tries.get(move.new) == key, self._sent.pop(key)
        if tried:
            del self._tries[move.new]
        spent = tried and isinstance(error, RemoteUnreachable)
        if spent:
            await self._spendings.refused(move.new, now=self._now())
        elif isinstance(error, InviteLimited):
            here.refuse(sent, self._now() / 1000, error.retry_after)
        elif isinstance(error, HomeserverError):
            here.spared(sent)
        self._flying[move.new] -= 1
        self._landings += 1
        async with self._landed[move.new]:
            self._landed[move.new].notify_all()
        return spent or isinstance(error, InviteLimited)

    async def slow_until(self, account: str, invites: int) -> int | None:
        """When the last of so many invites will be sent, in milliseconds; None when nothing slows them."""
        now = self._now()
        spending: Spending = await self._spendings.of(account, now=now)
        if not invites or not (limited(spending, now) or self.limited_here(account)):
            return None
        return self._next_at(account, spending, invites - 1, now)

    def limited_here(self, account: str) -> bool:
        """Whether the bot's own homeserver is known to limit the invites for the account."""
        return self._here[account].holds(self._now() / 1000)

    async def _spending_of(self, account: str) -> Spending:
        """What was taken: of an invite that lands meanwhile it would be missed that it was."""
        while True:
            landings = self._landings
            spending = await self._spendings.of(account, now=self._now())
            if landings == self._landings:
                return spending

    def _let_through(self, move: RoomMove, now: int, *, alone: bool) -> None:
        key = (move.migration, move.room_id)
        self._flying[move.new] += 1
        self._sent[key] = now / 1000
        self._here[move.new].take(now / 1000)
        if alone:
            self._tries[move.new] = key

    def _next_at(self, account: str, spending: Spending, ahead: int, now: int) -> int:
        """When both servers take an invite before which `ahead` others come."""
        here = ceil(self._here[account].time_of(ahead + 1, now / 1000) * 1000)
        if not limited(spending, now):
            return here
        return max(here, next_at(spending, ahead=ahead + self._flying[account], now=now))

    def _ahead(self, account: str, place: _Place) -> int:
        queue = self._queues[account]
        if place not in queue:
            insort(queue, place)
        return queue.index(place)

    def _leave(self, account: str, place: _Place) -> None:
        if place in self._queues[account]:
            self._queues[account].remove(place)

    async def _until_one_lands(self, account: str) -> None:
        async with self._landed[account]:
            if self._flying[account]:
                await self._landed[account].wait()
