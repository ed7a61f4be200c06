# SPDX-License-Identifier: AGPL-3.0-or-later
"""Wording the request card: looks up who may approve, and whether the new account can be reached."""

from __future__ import annotations

import asyncio

from migrationbot.chat import cards
from migrationbot.chat.card import Card
from migrationbot.core.approval import NOTHING_YET, needed, who_may_approve
from migrationbot.core.guide import could_help, errands
from migrationbot.core.levels import level_asked_now
from migrationbot.core.lost import sees_since
from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.room import RoomState
from migrationbot.core.standing import standing
from migrationbot.matrix.rooms import Rooms
from migrationbot.moves.lookout import Lookout

_MOST_LOOKED_UP = 40  # memberships: more than that need not be named


class RequestWriter:
    """Writes the request card of a one-room migration."""

    def __init__(self, rooms: Rooms, lookout: Lookout) -> None:
        self._rooms = rooms
        self._lookout = lookout

    async def write(
        self, migration: Migration, move: RoomMove, *, command: str, now: int, dry_run: bool = False
    ) -> Card:
        """The card with what is so now."""
        room, warning = await asyncio.gather(
            self._rooms.read(move.room_id, (move.bot, move.old, move.new), whole=True),
            self._rooms.profile_warning(move.new),
        )
        helping = await self._rooms.with_members(room, could_help(move, room)[:_MOST_LOOKED_UP])
        asking = cards.Asking(
            approvers=await self.approvers(move, room),
            errands=errands(move, helping, standing(move, room, NOTHING_YET)) if move.plan.guided else (),
            command=command,
            warnings=(warning,) if warning else (),
            now=now,
            dry_run=dry_run,
            seen_at=await self._lookout.seen_at(room, move.old) if move.lost else None,
            sees_since=sees_since(room, move.bot),
        )
        return cards.request(migration, move, room, asking)

    async def approvers(self, move: RoomMove, room: RoomState) -> cards.Approvers:
        """Who may approve now, as far as they can be named."""
        asked = level_asked_now(move, room)
        candidates = who_may_approve(move, room.power, asked)
        room = await self._rooms.with_members(room, candidates[:_MOST_LOOKED_UP])
        joined = [user for user in candidates[:_MOST_LOOKED_UP] if room.joined(user)]
        return cards.Approvers(
            named=tuple(joined[: cards.NAMED_APPROVERS]),
            more=len(joined[cards.NAMED_APPROVERS :]) + len(candidates[_MOST_LOOKED_UP:]),
            anyone=room.power.users_default >= asked,
            asked=asked,
            needed=needed(move, await self._lookout.able(move, room) if move.lost else None),
        )
