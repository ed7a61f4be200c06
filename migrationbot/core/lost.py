# SPDX-License-Identifier: AGPL-3.0-or-later
"""Accounts that are said to be lost: whether they are in use, and how far back the bot can tell.

All times are in milliseconds since the epoch. An account's own server claims when it was active; it can only
make itself seem lost by that, never another account.
"""

from __future__ import annotations

from .room import Member, Membership, RoomState


def last_seen(member: Member | None, heard_at: int | None) -> int | None:
    """When the account was last active in the room, by what was heard of it or by its own coming or going."""
    own = member.sent_at if member is not None and member.by_self else 0
    return max(own, heard_at or 0) or None


def in_use(seen_at: int | None, lost_after: int, now: int) -> bool:
    """Whether the account is plainly able to ask for itself."""
    return seen_at is not None and seen_at > now - lost_after


def sees_since(room: RoomState, bot: str) -> int:
    """From when on nothing that was said is hidden from the bot. Spec: Room history visibility."""
    came = room.members[bot].sent_at if bot in room.members else 0
    if not room.visibility.open_to_newcomers:
        return came
    return min(came, room.history_event.sent_at if room.history_event else 0)


def left_its_level(room: RoomState, user_id: str) -> bool:
    """Whether the account left by itself, as a deactivated one does, and its power level still stands here.

    One whom somebody removed has no place that could move: that was decided.
    """
    member = room.members.get(user_id)
    if member is None or member.membership is not Membership.LEAVE or not member.by_self:
        return False
    return room.power.level_of(user_id) > room.power.users_default
