# SPDX-License-Identifier: AGPL-3.0-or-later
"""Asking how far things are: `!migrate status` and `!migrate list`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from migrationbot.chat import answers
from migrationbot.chat.card import Card
from migrationbot.chat.spot import spot
from migrationbot.chat.wishes import List, Status
from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Decision, Wait
from migrationbot.core.guide import could_help, errands
from migrationbot.core.history import Visibility
from migrationbot.core.levels import level_missing
from migrationbot.core.move import Migration, Phase, RoomMove, Rules
from migrationbot.core.reasons import Reason
from migrationbot.core.room import JoinRule
from migrationbot.core.standing import standing
from migrationbot.matrix.doors import Company
from migrationbot.matrix.rooms import Rooms
from migrationbot.moves.request import RequestWriter
from migrationbot.moves.steps import Clock
from migrationbot.moves.tell import waits_until
from migrationbot.moves.witness import Witness
from migrationbot.store.migrations import Migrations
from migrationbot.store.pause import Pauses

from .letter import Letter
from .which import Which

_BY_INVITE = (JoinRule.INVITE, JoinRule.KNOCK, JoinRule.PRIVATE)  # nobody comes in whom no member lets in
_MOST_LOOKED_UP = 20  # memberships of those who could help
_JUST_US = Company(joined=2, invited=0)


@dataclass(frozen=True, kw_only=True)
class Looking:
    """Says what is so now. Changes nothing."""

    bot: str  # the bot's own user ID
    rooms: Rooms
    company: Callable[[str], Awaitable[Company | None]]  # who is in a room, by its ID
    store: Migrations
    which: Which
    pauses: Pauses
    witness: Witness
    writer: RequestWriter
    many: Callable[[Migration], Awaitable[Card]]  # says how far a migration in many rooms is
    rules: Callable[[], Rules]
    command: Callable[[], str]  # the word after the `!`
    now: Clock

    async def status(self, command: Status, letter: Letter) -> Card:
        """How far a migration is, for those who are in its room. Raises Refused NO_SUCH_MIGRATION."""
        found = await self.which.any(command.number, letter)
        if found.many and found.home_room == letter.room_id:
            return await self.many(found)  # in other rooms it is not told which rooms there are
        migration, room_id = await self.which.readable(command.number, letter)
        return await self.show(migration, room_id, letter)

    async def show(self, migration: Migration, room_id: str, letter: Letter) -> Card:
        """The same for a migration that is known already, and that the asker may see."""
        move = await self.store.move(migration, room_id, self.rules())
        where = spot(room_id, await self.rooms.name(room_id), at=letter.room_id)
        word = self.command()
        if move.phase is Phase.ENDED:
            return answers.ended(migration, move, command=word, now=self.now(), spot=where)
        outlook = await self._outlook(migration, move)
        return answers.status(migration, move, outlook, command=word, spot=where)

    async def mine(self, _: List, letter: Letter) -> Card:
        """The asker's own migrations: where others see the answer, only those of this room."""
        everywhere = await self._is_private(letter)
        found = await self.store.of_person(
            letter.sender, room_id=None if everywhere else letter.room_id, most=answers.MOST_LISTED
        )
        counts = [len(await self.store.rooms_of(migration.number)) for migration in found]
        moves = [await self._move(migration) for migration in found]
        names = await self._names({move.room_id for move in moves} if everywhere else set())
        lines = [
            answers.Listed(
                migration=migration, move=move, room_name=names.get(move.room_id), more_rooms=count - 1
            )
            for migration, move, count in zip(found, moves, counts, strict=True)
        ]
        return answers.listed(
            lines, here=letter.room_id, everywhere=everywhere, command=self.command(), now=self.now()
        )

    async def _move(self, migration: Migration) -> RoomMove:
        """Its move; of many the first one that is still open, or else the first."""
        moves = await self.store.moves(migration, self.rules())
        return next((move for move in moves if move.phase is not Phase.ENDED), moves[0])

    async def _outlook(self, migration: Migration, move: RoomMove) -> answers.Outlook:
        sight, now = await self.witness.look(migration, move), self.now()
        wait = await self._wait(move, decide(move, sight.room, sight.evidence, now, sight.succession))
        failed = wait is not None and move.trouble is not None and move.trouble.reason is wait.reason
        found = standing(move, sight.room, sight.evidence, sight.succession)
        helping = await self.rooms.with_members(sight.room, could_help(move, sight.room)[:_MOST_LOOKED_UP])
        return answers.Outlook(
            standing=found,
            errands=errands(move, helping, found) if move.plan.guided else (),
            goal=wait.goal if wait else None,
            approvers=await self.writer.approvers(move, sight.room),
            wait=wait.reason if wait else None,
            until=waits_until(move, wait) if wait else 0,
            retry_at=wait.until if wait and failed else None,
            level=level_missing(wait.reason if wait else None, move, sight.room),
            now=now,
        )

    async def _wait(self, move: RoomMove, decision: Decision) -> Wait | None:
        """What the move waits for; None when nothing keeps the bot from its next step."""
        if isinstance(decision, Act) and await self.pauses.now() is not None:
            return Wait(reason=Reason.PAUSED, until=move.expires_at)
        return decision if isinstance(decision, Wait) else None

    async def _is_private(self, letter: Letter) -> bool:
        """Whether nobody but the asker reads the answer, now or by coming in later without being let in."""
        room = await self.rooms.read(letter.room_id, (self.bot, letter.sender), whole=True)
        if not room.joined(letter.sender) or room.join_rule not in _BY_INVITE:
            return False
        if room.visibility is Visibility.WORLD_READABLE:
            return False
        return await self.company(letter.room_id) == _JUST_US

    async def _names(self, room_ids: set[str]) -> dict[str, str | None]:
        ordered = sorted(room_ids)
        return dict(zip(ordered, await asyncio.gather(*map(self.rooms.name, ordered)), strict=True))
