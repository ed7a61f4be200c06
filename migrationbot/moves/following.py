# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bot's acts after an upgrade of a room: going into the new one, and mending what was left behind."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from migrationbot.chat import handover
from migrationbot.core.decisions import Act
from migrationbot.core.ids import server_of
from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.steps import Step
from migrationbot.matrix.doors import Doors
from migrationbot.matrix.errors import HomeserverError, LoggedOut, TimedOut
from migrationbot.matrix.messages import Messages, content_of
from migrationbot.matrix.passage import Passage
from migrationbot.matrix.rooms import Rooms
from migrationbot.matrix.sealing import NoEncryption
from migrationbot.moves.steps import Clock
from migrationbot.moves.successors import aliases_in
from migrationbot.moves.witness import Sight, Witness
from migrationbot.store.deeds import Deeds

_CANONICAL, _CHILD, _HISTORY = "m.room.canonical_alias", "m.space.child", "m.room.history_visibility"

_Deed = Callable[[Act, Migration, RoomMove, Sight], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Following:
    """Carries out one act at a time. What the homeserver refuses is noted, and keeps nothing else back."""

    rooms: Rooms
    passage: Passage
    doors: Doors
    messages: Messages
    witness: Witness
    deeds: Deeds
    done: Callable[[Step], None]  # is told of each act that was done
    now: Clock

    async def perform(self, act: Act, migration: Migration, move: RoomMove, sight: Sight) -> None:
        """Do it on what was just read. Raises Limited, LoggedOut and Unavailable: then nothing is noted."""
        await self.deeds.intend(move, act.step, act.target, now=self.now())
        try:
            await self._acts()[act.step](act, migration, move, sight)
        except LoggedOut:
            raise
        except (HomeserverError, TimedOut, NoEncryption):
            await self.deeds.tried(move, act.step, act.target, done=False, now=self.now())
        else:
            await self.deeds.tried(move, act.step, act.target, done=True, now=self.now())
            self.done(act.step)

    def _acts(self) -> dict[Step, _Deed]:
        return {
            Step.FOLLOW: self._follow,
            Step.INVITE_HEIR: self._invite,
            Step.INVITE_MEMBER: self._invite,
            Step.CARRY_HISTORY: self._carry_history,
            Step.LIST_CHILD: self._list_child,
            Step.UNLIST_CHILD: self._unlist_child,
            Step.MOVE_ALIAS: self._move_alias,
            Step.NAME_ALIAS: self._name_alias,
            Step.SUCCESSOR_CARD: self._report,
        }

    async def _follow(self, act: Act, _: Migration, __: RoomMove, sight: Sight) -> None:
        await self.doors.join(act.target, via=server_of(sight.room.upgraded_by))

    async def _invite(self, act: Act, _: Migration, __: RoomMove, sight: Sight) -> None:
        await self.rooms.invite(sight.room.successor or "", act.target)

    async def _carry_history(self, act: Act, _: Migration, __: RoomMove, sight: Sight) -> None:
        content = {"history_visibility": sight.room.visibility.value}
        await self.passage.put_state(act.target, _HISTORY, "", content)

    async def _list_child(self, act: Act, _: Migration, move: RoomMove, sight: Sight) -> None:
        """As the old room was listed: in the same place, and suggested or not."""
        before = await self.rooms.state_event(act.target, _CHILD, move.room_id)
        servers = dict.fromkeys((server_of(sight.room.upgraded_by), server_of(move.bot)))
        content = {**(before.content if before else {}), "via": list(servers)}
        await self.passage.put_state(act.target, _CHILD, sight.room.successor or "", content)

    async def _unlist_child(self, act: Act, _: Migration, move: RoomMove, __: Sight) -> None:
        await self.passage.put_state(act.target, _CHILD, move.room_id, {})

    async def _move_alias(self, act: Act, _: Migration, move: RoomMove, sight: Sight) -> None:
        await self.passage.move_alias(act.target, old=move.room_id, new=sight.room.successor or "")

    async def _name_alias(self, act: Act, _: Migration, move: RoomMove, sight: Sight) -> None:
        """The main one stays the main one, the others alternatives."""
        before = await self.rooms.state_event(move.room_id, _CANONICAL, "")
        named = sight.succession.unnamed if sight.succession else ()
        main = next((alias for alias in aliases_in(before)[:1] if alias in named), None)
        content: dict[str, object] = {"alias": main} if main else {}
        others = [alias for alias in named if alias != main]
        content |= {"alt_aliases": others} if others else {}
        await self.passage.put_state(act.target, _CANONICAL, "", content)

    async def _report(self, act: Act, migration: Migration, move: RoomMove, sight: Sight) -> None:
        succession = await self.witness.succession(move, sight.room)
        if succession is None:
            return
        card = handover.report(migration, move, sight.room, succession)
        told = f"{migration.command_event}\n{act.target}\n{act.step.value}"
        transaction = "migrationbot-" + hashlib.sha256(told.encode()).hexdigest()[:32]
        await self.messages.post(act.target, content_of(card), transaction)


FOLLOWING = frozenset(
    {
        Step.FOLLOW,
        Step.INVITE_HEIR,
        Step.INVITE_MEMBER,
        Step.CARRY_HISTORY,
        Step.LIST_CHILD,
        Step.UNLIST_CHILD,
        Step.MOVE_ALIAS,
        Step.NAME_ALIAS,
        Step.SUCCESSOR_CARD,
    }
)
