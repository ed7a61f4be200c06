# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the cards may truthfully say about history; templates/history.html puts it into words."""

from __future__ import annotations

from dataclasses import dataclass

from migrationbot.core.able import can_send
from migrationbot.core.history import Reading, Visibility, reading, should_open
from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.room import Membership, RoomState
from migrationbot.core.steps import Step


@dataclass(frozen=True, kw_only=True)
class History:
    """From when on the new account reads, and what happened to the setting. Times: ms since the epoch."""

    reading: Reading
    before: Visibility  # the setting when the move was planned
    setting: Visibility  # the setting now
    is_set: bool  # whether anybody ever set it
    since: int | None  # when it was set; None when nobody did, or when the time that is given can't be true
    may_not_open: bool = False  # opening would let the new account read more, and the bot has no right to
    opened_at: int | None = None  # when the bot opened it
    closed_at: int | None = None  # when the bot put it back
    changed: bool = False  # whether it was changed since the request, and not by this move


def planned(migration: Migration, move: RoomMove, room: RoomState, *, now: int) -> History:
    """What will be so, for the request card."""
    membership = room.membership(move.new)
    better_open = should_open(
        room.visibility, joined=membership is Membership.JOIN, invited=membership is Membership.INVITE
    )
    allowed = can_send(room.power, move.bot, "m.room.history_visibility")
    return History(
        reading=move.plan.reading,
        before=move.plan.visibility,
        setting=room.visibility,
        is_set=room.history_event is not None,
        since=_since(room, now),
        may_not_open=better_open and not allowed and not migration.options.keep_history,
    )


def told(move: RoomMove, room: RoomState, *, now: int) -> History:
    """What became of it, for the summary."""
    opened = move.done(Step.OPEN_HISTORY)
    never_opened = move.plan.reading is Reading.FROM_OPENING and not opened
    return History(
        reading=reading(move.plan.visibility, joined=False, opened=False)
        if never_opened
        else move.plan.reading,
        before=move.plan.visibility,
        setting=room.visibility,
        is_set=room.history_event is not None,
        since=_since(room, now),
        opened_at=move.records[Step.OPEN_HISTORY].at if opened else None,
        closed_at=move.records[Step.RESTORE_HISTORY].at if opened and not move.history_is_open else None,
        changed=not _is_ours(move, room) if opened else room.visibility is not move.plan.visibility,
    )


def _since(room: RoomState, now: int) -> int | None:
    """When the setting was made. Its sender's server claims that time, and may claim anything."""
    at = room.history_event.sent_at if room.history_event else 0
    return at if 0 < at <= now else None


def _is_ours(move: RoomMove, room: RoomState) -> bool:
    """Whether this move made the setting that is in force."""
    event = room.history_event
    made = (move.event_of(Step.OPEN_HISTORY), move.event_of(Step.RESTORE_HISTORY))
    return event is not None and event.sender == move.bot and event.event_id in made
