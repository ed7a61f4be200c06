# SPDX-License-Identifier: AGPL-3.0-or-later
"""The room that a command names, for somebody who is in it: to others nothing about it is told."""

from __future__ import annotations

from dataclasses import dataclass

from migrationbot.core.errors import Code, Refused
from migrationbot.core.room import RoomState
from migrationbot.matrix.errors import Forbidden, LoggedOut, NotFound, Rejected
from migrationbot.matrix.rooms import Rooms

from .letter import Letter


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Looks rooms up by what people typed."""

    bot: str  # the bot's own user ID
    rooms: Rooms

    async def room_id(self, named: str | None, letter: Letter) -> str:
        """The ID of the room, an alias or ID, or of the one in which was written.

        Raises Refused: NO_SUCH_ROOM, BOT_NOT_JOINED; NOT_JOINED when the sender is not in it.
        """
        if named is None:
            return letter.room_id
        room_id = await self.rooms.of_alias(named) if named.startswith("#") else named
        if room_id is None:
            raise Refused(Code.NO_SUCH_ROOM, room=named)
        if room_id == letter.room_id:
            return room_id
        room = await self._look(room_id, named, letter.sender)
        if not room.joined(letter.sender):
            raise Refused(Code.NOT_JOINED, old=letter.sender, away=named)
        return room_id

    async def _look(self, room_id: str, named: str, sender: str) -> RoomState:
        absent = Refused(Code.BOT_NOT_JOINED, room=named, bot=self.bot)
        try:
            room = await self.rooms.read(room_id, (self.bot, sender))
        except LoggedOut:
            raise
        except (Forbidden, NotFound, ValueError):
            raise absent from None
        except Rejected:
            raise Refused(Code.NO_SUCH_ROOM, room=named) from None
        # Who was removed from a room is shown it as it was then.
        if not room.joined(self.bot):
            raise absent
        return room
