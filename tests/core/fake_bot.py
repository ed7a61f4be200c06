# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bot without its homeserver and its database: the same decisions, acts and records, in a fake room.

It can be killed before or after each act on the room. Every act is held against what the bot promises.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar, cast

from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Decision, Finish, Turned, Wait
from migrationbot.core.move import Migration, Phase, RoomMove
from migrationbot.core.reasons import Ending, Trouble
from migrationbot.core.room import RoomState
from migrationbot.core.steps import Record, Step
from migrationbot.core.turns import Turn, turn
from migrationbot.matrix.errors import Forbidden
from migrationbot.matrix.rooms import Rooms
from migrationbot.moves.acts import Acts
from migrationbot.moves.setbacks import Setbacks
from migrationbot.moves.steps import Steps
from migrationbot.store.migrations import Migrations
from tests.core.drafts import World
from tests.core.fake_homeserver import Crash, FakeHomeserver
from tests.core.promises import assert_consented, assert_may_promote, assert_tidy, assert_true
from tests.core.thread import Thread
from tests.core.worlds import BOT, HOUR, NEW, ROOM, migration

MIGRATION = migration()
_Result = TypeVar("_Result")


def at_once(work: Coroutine[Any, Any, _Result]) -> _Result:
    """The result of a coroutine that never has to wait."""
    try:
        work.send(None)
    except StopIteration as finished:
        return cast(_Result, finished.value)
    raise AssertionError("it waits for something")


@dataclass
class Database:
    """The one move, as the database holds it."""

    move: RoomMove

    async def intend(self, _number: int, _room_id: str, record: Record) -> None:
        self.move = replace(self.move, records={**self.move.records, record.step: record})

    async def accomplished(self, number: int, room_id: str, record: Record, *, now: int) -> None:
        await self.intend(number, room_id, replace(record, done=True, at=now))

    async def in_trouble(self, _move: RoomMove, trouble: Trouble | None) -> None:
        self.move = replace(self.move, trouble=trouble)

    async def turned(self, move: RoomMove, by: Turn, *, ending: Ending | None = None) -> None:
        self.move = replace(self.move, phase=turn(move.phase, by), ending=ending, trouble=None)


async def _nothing_is_lost(_migration: Migration, _move: RoomMove, by: str) -> None:
    raise AssertionError(f"a change of power levels by {by} was lost")


class FakeBot:
    """Carries one move on whenever it is woken."""

    def __init__(self, homeserver: FakeHomeserver, thread: Thread, move: RoomMove) -> None:
        self.thread = thread
        self.database = Database(move)
        self.waiting: Wait | None = None  # what the last look ended with
        self.homeserver = homeserver
        self._began = len(homeserver.room.events)
        store = cast(Migrations, self.database)
        steps = Steps(store, lambda: homeserver.now)
        self._acts = Acts(cast(Rooms, homeserver), steps, lost=_nothing_is_lost)
        self._setbacks = Setbacks(store, steps)

    @property
    def move(self) -> RoomMove:
        """The move as the database holds it."""
        return self.database.move

    @property
    def did(self) -> Counter[Step]:
        """The acts that the homeserver carried out for this move."""
        return Counter(step for step, at in self.homeserver.carried_out if at >= self._began)

    def look(self, crash: Crash | None = None) -> None:
        """Carry on until something has to be waited for. Raises Killed."""
        self.waiting, self.homeserver.crash = None, crash
        for _ in range(40):
            shown = self.homeserver.shown
            if self.move.phase is Phase.ENDED or shown is None:
                return
            world = World(self.move, shown, self.thread.evidence())
            if at_once(self._acts.settle(MIGRATION, self.move, shown, partial(self._still_due, world))):
                continue
            decision = self._decided(world)
            if isinstance(decision, Wait):
                assert decision.until > self.homeserver.now
                self.waiting = decision
                return
            if isinstance(decision, Act):
                at_once(self._act(decision, world))
            else:
                at_once(self._turn(decision, shown))
        raise AssertionError("it goes round in circles")

    def _decided(self, world: World) -> Decision:
        return decide(world.move, world.room, world.evidence, self.homeserver.now)

    def _still_due(self, world: World, step: Step, level: int, room: RoomState) -> bool:
        decision = self._decided(replace(world, room=room))
        return isinstance(decision, Act) and (decision.step, decision.level) == (step, level)

    async def _act(self, act: Act, world: World) -> None:
        if act.step in (Step.CONFIRM_CARD, Step.SEED_CONFIRM):
            await self.database.intend(7, ROOM, Record(step=act.step, done=True, event_id="$confirm"))
            return
        if act.step in (Step.OPEN_HISTORY, Step.INVITE):
            assert_consented(world, act.level)
        if act.step is Step.PROMOTE and act.level is not None:
            assert_may_promote(world, act.level)
        try:
            await self._acts.perform(act, MIGRATION, world.move, world.room, partial(self._still_due, world))
        except Forbidden as error:
            await self._setbacks.note(act, world.move, error)
        else:
            await self._setbacks.clear(world.move)
        if act.step is Step.PROMOTE:
            self._assert_nothing_else_changed(world.room)

    def _assert_nothing_else_changed(self, before: RoomState) -> None:
        now, was = self.homeserver.room.now.power, before.power
        assert replace(now, users={}) == replace(was, users={})
        assert {**now.users, NEW: 0} == {**was.users, NEW: 0}

    async def _turn(self, decision: Turned | Finish, shown: RoomState) -> None:
        await self.database.turned(self.move, decision.by, ending=decision.ending)
        if isinstance(decision, Turned) and decision.by is Turn.APPROVED:
            self.database.move = replace(
                self.move,
                approvers=decision.approvers,
                approved_level=decision.approved_level,
                expires_at=self.homeserver.now + 168 * HOUR,
            )
        since = self.homeserver.room.events[self._began :]
        if decision.by in (Turn.STOPPED, Turn.ARRIVED) and decision.ending is not None:
            asked = self.homeserver.room.has_been(NEW, "invite", "join", since=self._began)
            assert_true(decision.ending, shown, was_asked=asked, promoted=self.did[Step.PROMOTE] > 0)
        if self.move.phase is Phase.ENDED and not self.homeserver.has_refused:
            assert_tidy(shown, {event.event_id for event in since if event.sender == BOT})
