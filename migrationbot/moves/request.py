# SPDX-License-Identifier: AGPL-3.0-or-later
"""Wording the request card: looks up who may approve, and whether the new account can be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from migrationbot.chat import cards
from migrationbot.chat.card import Card
from migrationbot.chat.cards import Venue
from migrationbot.chat.spot import spot
from migrationbot.core.approval import NOTHING_YET, needed, who_may_approve
from migrationbot.core.guide import could_help, errands
from migrationbot.core.levels import level_asked_now
from migrationbot.core.lost import sees_since
from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.room import RoomState
from migrationbot.core.standing import standing
from migrationbot.core.steps import Step
from migrationbot.matrix.rooms import Rooms
from migrationbot.moves.lookout import Lookout

_MOST_LOOKED_UP = 40  # memberships: more than that need not be named


class RequestWriter:
    """Writes the request card of a one-room migration."""

    def __init__(self, rooms: Rooms, lookout: Lookout, *, encrypts: Callable[[], bool]) -> None:
        """`encrypts` tells whether the bot can speak in encrypted rooms."""
        self._rooms = rooms
        self._lookout = lookout
        self._encrypts = encrypts

    async def write(
        self,
        migration: Migration,
        move: RoomMove,
        *,
        command: str,
        now: int,
        at: str | None = None,
        dry_run: bool = False,
    ) -> Card:
        """The card with what is so now, for the room `at`: where it was asked, unless another is named."""
        at = at or migration.home_room
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
            venue=self._venue(migration, move, room, at=at, dry_run=dry_run),
            spot=spot(move.room_id, room.name, at=at),
            seen_at=await self._lookout.seen_at(room, move.old) if move.lost else None,
            sees_since=sees_since(room, move.bot),
        )
        return cards.request(migration, move, room, asking)

    def _venue(
        self, migration: Migration, move: RoomMove, room: RoomState, *, at: str, dry_run: bool
    ) -> Venue:
        if at == move.room_id:
            return Venue.ROOM if migration.home_room == at else Venue.THERE
        asked = move.event_of(Step.ROOM_CARD) is not None
        would_ask = dry_run and (self._encrypts() or not room.encrypted)
        return Venue.AWAY if asked or would_ask else Venue.SILENT

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
