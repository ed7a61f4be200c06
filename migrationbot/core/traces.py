# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bot has done in a room that still stands, and is therefore its own to put back."""

from __future__ import annotations

from .move import RoomMove
from .room import Membership, RoomState
from .steps import Step


def opening_stands(move: RoomMove, room: RoomState) -> bool:
    """Whether the open history setting is still the bot's. Once somebody else has set it, it is theirs."""
    event = room.history_event
    return move.history_is_open and event is not None and event.event_id == move.event_of(Step.OPEN_HISTORY)


def invite_stands(move: RoomMove, room: RoomState) -> bool:
    """Whether the new account holds the invite that this move sent, unanswered."""
    member = room.members.get(move.new)
    if member is None or member.membership is not Membership.INVITE:
        return False
    return member.sender == move.bot and member.event_id == move.event_of(Step.INVITE)
