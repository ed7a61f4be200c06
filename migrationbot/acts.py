# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bot's acts on a room's state, each intended first and read back afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from migrationbot.core.decide import Act, level_now
from migrationbot.core.move import Migration, Record, RoomMove, Step
from migrationbot.core.power import PowerLevels, implied_content, merge_lost, with_integers, with_level
from migrationbot.core.room import Membership, RoomState, StateEvent
from migrationbot.matrix.rooms import Rooms
from migrationbot.steps import Place, Steps

_MERGES = 3  # how often another admin's simultaneous change is merged back before we say so
StillDue = Callable[[RoomState], bool]  # whether the promotion is still right in such a room


class NotShown(Exception):
    """The homeserver took an act, but the room does not show it."""


class PowerChangeLost(Exception):
    """Another admin's change of power levels was overwritten and could not be put back."""


class Acts:
    """Open, invite, restore, promote, withdraw."""

    def __init__(self, rooms: Rooms, steps: Steps) -> None:
        self._rooms = rooms
        self._steps = steps

    async def perform(
        self, act: Act, migration: Migration, move: RoomMove, room: RoomState, still_due: StillDue
    ) -> None:
        """Do one act on what was just read. Raises the errors of matrix/errors.py."""
        place = Place(migration=migration, room_id=move.room_id)
        attempt = _attempt(move, act.step)
        base = _base(act.step, move, room)
        record = await self._steps.intend(place, act.step, attempt=attempt, base=base)
        await self._do(act, move, room)
        if act.step is Step.PROMOTE:
            await self._merge_back(move, record, still_due, room)
        await self._steps.done(place, record, await self._shown(record, move))

    async def settle(
        self, migration: Migration, move: RoomMove, room: RoomState, still_due: StillDue
    ) -> bool:
        """Look up in the room what was intended before a crash; gives whether anything was found done."""
        intended = [each for each in move.records.values() if not each.done and each.step in _LOOK_UP]
        found = [each for each in intended if _LOOK_UP[each.step](each, move, room) is not None]
        for record in found:
            if record.step is Step.PROMOTE:
                await self._merge_back(move, record, still_due, room)
            place = Place(migration=migration, room_id=move.room_id)
            await self._steps.done(place, record, _LOOK_UP[record.step](record, move, room))
        return bool(found)

    async def _merge_back(self, move: RoomMove, record: Record, still_due: StillDue, room: RoomState) -> None:
        """After a change of power levels: if it overwrote another admin's, put theirs back under ours.

        A PUT has no compare-and-set; `replaces_state` tells what it really replaced.
        Raises PowerChangeLost when theirs cannot be put back.
        """
        base = record.base
        for _ in range(_MERGES + 1):
            ours = await self._rooms.state_event(move.room_id, "m.room.power_levels", "")
            if ours is None or ours.sender != move.bot or ours.replaces_state == base:
                return
            merged = await self._merged(move, base, ours, still_due, room)
            if merged == ours.content:
                return
            await self._rooms.put_state(move.room_id, "m.room.power_levels", merged)
            base = ours.event_id
        raise PowerChangeLost

    async def _merged(
        self, move: RoomMove, base: str | None, ours: StateEvent, still_due: StillDue, room: RoomState
    ) -> dict[str, Any]:
        """Theirs with our one change, or theirs alone when it makes our change wrong."""
        based_on = await self._content(move.room_id, base)
        lost = await self._content(move.room_id, ours.replaces_state)
        if not still_due(_with_power(room, lost)):
            return lost
        return with_integers(merge_lost(based_on, lost, dict(ours.content)))

    async def _content(self, room_id: str, event_id: str | None) -> dict[str, Any]:
        message = await self._rooms.message(room_id, event_id) if event_id else None
        if message is None:
            raise PowerChangeLost
        return dict(message.content)

    async def _do(self, act: Act, move: RoomMove, room: RoomState) -> None:
        rooms, room_id = self._rooms, move.room_id
        if act.step is Step.INVITE:
            await rooms.invite(room_id, move.new)
        elif act.step is Step.WITHDRAW_INVITE:
            await rooms.withdraw_invite(room_id, move.new)
        elif act.step is Step.PROMOTE and act.level is not None:
            content = with_level(_power_content(room), move.new, act.level)
            await rooms.put_state(room_id, "m.room.power_levels", content)
        else:
            await rooms.put_state(
                room_id, "m.room.history_visibility", _history_content(act.step, move, room)
            )

    async def _shown(self, record: Record, move: RoomMove) -> str:
        """The event by which the room shows the act. Raises NotShown when it does not."""
        room = await self._rooms.read(move.room_id, (move.bot, move.old, move.new))
        event_id = _LOOK_UP[record.step](record, move, room)
        if event_id is None:
            raise NotShown(record.step.value)
        return event_id


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
    if step in (Step.INVITE, Step.WITHDRAW_INVITE):
        member = room.members.get(move.new)
        return member.event_id if member else None
    event = room.power_event if step is Step.PROMOTE else room.history_event
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


def _with_power(room: RoomState, content: dict[str, Any]) -> RoomState:
    power = PowerLevels.read(
        content,
        version=room.version,
        create_sender=room.create_sender,
        additional_creators=room.power.creators,
    )
    return replace(room, power=power)


def _opened(record: Record, move: RoomMove, room: RoomState) -> str | None:
    event = room.history_event
    changed = event is not None and event.event_id != record.base and event.sender == move.bot
    return event.event_id if changed and event and room.visibility.open_to_newcomers else None


def _restored(record: Record, _: RoomMove, room: RoomState) -> str | None:
    """Done once the open setting is no longer ours, whoever changed it."""
    event = room.history_event
    return event.event_id if event is not None and event.event_id != record.base else None


def _invited(record: Record, move: RoomMove, room: RoomState) -> str | None:
    """Done once the membership is no longer what it was: invited, joined, or declined already."""
    member = room.members.get(move.new)
    return member.event_id if member is not None and member.event_id != record.base else None


def _withdrawn(_: Record, move: RoomMove, room: RoomState) -> str | None:
    member = room.members.get(move.new)
    gone = member is not None and member.membership is not Membership.INVITE
    return member.event_id if gone and member else None


def _promoted(record: Record, move: RoomMove, room: RoomState) -> str | None:
    """Done once the entry stands in an event after the one that ours was based on."""
    event = room.power_event
    if event is None or event.event_id == record.base:
        return None
    return event.event_id if room.power.level_of(move.new) >= level_now(move, room) else None


_LOOK_UP = {
    Step.OPEN_HISTORY: _opened,
    Step.RESTORE_HISTORY: _restored,
    Step.INVITE: _invited,
    Step.WITHDRAW_INVITE: _withdrawn,
    Step.PROMOTE: _promoted,
}
