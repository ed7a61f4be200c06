# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reading the evidence of consent back from the homeserver."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

from migrationbot.core.address import in_question
from migrationbot.core.approval import Evidence, Reaction, who_may_approve
from migrationbot.core.besides import read_besides
from migrationbot.core.levels import level_asked_now
from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.room import RoomState
from migrationbot.core.steps import Step
from migrationbot.core.succession import Succession
from migrationbot.matrix.errors import Forbidden
from migrationbot.matrix.rooms import Message, Rooms
from migrationbot.matrix.together import Together
from migrationbot.moves.lookout import Lookout
from migrationbot.moves.stage import nearest
from migrationbot.moves.statements import Statements
from migrationbot.moves.successors import Successors

_JOIN_IN = 0.1  # seconds that a look takes longer where many rooms move, for several to share what it reads
_MOST_REACTORS = 40  # of those with the highest levels: an answer needs one or a few, never a crowd


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What the homeserver shows at one moment: the room and the evidence."""

    room: RoomState
    evidence: Evidence
    electors: tuple[str, ...] = ()  # of a lost account: on whose being there it depends how many must agree
    succession: Succession | None = None  # of a hand-over, once the room was upgraded


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """A card of the bot's, as it stands now."""

    there: bool = False
    stands: bool = True
    reactions: tuple[Reaction, ...] = ()


class Witness:
    """Looks, and remembers nothing."""

    def __init__(
        self, rooms: Rooms, statements: Statements, lookout: Lookout, successors: Successors, *, bot: str
    ) -> None:
        self._rooms = rooms
        self._lookout = lookout
        self._successors = successors
        self._statements = statements
        self._bot = bot
        self._confirmations: Together[_Shown] = Together()
        self._requests: Together[tuple[bool, _Shown]] = Together()

    async def look(self, migration: Migration, move: RoomMove) -> Sight:
        """The room and the evidence now. Raises Forbidden when the bot is not in the room.

        What rests on another thing is read before it: an answer is judged by the room as it was then or
        later, never by what was so before somebody gave it.
        """
        people = {self._bot, migration.old, migration.new, migration.requester}
        evidence = await self._evidence(migration, move)
        room = await self._rooms.read_for(move, people)
        others = _reactors((*evidence.reactions, *evidence.skips), room, people)
        room = await self._rooms.with_members(room, others)
        evidence = replace(evidence, addresses=await self._addresses(move, room))
        if not move.lost:
            return Sight(room=room, evidence=evidence, succession=await self._successors.look(move, room))
        able, seen_at = await asyncio.gather(
            self._lookout.able(move, room), self._lookout.seen_at(room, move.old)
        )
        return Sight(
            room=room,
            evidence=replace(evidence, able=able, old_seen_at=seen_at),
            electors=who_may_approve(move, room.power, level_asked_now(move, room))[:_MOST_REACTORS],
        )

    async def _addresses(self, move: RoomMove, room: RoomState) -> frozenset[str]:
        """Which of the addresses in question lead to the room."""
        asked = in_question(move, room)
        led_to = await asyncio.gather(*(self._rooms.of_alias(alias) for alias in asked))
        return frozenset(alias for alias, found in zip(asked, led_to, strict=True) if found == move.room_id)

    async def room(self, migration: Migration, move: RoomMove) -> RoomState:
        """The room now, with all that a card tells of."""
        people = (self._bot, migration.old, migration.new)
        return await self._rooms.read(move.room_id, people, whole=True, more=read_besides(move))

    async def succession(self, move: RoomMove, room: RoomState) -> Succession | None:
        """What a hand-over shows of the room's upgrade, with all that a card tells of."""
        return await self._successors.look(move, room, whole=True)

    async def name(self, move: RoomMove) -> str | None:
        """The room's name, if the bot can see it."""
        return await self._rooms.name(move.room_id)

    async def _evidence(self, migration: Migration, move: RoomMove) -> Evidence:
        confirm, asked_old = await asyncio.gather(
            self._confirmation(migration, move),
            self._shown(move, nearest(migration, move).room_id, move.event_of(Step.ASK_OLD)),
        )
        typed = await self._statements.standing(migration, move)
        (stands, request), in_room = await asyncio.gather(
            self._request(migration, move),
            self._shown(move, move.room_id, move.event_of(Step.ROOM_CARD)),
        )
        # Nobody can have agreed to what was not shown yet.
        shown = request.there or in_room.there
        return Evidence(
            command_stands=stands,
            cancelled_by=migration.cancelled_by,
            command_event=migration.command_event if migration.home_room == move.room_id else "",
            card_stands=request.stands and in_room.stands,
            reactions=(*request.reactions, *in_room.reactions, *typed) if shown else (),
            confirm_stands=confirm.stands,
            confirmations=(*confirm.reactions, *(each for each in typed if each.sender == migration.new)),
            skips=asked_old.reactions if asked_old.stands else (),
        )

    async def _confirmation(self, migration: Migration, move: RoomMove) -> _Shown:
        """What the new account was asked, and its answer: for all rooms that look at about this time."""
        room_id, card = migration.room_of(Step.CONFIRM_CARD), migration.event_of(Step.CONFIRM_CARD)
        question = (migration.number, card, room_id == move.room_id)
        pause = _JOIN_IN if migration.many else 0.0
        return await self._confirmations.ask(question, lambda: self._shown(move, room_id, card), pause=pause)

    async def _request(self, migration: Migration, move: RoomMove) -> tuple[bool, _Shown]:
        """Whether it is still asked, and what was answered. Who shared the confirmation shares this too."""
        home, card = migration.home_room, migration.event_of(Step.REQUEST_CARD)

        async def read() -> tuple[bool, _Shown]:
            return await asyncio.gather(self._command_stands(migration, move), self._shown(move, home, card))

        return await self._requests.ask((migration.number, card, home == move.room_id), read)

    async def _command_stands(self, migration: Migration, move: RoomMove) -> bool:
        """Whether it is still asked. What the bot can no longer read, it can no longer be sure of."""
        home = migration.home_room
        if home != move.room_id and not await self._rooms.joined(home, self._bot):
            return False
        command = await self._message(move, home, migration.command_event)
        return command is not None and not command.redacted and command.sender == migration.requester

    async def _shown(self, move: RoomMove, room_id: str, event_id: str | None) -> _Shown:
        """A card and what was answered to it; one that was never posted stands."""
        if event_id is None:
            return _Shown()
        message, reactions = await asyncio.gather(
            self._message(move, room_id, event_id), self._reactions(move, room_id, event_id)
        )
        return _Shown(there=True, stands=self._ours(message), reactions=reactions)

    def _ours(self, message: Message | None) -> bool:
        """Whether it is the bot's own message, unredacted, in the words in which it was posted."""
        if message is None or message.redacted or message.edited_by is not None:
            return False
        return message.sender == self._bot

    async def _message(self, move: RoomMove, room_id: str, event_id: str) -> Message | None:
        try:
            return await self._rooms.message(room_id, event_id)
        except Forbidden:
            if room_id == move.room_id:
                raise
            return None

    async def _reactions(self, move: RoomMove, room_id: str, event_id: str) -> tuple[Reaction, ...]:
        try:
            return await self._rooms.reactions(room_id, event_id)
        except Forbidden:
            if room_id == move.room_id:
                raise
            return ()


def _reactors(reactions: Iterable[Reaction], room: RoomState, known: set[str]) -> list[str]:
    """Whose membership is worth asking for: those with the highest levels, the earliest first."""
    senders = dict.fromkeys(each.sender for each in reactions if each.sender not in known)
    return sorted(senders, key=lambda user: -room.power.level_of(user))[:_MOST_REACTORS]
