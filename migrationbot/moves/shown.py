# SPDX-License-Identifier: AGPL-3.0-or-later
"""How a room shows that an act on it was carried out: that is what makes a crash harmless."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from migrationbot.core.able import level_to_speak
from migrationbot.core.address import PLACE, main_address
from migrationbot.core.levels import level_now
from migrationbot.core.move import RoomMove
from migrationbot.core.moved import place_of
from migrationbot.core.room import Membership, RoomState
from migrationbot.core.steps import Record, Step

_LookUp: TypeAlias = Callable[[Record, RoomMove, RoomState], str | None]


def shown_by(record: Record, move: RoomMove, room: RoomState) -> str | None:
    """The event by which the room shows that the step was done; None when it does not."""
    return _BY_STEP[record.step](record, move, room)


def _opened(record: Record, move: RoomMove, room: RoomState) -> str | None:
    """Done once the bot has set it; where somebody has set it again since, by the event beneath theirs."""
    event = room.history_event
    if event is None or event.event_id == record.base:
        return None
    if event.sender == move.bot:
        return event.event_id if room.visibility.open_to_newcomers else None
    # What took the place of the base itself shows that ours never came.
    return event.replaces_state if event.replaces_state != record.base else None


def _restored(record: Record, _: RoomMove, room: RoomState) -> str | None:
    """Done once the open setting is no longer ours, whoever changed it."""
    event = room.history_event
    return event.event_id if event is not None and event.event_id != record.base else None


def _invited(record: Record, move: RoomMove, room: RoomState) -> str | None:
    """Done once the membership is no longer what it was: invited, joined, or declined already."""
    member = room.members.get(move.new)
    if member is None or member.event_id == record.base:
        return None
    # What took the place of the base itself shows that ours never came: the account did something by itself.
    ours = member.sender == move.bot or member.replaces_state != record.base
    return member.event_id if ours else None


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


def _removed(_: Record, move: RoomMove, room: RoomState) -> str | None:
    member = room.members.get(move.old)
    gone = member is not None and member.membership is not Membership.JOIN
    return member.event_id if gone and member else None


def _stepped_down(record: Record, move: RoomMove, room: RoomState) -> str | None:
    return _lowered(record, move.old, room, room.power.users_default)


def _bot_down(record: Record, move: RoomMove, room: RoomState) -> str | None:
    return _lowered(record, move.bot, room, level_to_speak(room.power))


def _published(record: Record, move: RoomMove, room: RoomState) -> str | None:
    """Done once another event of the bot's than the one before stands there."""
    event = room.more.get(place_of(move))
    if event is None or event.event_id == record.base:
        return None
    return event.event_id if event.sender == move.bot else None


def _addressed(record: Record, move: RoomMove, room: RoomState) -> str | None:
    event = room.more.get(PLACE)
    if event is None or event.event_id == record.base:
        return None
    return event.event_id if main_address(room) == move.options.address else None


def _lowered(record: Record, user_id: str, room: RoomState, level: int) -> str | None:
    """Done once the entry stands in an event after the one that ours was based on."""
    event = room.power_event
    if event is None or event.event_id == record.base:
        return None
    return event.event_id if room.power.level_of(user_id) <= level else None


_BY_STEP: Mapping[Step, _LookUp] = {
    Step.OPEN_HISTORY: _opened,
    Step.RESTORE_HISTORY: _restored,
    Step.INVITE: _invited,
    Step.WITHDRAW_INVITE: _withdrawn,
    Step.PROMOTE: _promoted,
    Step.REMOVE_OLD: _removed,
    Step.STEP_DOWN: _stepped_down,
    Step.BOT_DOWN: _bot_down,
    Step.PUBLISH: _published,
    Step.SET_ADDRESS: _addressed,
}
ACTS = frozenset(_BY_STEP)  # the steps that change the state of the room
