# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bot's homeserver, as far as acts on one room go: it may refuse, and the bot may be killed meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

from migrationbot.core.room import RoomState, StateEvent
from migrationbot.core.steps import Step
from migrationbot.matrix.errors import Forbidden
from tests.core.fake_room import FakeRoom
from tests.core.worlds import BOT, NEW, NOW


class Crash(Enum):
    """Where the bot is killed in its next act on the room."""

    BEFORE = "before"  # the intent is on record, nothing has happened
    AFTER = "after"  # the homeserver did it, the record does not say so


class Killed(Exception):
    """The process is gone; what is on record and what is in the room stay."""


class FakeHomeserver:
    """Answers what matrix/rooms.py asks. That the room's own rules forbid an act is never its answer."""

    def __init__(self, room: FakeRoom) -> None:
        self.room = room
        self.now = NOW  # milliseconds since the epoch
        self.crash: Crash | None = None
        self.refused: Step | None = None  # what it will not do, for a reason that the room does not show
        self.has_refused = False
        self.carried_out: list[tuple[Step, int]] = []  # with how many events the room had before

    @property
    def shown(self) -> RoomState | None:
        """The room as the bot sees it."""
        return self.room.as_shown

    async def read(
        self, _room_id: str, _user_ids: Iterable[str], *, more: Iterable[tuple[str, str]] = ()
    ) -> RoomState:
        assert not list(more)
        return self.room.now

    async def state_event(self, _room_id: str, kind: str, key: str) -> StateEvent | None:
        return self.room.state_event(kind, key)

    async def past_state(self, _room_id: str, event_id: str) -> StateEvent | None:
        return next((event for event in self.room.events if event.event_id == event_id), None)

    async def invite(self, _room_id: str, user_id: str) -> None:
        self._carry_out(Step.INVITE, lambda: self.room.invite(BOT, user_id))

    async def withdraw_invite(self, _room_id: str, user_id: str) -> None:
        self._carry_out(Step.WITHDRAW_INVITE, lambda: self.room.kick(BOT, user_id))

    async def put_state(self, _room_id: str, kind: str, content: Mapping[str, Any]) -> str:
        if kind == "m.room.power_levels":
            assert content["users"][NEW] > self.room.now.power.level_of(NEW)  # it is only ever raised
            return self._carry_out(Step.PROMOTE, lambda: self.room.send_levels(BOT, content)).event_id
        opens = content["history_visibility"] == "shared"
        step = Step.OPEN_HISTORY if opens else Step.RESTORE_HISTORY
        return self._carry_out(step, lambda: self.room.send(BOT, kind, content)).event_id

    def _carry_out(self, step: Step, act: Callable[[], StateEvent]) -> StateEvent:
        if self.crash is Crash.BEFORE:
            raise Killed
        if step is self.refused:
            self.has_refused = True
            raise Forbidden(403, "M_FORBIDDEN")
        self.carried_out.append((step, len(self.room.events)))
        event = act()
        if self.crash is Crash.AFTER:
            raise Killed
        return event
