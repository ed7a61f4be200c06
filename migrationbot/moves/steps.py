# SPDX-License-Identifier: AGPL-3.0-or-later
"""Doing one step: write down the intent, do it, write down that it is done."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from migrationbot.core.move import Migration
from migrationbot.core.steps import Record, Step
from migrationbot.store.migrations import Migrations

Clock = Callable[[], int]  # gives milliseconds since the epoch
_REMEMBERED = 1000  # of the bot's own last events: their echo comes within seconds


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a step belongs to: one room of a migration, or with `room_id` '' the migration as a whole."""

    migration: Migration
    room_id: str


class Steps:
    """No act without a recorded intent; transaction IDs that name the step."""

    def __init__(
        self, store: Migrations, clock: Clock, counted: Callable[[Step], None] = lambda _: None
    ) -> None:
        """`counted` is told of each step that was done."""
        self._store = store
        self._counted = counted
        self.now = clock
        self._read_back: dict[str, int] = {}  # by event ID the migration's number, the oldest first

    def knows(self, number: int, event_id: str) -> bool:
        """Whether it is an event with which a room was found to show one of the migration's last steps."""
        return self._read_back.get(event_id) == number

    async def intend(self, place: Place, step: Step, *, attempt: int = 1, base: str | None = None) -> Record:
        """Write down what is about to be done."""
        record = Record(step=step, attempt=attempt, base=base, at=self.now())
        await self._store.intend(place.migration.number, place.room_id, record)
        return record

    async def done(self, place: Place, record: Record, event_id: str | None) -> Record:
        """Write down that the homeserver shows it done, and by which event."""
        finished = replace(record, done=True, event_id=event_id, at=self.now())
        await self._store.accomplished(place.migration.number, place.room_id, finished, now=finished.at)
        self._counted(record.step)
        if event_id is not None:
            self._read_back[event_id] = place.migration.number
            if len(self._read_back) > _REMEMBERED:
                del self._read_back[next(iter(self._read_back))]
        return finished

    async def carry_out(
        self,
        place: Place,
        step: Step,
        act: Callable[[str], Awaitable[str | None]],
        *,
        base: str | None = None,
    ) -> Record:
        """Intend, act with the step's own transaction ID, record the event that `act` gives."""
        record = await self.intend(place, step, base=base)
        return await self.done(place, record, await act(transaction_id(place, step)))


def transaction_id(place: Place, step: Step, attempt: int = 1) -> str:
    """The same for the same step, and for no other: a repeated request can't post twice.

    It names the command's event, not only the number: numbers begin anew with a new database.
    """
    told = "\n".join((place.migration.command_event, place.room_id, step.value, str(attempt)))
    return "migrationbot-" + hashlib.sha256(told.encode()).hexdigest()[:32]
