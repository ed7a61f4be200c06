# SPDX-License-Identifier: AGPL-3.0-or-later
"""Waking room moves, each in a task of its own, and again when it is time."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict

from migrationbot.core.move import Migration
from migrationbot.matrix.errors import (
    Forbidden,
    Limited,
    LoggedOut,
    RemoteUnreachable,
    Stopping,
    Unavailable,
)
from migrationbot.matrix.sealing import NoEncryption
from migrationbot.moves.acts import NotShown
from migrationbot.moves.announcing import announced
from migrationbot.moves.carrying import LONGEST_NAP, Carrying
from migrationbot.moves.concluding import Concluding
from migrationbot.moves.doing import Doing
from migrationbot.moves.letting_go import let_go
from migrationbot.moves.parts import Locks, Parts
from migrationbot.moves.watch import Key
from migrationbot.store.database import StoreDown

_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 300.0  # seconds, while the homeserver or the database is down
_LONGEST_SHUT_OUT = 3600.0  # seconds, while the bot may not read or speak in the room


class Runner:
    """Wakes room moves and carries each on until it has to wait. Owns every task that it starts."""

    def __init__(self, parts: Parts) -> None:
        self._with = parts
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._again: defaultdict[Key, set[str | None]] = defaultdict(set)  # because of which events
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._pauses: dict[Key, float] = {}
        self._locks = locks = Locks()
        self._concluding = Concluding(parts, locks)
        doing = Doing(parts, locks, self.watch)
        self._carrying = Carrying(parts, doing, wake=self.wake, watch=self.watch)
        self._stopping = False

    def wake(self, key: Key, own_event: str | None = None) -> None:
        """Look at this move now; once more if it is being looked at already.

        `own_event` is what wakes it if that is an event of the bot's: of its own acts a move knows already.
        """
        if self._known(key, own_event):
            return
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if self._stopping:
            return
        if key in self._tasks:
            self._again[key].add(own_event)
            return
        self._tasks[key] = asyncio.get_running_loop().create_task(self._run(key))

    async def stop(self) -> None:
        """Start nothing more and wait for what is under way; requests must have been told to stop before."""
        self._stopping = True
        for timer in self._timers.values():
            timer.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._with.crowd.stop()

    async def _run(self, key: Key) -> None:
        try:
            while True:
                self._again.pop(key, None)
                pause = await self._guarded(key)
                if self._stopping or all(self._known(key, event) for event in self._again.pop(key, ())):
                    break
        finally:
            del self._tasks[key]
        if pause is not None and not self._stopping:
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(max(0.0, pause), self.wake, key)

    def _known(self, key: Key, own_event: str | None) -> bool:
        return own_event is not None and self._with.steps.knows(key[0], own_event)

    async def _guarded(self, key: Key) -> float | None:
        """Carry the move on; gives the seconds after which to look again, None when it is over."""
        log = self._with.log
        try:
            until = await self._drive(key)
        except Stopping:
            return None
        except Limited as limited:
            return limited.retry_after
        except (Unavailable, RemoteUnreachable, StoreDown, LoggedOut, NotShown) as error:
            log.warning("migration %d in %s: %s, trying again", *key, type(error).__name__)
            return self._longer_pause(key, _LONGEST_PAUSE)
        except (Forbidden, NoEncryption):
            log.warning("migration %d in %s: the room can't be read or written", *key)
            return self._longer_pause(key, _LONGEST_SHUT_OUT)
        except Exception:
            log.exception("migration %d in %s: could not go on", *key)
            return self._longer_pause(key, _LONGEST_PAUSE)
        self._pauses.pop(key, None)
        return None if until is None else min(until - self._with.steps.now(), LONGEST_NAP) / 1000

    def _longer_pause(self, key: Key, longest: float) -> float:
        pause = min(self._pauses.get(key, _FIRST_PAUSE), longest)
        self._pauses[key] = min(pause * 2, longest)
        return pause * random.uniform(0.75, 1.25)  # noqa: S311 - spreads retries, guards nothing

    async def _drive(self, key: Key) -> int | None:
        number, room_id = key
        migration = await self._with.store.migration(number)
        if migration is None or migration.ended:
            self._with.watch.remove(number)
            return None
        if await self._with.crowd.is_outside(migration, room_id):
            return await self._look_outside(key, migration)
        try:
            await self._announce(migration)
            rank = await self._with.crowd.rank(key) if migration.many else 0
            async with self._with.lanes.lane(number, rank), self._locks.rooms[room_id]:
                until = await self._carrying.advance(key, rank)
        except (Forbidden, NoEncryption):
            _, move = await self._carrying.load(key)
            if not await let_go(self._with.store, move, now=self._with.steps.now()):
                raise
            until = None
        if migration.many:
            self._with.crowd.changed(migration)
        if until is None:
            await self._with.voice.close_in_room(*await self._carrying.load(key))
            await self._concluding.conclude(number)
        return until

    async def _look_outside(self, key: Key, migration: Migration) -> int | None:
        """A room that can't move yet: see whether it can now; gives until when to wait for that."""
        number, room_id = key
        await self._announce(migration)
        migration = await self._with.store.migration(number) or migration
        rank = await self._with.crowd.rank(key)
        async with self._with.lanes.lane(number, rank):
            until = await self._with.crowd.let_in(migration, room_id, self._locks.migrations[number])
        if until is None:
            await self._concluding.conclude(number)
        elif not await self._with.crowd.is_outside(migration, room_id):
            await self.watch(number)
            self.wake(key)
        return until

    async def _announce(self, migration: Migration) -> None:
        """Post the request cards with their reactions, unless they are there, or it is too late to ask."""
        if announced(migration):
            return
        async with self._locks.migrations[migration.number]:
            fresh = await self._with.store.migration(migration.number) or migration
            await (self._with.crowd if fresh.many else self._with.announcing).announce(fresh)
            await self.watch(migration.number)

    async def watch(self, number: int) -> None:
        """Have an open migration woken by all that it depends on now."""
        store = self._with.store
        migration = await store.migration(number)
        if migration is not None:
            stated = await self._with.stated.of(number)
            self._with.watch.add(
                migration,
                await store.rooms_of(number),
                room_cards=await store.room_cards(number),
                answered_in=[each.room_id for each in stated],
            )
            await self._watch_outside(migration)

    async def _watch_outside(self, migration: Migration) -> None:
        """Look at the rooms that can't move yet, and hear of what changes there."""
        outside = await self._with.crowd.outside(migration)
        self._with.watch.add_outside(migration, outside, bot=self._with.voice.bot)
        for key in ((migration.number, room_id) for room_id in outside):
            if key not in self._tasks and key not in self._timers:
                self.wake(key)
