# SPDX-License-Identifier: AGPL-3.0-or-later
"""What has to be known beyond the usual when nobody vouches from the old account."""

from __future__ import annotations

from migrationbot.core.approval import qualified, who_may_approve
from migrationbot.core.levels import level_asked_now
from migrationbot.core.lost import last_seen
from migrationbot.core.move import RoomMove
from migrationbot.core.room import RoomState
from migrationbot.matrix.activity import Activity
from migrationbot.matrix.rooms import Rooms

_MOST_LOOKED_UP = 40  # memberships; those beyond count as there, so that never too few have to agree


class Lookout:
    """Looks at the room as it is now, and remembers nothing."""

    def __init__(self, rooms: Rooms, activity: Activity) -> None:
        self._rooms = rooms
        self._activity = activity

    async def seen_at(self, room: RoomState, user_id: str) -> int | None:
        """When the account was last active in the room, which was read with it among the members."""
        return last_seen(room.members.get(user_id), await self._activity.last_event(room.room_id, user_id))

    async def able(self, move: RoomMove, room: RoomState) -> int:
        """How many are entitled to approve the move of a lost account now."""
        asked = level_asked_now(move, room)
        if room.power.users_default >= asked:
            return qualified(await self._activity.joined(room.room_id), move, room.power, asked)
        candidates = who_may_approve(move, room.power, asked)
        room = await self._rooms.with_members(room, candidates[:_MOST_LOOKED_UP])
        there = sum(room.joined(user) for user in candidates[:_MOST_LOOKED_UP])
        return there + len(candidates[_MOST_LOOKED_UP:])
