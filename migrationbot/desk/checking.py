# SPDX-License-Identifier: AGPL-3.0-or-later
"""Asking what the bot can do in a room: `!migrate check`."""

from __future__ import annotations

from dataclasses import dataclass

from migrationbot.chat import answers
from migrationbot.chat.card import Card
from migrationbot.chat.wishes import Check
from migrationbot.core.ability import abilities
from migrationbot.matrix.rooms import Rooms

from .letter import Letter


@dataclass(frozen=True, kw_only=True)
class Checking:
    """Looks at the room and says what it means for a move."""

    bot: str  # the bot's own user ID
    rooms: Rooms

    async def check(self, _: Check, letter: Letter) -> Card:
        """What the bot can and can't do here, and who mends that how."""
        room = await self.rooms.read(letter.room_id, (self.bot,), whole=True)
        return answers.check(room, abilities(room, self.bot), bot=self.bot)
