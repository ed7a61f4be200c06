# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bot's acts on a room's state, each intended first and read back afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from migrationbot.core.address import PLACE, bot_makes_it
from migrationbot.core.decisions import Act
from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.moved import place_of
from migrationbot.core.power import implied_content
from migrationbot.core.power_change import with_integers, with_level
from migrationbot.core.room import Member, RoomState, StateEvent, with_state
from migrationbot.core.steps import Step
from migrationbot.matrix.rooms import Rooms
from migrationbot.moves.merging import (
    POWER_LEVELS,
    POWER_STEPS,
    Merging,
    PowerChange,
    PowerChangeLost,
    StillDue,
)
from migrationbot.moves.shown import ACTS, shown_by
from migrationbot.moves.steps import Place, Steps

SayLost = Callable[[Migration, RoomMove, str], Awaitable[None]]


HISTORY = "m.room.history_visibility"
MOVED = "moved to a new account, and asked to be removed"  # shown with the kick

# Where the state stands that a step sets as a whole: its type and state key.
PLACES: Mapping[Step, Callable[[RoomMove], tuple[str, str]]] = {
    Step.PUBLISH: place_of,
    Step.SET_ADDRESS: lambda _: PLACE,
}


class NotShown(Exception):
    """The homeserver took an act, but the room does not show it."""


class Acts:
    """Open, invite, restore, promote, withdraw."""

    def __init__(self, rooms: Rooms, steps: Steps, *, lost: SayLost) -> None:
        """`lost` says in the thread that somebody's change of power levels was overwritten for good."""
        self._rooms = rooms
        self._steps = steps
        self._lost = lost
        self._merging = Merging(rooms)

    async def perform(
        self, act: Act, migration: Migration, move: RoomMove, room: RoomState, still_due: StillDue
    ) -> RoomState | None:
        """Do one act on what was just read; gives the room as it shows the act.

        None where the power levels have changed since: then nothing is done before they were judged. Raises
        the errors of matrix/errors.py.
        """
        place = Place(migration=migration, room_id=move.room_id)
        attempt = _attempt(move, act.step)
        base = _base(act.step, move, room)
        record = await self._steps.intend(place, act.step, attempt=attempt, base=base)
        if act.step in POWER_STEPS and not await self._merging.is_latest(move.room_id, base):
            return None
        ours = await self._do(act, move, room)
        after = await self._again(act.step, move, room)
        if act.step in POWER_STEPS and ours:
            change = PowerChange.of(act.step, move, base)
            if not change.stands_alone(after.power_event, ours):
                await self._put_back(migration, move, change, ours, still_due, room)
                after = await self._again(act.step, move, room)
        event_id = shown_by(record, move, after)
        if event_id is None:
            raise NotShown(act.step.value)
        await self._steps.done(place, record, event_id)
        return after

    async def settle(
        self, migration: Migration, move: RoomMove, room: RoomState, still_due: StillDue
    ) -> bool:
        """Look up in the room what was intended before a crash; gives whether to look at the room again."""
        place = Place(migration=migration, room_id=move.room_id)
        settled = False
        for record in [each for each in move.records.values() if not each.done and each.step in ACTS]:
            event_id = shown_by(record, move, room)
            if record.step in POWER_STEPS:
                # Somebody may have taken it back since: then it was carried out too, and is not repeated.
                change = PowerChange.of(record.step, move, record.base)
                ours = await self._merging.found(move, change)
                if ours and await self._put_back(migration, move, change, ours, still_due, room):
                    return True
                event_id = ours
            if event_id is not None:
                await self._steps.done(place, record, event_id)
                settled = True
        return settled

    async def _put_back(
        self,
        migration: Migration,
        move: RoomMove,
        change: PowerChange,
        ours: str,
        still_due: StillDue,
        room: RoomState,
    ) -> bool:
        """Put back what another admin changed in the same moment, or say that it can't be; whether it was."""
        try:
            return await self._merging.put_back(move, change, ours, still_due, room)
        except PowerChangeLost as lost:
            await self._lost(migration, move, lost.by)
            return False

    async def _do(self, act: Act, move: RoomMove, room: RoomState) -> str | None:
        """Ask the homeserver for it; gives the event, where it says so."""
        rooms, room_id = self._rooms, move.room_id
        if act.step is Step.INVITE:
            await rooms.invite(room_id, move.new)
        elif act.step is Step.WITHDRAW_INVITE:
            await rooms.withdraw_invite(room_id, move.new)
        elif act.step is Step.REMOVE_OLD:
            await rooms.remove(room_id, move.old, reason=MOVED)
        elif act.step in POWER_STEPS and act.level is not None:
            content = with_level(_power_content(room), POWER_STEPS[act.step](move), act.level)
            return await rooms.put_state(room_id, POWER_LEVELS, content)
        elif act.content is not None:
            if act.step is Step.SET_ADDRESS and bot_makes_it(move):
                await rooms.make_alias(move.options.address, room_id)
            kind, key = PLACES[act.step](move)
            return await rooms.put_state(room_id, kind, act.content, key)
        else:
            return await rooms.put_state(room_id, HISTORY, _history_content(act.step, move, room))
        return None

    async def _again(self, step: Step, move: RoomMove, room: RoomState) -> RoomState:
        """The room with what the step sets read anew: the rest is as it was."""
        place = _place(step, move)
        return with_state(room, place, await self._rooms.state_event(move.room_id, *place))


def _place(step: Step, move: RoomMove) -> tuple[str, str]:
    """Where the step shows in the room's state: a type and a state key."""
    if step in (Step.INVITE, Step.WITHDRAW_INVITE, Step.REMOVE_OLD):
        return "m.room.member", move.old if step is Step.REMOVE_OLD else move.new
    if step in POWER_STEPS:
        return POWER_LEVELS, ""
    return PLACES[step](move) if step in PLACES else (HISTORY, "")


def _attempt(move: RoomMove, step: Step) -> int:
    """The number of this attempt: an intent that was not carried out keeps its number."""
    if step is Step.RESTORE_HISTORY:
        return move.records[Step.OPEN_HISTORY].attempt
    last = move.records.get(step)
    if last is None:
        return 1
    return last.attempt + 1 if last.done else last.attempt


def _base(step: Step, move: RoomMove, room: RoomState) -> str | None:
    """The event that the act is going to replace."""
    kind, key = place = _place(step, move)
    event: StateEvent | Member | None = room.more.get(place)
    if kind == "m.room.member":
        event = room.members.get(key)
    elif kind == POWER_LEVELS:
        event = room.power_event
    elif kind == HISTORY:
        event = room.history_event
    return event.event_id if event else None


def _history_content(step: Step, move: RoomMove, room: RoomState) -> dict[str, Any]:
    wanted = "shared"
    if step is Step.RESTORE_HISTORY and move.plan.open_from is not None:
        wanted = move.plan.open_from.value
    kept = room.history_event.content if room.history_event else {}
    return {**kept, "history_visibility": wanted}


def _power_content(room: RoomState) -> dict[str, Any]:
    """The raw content to change: of a room that has none, what its absence means.

    Old rooms may hold levels as strings, which a homeserver no longer takes.
    """
    if room.power_event is None:
        return implied_content(version=room.version, create_sender=room.create_sender)
    return with_integers(room.power_event.content)
