# SPDX-License-Identifier: AGPL-3.0-or-later
"""Asking where an account has moved: `!migrate whereis @old:server.org`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from migrationbot.chat import whereabouts
from migrationbot.chat.card import Card
from migrationbot.chat.wishes import WhereIs
from migrationbot.core.errors import Code, Refused
from migrationbot.core.move import Rules
from migrationbot.core.moved import Moved, key_of, read_record
from migrationbot.core.reasons import Outcome
from migrationbot.core.room import MOVED
from migrationbot.core.steps import Step
from migrationbot.matrix.errors import Forbidden
from migrationbot.matrix.rooms import Rooms
from migrationbot.moves.proof import Proof
from migrationbot.store.migrations import Migrations

from .letter import Letter

_ARRIVED = (Outcome.DONE, Outcome.PARTIAL)


@dataclass(frozen=True, kw_only=True)
class Whereabouts:
    """Says it to members of the room in which it happened, and only what can still be proved."""

    bot: str  # the bot's own user ID
    rooms: Rooms
    store: Migrations
    proof: Proof
    rules: Callable[[], Rules]

    async def tell(self, command: WhereIs, letter: Letter) -> Card:
        """Where the account has moved. Raises Refused NO_SUCH_MIGRATION."""
        room = await self.rooms.read(letter.room_id, (self.bot, letter.sender))
        if room.joined(letter.sender):
            found = await self._published(command.user, letter.room_id)
            found = found or await self._remembered(command.user, letter.room_id)
            if found is not None:
                moved, shows_proof = found
                return whereabouts.moved(moved, room_id=letter.room_id if shows_proof else None)
        raise Refused(Code.NO_SUCH_MIGRATION, old=command.user)

    async def _published(self, old: str, room_id: str) -> tuple[Moved, bool] | None:
        """What the room's own record says; its proof is in the room itself."""
        event = await self.rooms.state_event(room_id, MOVED, key_of(old))
        moved = read_record(event, by=self.bot, old=old) if event else None
        return (moved, True) if moved and await self.proof.holds((room_id,), moved) else None

    async def _remembered(self, old: str, room_id: str) -> tuple[Moved, bool] | None:
        """What the bot's own records say, the latest first; and whether all its proof is in the room itself.

        Of what was asked in another room, this room's members are not told where that was.
        """
        for migration in await self.store.of_old(old, room_id=room_id):
            move = await self.store.move(migration, room_id, self.rules())
            if move.ending is None or move.ending.outcome not in _ARRIVED:
                continue
            places = (room_id, migration.home_room, migration.room_of(Step.CONFIRM_CARD))
            try:
                moved = await self.proof.of(migration, move)
            except Forbidden:
                continue  # a card stands in a room where the bot no longer is
            if moved and await self.proof.holds(places, moved):
                return moved, {*places} == {room_id}
        return None
