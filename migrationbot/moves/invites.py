# SPDX-License-Identifier: AGPL-3.0-or-later
"""Inviting as fast as the new account's own server takes invites for it; see core/pacing.py."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Callable

from migrationbot.core.decisions import Act, Decision, Wait
from migrationbot.core.move import RoomMove
from migrationbot.core.pacing import Spending, Turn, limited, may_invite, next_at
from migrationbot.core.reasons import Reason
from migrationbot.core.steps import Step
from migrationbot.matrix.errors import RemoteUnreachable
from migrationbot.moves.watch import Key
from migrationbot.store.spendings import Spendings

_Place = tuple[int, int, str]  # the migration's number, the room's rank in it, the room ID


class Invites:
    """One queue for each new account, over all migrations to it."""

    def __init__(self, spendings: Spendings, now: Callable[[], int]) -> None:
        self._spendings = spendings
        self._now = now
        self._flying: Counter[str] = Counter()
        self._queues: dict[str, list[_Place]] = defaultdict(list)
        self._landed: dict[str, asyncio.Condition] = defaultdict(asyncio.Condition)
        self._tries: dict[str, Key] = {}  # who may find out whether there is a limit

    async def review(self, move: RoomMove, decision: Decision, rank: int) -> Decision | None:
        """The decision; a wait instead of an invite that would be refused; None: look again.

        After an invite was let through, `landed` has to be called, whatever became of it.
        """
        place = (move.migration, rank, move.room_id)
        if not isinstance(decision, Act) or decision.step is not Step.INVITE:
            self._leave(move.new, place)
            return decision
        spending, now = await self._spendings.of(move.new, now=self._now()), self._now()
        turn = may_invite(spending, flying=self._flying[move.new], now=now)
        if turn is Turn.SPENT:
            ahead = self._ahead(move.new, place) + self._flying[move.new]
            return Wait(reason=Reason.INVITES_SPENT, until=next_at(spending, ahead=ahead, now=now))
        if turn is Turn.TRY and self._flying[move.new]:
            await self._until_one_lands(move.new)
            return None
        self._leave(move.new, place)
        self._flying[move.new] += 1
        if turn is Turn.TRY:
            self._tries[move.new] = (move.migration, move.room_id)
        return decision

    async def landed(self, move: RoomMove, error: Exception | None) -> bool:
        """An invite is no longer under way; gives whether it was refused because the allowance is spent."""
        tried = self._tries.get(move.new) == (move.migration, move.room_id)
        if tried:
            del self._tries[move.new]
        spent = tried and isinstance(error, RemoteUnreachable)
        if spent:
            await self._spendings.refused(move.new, now=self._now())
        self._flying[move.new] -= 1
        async with self._landed[move.new]:
            self._landed[move.new].notify_all()
        return spent

    async def slow_until(self, account: str, invites: int) -> int | None:
        """When the last of so many invites will be sent, in milliseconds; None when nothing slows them."""
        now = self._now()
        spending: Spending = await self._spendings.of(account, now=now)
        if not invites or not limited(spending, now):
            return None
        return next_at(spending, ahead=invites - 1, now=now)

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
