# SPDX-License-Identifier: AGPL-3.0-or-later
"""First and last contact with rooms: what a sync shows of it is handed on, for each room in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias

from migrationbot.matrix.comings import Join, departures_in, invites_in, joins_in
from migrationbot.matrix.raw import as_dict
from migrationbot.store.arrivals import Arrivals
from migrationbot.visits.greeting import Greeter
from migrationbot.visits.leaving import Leaving

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]

_GREETING_FIRST = 10.0  # seconds for which an answer waits at most, so that the greeting stands before it


class Contact:
    """Follows invites, greets, and leaves."""

    def __init__(
        self,
        greeter: Greeter,
        leaving: Leaving,
        arrivals: Arrivals,
        *,
        bot: str,
        begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        insist: Callable[[Work], Coroutine[Any, Any, None]],
    ) -> None:
        """`begin` starts a task that the house awaits; `insist` does work in spite of what is down."""
        self._greeter = greeter
        self._leaving = leaving
        self._arrivals = arrivals
        self._bot = bot
        self._begin = begin
        self._insist = insist
        self._under_way: dict[str, asyncio.Task[None]] = {}  # the last one of each room

    async def take_up(self) -> None:
        """Follow the invites that were not followed to their end before the bot stopped."""
        for room_id in await self._arrivals.still_expected():
            self._in_turn(room_id, partial(self._greeter.follow, room_id))

    def synced(self, answer: Mapping[str, Any]) -> None:
        """A sync has come. The very first one shows every room, and tells no coming from another."""
        for invite in invites_in(as_dict(as_dict(answer.get("rooms")).get("invite")), bot=self._bot):
            self._in_turn(invite.room_id, partial(self._greeter.invited, invite))
        if as_dict(answer.get("net.maunium.mautrix")).get("is_initial"):
            return
        self._joined(joins_in(answer, bot=self._bot))
        for room_id in self._leaving.noticed(departures_in(answer, bot=self._bot)):
            self._in_turn(room_id, partial(self._leaving.look, room_id))

    async def introduced(self, room_id: str) -> None:
        """Return when the bot has introduced itself, if that is under way there."""
        task = self._under_way.get(room_id)
        if task is not None:
            await asyncio.wait([task], timeout=_GREETING_FIRST)

    def _joined(self, joins: Iterable[Join]) -> None:
        for join in joins:
            self._in_turn(join.room_id, partial(self._greeter.joined, join.room_id))
            if join.alone:  # whoever sent the invite may be gone
                self._in_turn(join.room_id, partial(self._leaving.look, join.room_id))

    def _in_turn(self, room_id: str, work: Work) -> None:
        task = self._begin(self._after(self._under_way.get(room_id), work))
        self._under_way[room_id] = task
        task.add_done_callback(lambda _: self._over(room_id, task))

    async def _after(self, earlier: asyncio.Task[None] | None, work: Work) -> None:
        if earlier is not None:
            await asyncio.wait([earlier])
        await self._insist(work)

    def _over(self, room_id: str, task: asyncio.Task[None]) -> None:
        if self._under_way.get(room_id) is task:
            del self._under_way[room_id]
