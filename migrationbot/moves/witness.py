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
from migrationbot.core.move import Migration, RoomMove, Step
from migrationbot.core.room import RoomState
from migrationbot.matrix.rooms import Message, Rooms
from migrationbot.moves.lookout import Lookout
from migrationbot.moves.statements import Statements

_MOST_REACTORS = 40  # of those with the highest levels: an answer needs one or a few, never a crowd


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What the homeserver shows at one moment: the room and the evidence."""

    room: RoomState
    evidence: Evidence
    electors: tuple[str, ...] = ()  # of a lost account: on whose being there it depends how many must agree


class Witness:
    """Looks, and remembers nothing."""

    def __init__(self, rooms: Rooms, statements: Statements, lookout: Lookout, *, bot: str) -> None:
        self._rooms = rooms
        self._lookout = lookout
        self._statements = statements
        self._bot = bot

    async def look(self, migration: Migration, move: RoomMove) -> Sight:
        """The room and the evidence now. Raises Forbidden when the bot is not in the room."""
        people = {self._bot, migration.old, migration.new, migration.requester}
        room, evidence = await asyncio.gather(
            self._rooms.read(move.room_id, people, more=read_besides(move)),
            self._evidence(migration, move),
        )
        others = _reactors(evidence.reactions, room, people)
        room = await self._rooms.with_members(room, others)
        evidence = replace(evidence, addresses=await self._addresses(move, room))
        if not move.lost:
            return Sight(room=room, evidence=evidence)
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
        led_to = await asyncio.gather(*(self._rooms.led_to(alias) for alias in asked))
        return frozenset(alias for alias, found in zip(asked, led_to, strict=True) if found == move.room_id)

    async def room(self, migration: Migration, move: RoomMove) -> RoomState:
        """The room now, with all that a card tells of."""
        people = (self._bot, migration.old, migration.new)
        return await self._rooms.read(move.room_id, people, whole=True, more=read_besides(move))

    async def _evidence(self, migration: Migration, move: RoomMove) -> Evidence:
        home, card = migration.home_room, migration.event_of(Step.REQUEST_CARD)
        confirm = migration.event_of(Step.CONFIRM_CARD)
        command, request, asked, reactions, confirmations, typed = await asyncio.gather(
            self._rooms.message(home, migration.command_event),
            self._message(home, card),
            self._message(home, confirm),
            self._reactions(home, card),
            self._reactions(home, confirm),
            self._statements.standing(migration),
        )
        return Evidence(
            command_stands=command is not None
            and not command.redacted
            and command.sender == migration.requester,
            cancelled_by=migration.cancelled_by,
            command_event=migration.command_event if home == move.room_id else "",
            card_stands=card is None or self._ours(request),
            # Nobody can have agreed to what was not shown yet.
            reactions=(*reactions, *typed) if card is not None else (),
            confirm_stands=confirm is None or self._ours(asked),
            confirmations=(*confirmations, *(each for each in typed if each.sender == migration.new)),
        )

    def _ours(self, message: Message | None) -> bool:
        """Whether it is the bot's own message, unredacted, in the words in which it was posted."""
        if message is None or message.redacted or message.edited_by is not None:
            return False
        return message.sender == self._bot

    async def _message(self, room_id: str, event_id: str | None) -> Message | None:
        return await self._rooms.message(room_id, event_id) if event_id else None

    async def _reactions(self, room_id: str, event_id: str | None) -> tuple[Reaction, ...]:
        return await self._rooms.reactions(room_id, event_id) if event_id else ()


def _reactors(reactions: Iterable[Reaction], room: RoomState, known: set[str]) -> list[str]:
    """Whose membership is worth asking for: those with the highest levels, the earliest first."""
    senders = dict.fromkeys(each.sender for each in reactions if each.sender not in known)
    return sorted(senders, key=lambda user: -room.power.level_of(user))[:_MOST_REACTORS]
