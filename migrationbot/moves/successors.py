# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looking at the room that an upgrade has made, and at what the upgrade left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from migrationbot.core.able import can_send
from migrationbot.core.ids import server_of
from migrationbot.core.move import RoomMove
from migrationbot.core.room import JoinRule, RoomState, StateEvent
from migrationbot.core.steps import Step
from migrationbot.core.succession import Parent, Succession, flaw
from migrationbot.matrix.errors import Forbidden, NotFound, Rejected
from migrationbot.matrix.passage import Passage
from migrationbot.matrix.rooms import Rooms
from migrationbot.store.deeds import Deeds

MOST_INVITED = 100  # members of the old room; the others are told of
_MOST_SPACES = 10
_MOST_ALIASES = 20
_CANONICAL, _CHILD = "m.room.canonical_alias", "m.space.child"


class Successors:
    """Looks, and remembers nothing."""

    def __init__(self, rooms: Rooms, passage: Passage, deeds: Deeds) -> None:
        self._rooms = rooms
        self._passage = passage
        self._deeds = deeds

    async def look(self, move: RoomMove, room: RoomState, *, whole: bool = False) -> Succession | None:
        """What is so now; None while there is nothing to follow. With `whole` also what only cards tell of.

        Nothing is asked about a room that is not what was agreed to.
        """
        if not move.options.hand_over or room.successor is None:
            return None
        people = (move.bot, move.old, move.new, room.upgraded_by)
        seen = Succession(deeds=await self._deeds.of(move))
        if flaw(move, room, seen) is not None:
            return seen
        seen = replace(seen, watched=people, successor=await self._successor(room.successor, people))
        if seen.successor is None or flaw(move, room, seen) is not None:
            return seen
        return await self._left_behind(move, room, seen.successor, seen, whole=whole)

    async def _successor(self, room_id: str, people: tuple[str, ...]) -> RoomState | None:
        try:
            successor = await self._rooms.read(room_id, people, whole=True)
        except (Forbidden, NotFound, Rejected, ValueError):
            return None
        return successor if successor.joined(people[0]) else None

    async def _left_behind(
        self, move: RoomMove, room: RoomState, successor: RoomState, seen: Succession, *, whole: bool
    ) -> Succession:
        absent, parents, seen = await asyncio.gather(
            self._absent(move, room, successor),
            self._parents(move, room, successor.room_id),
            self._with_aliases(move, successor.room_id, seen, whole=whole),
        )
        invited = {target for step, target in seen.deeds if step is Step.INVITE_MEMBER}
        most = MOST_INVITED - len(invited.difference(absent))
        return replace(seen, absent=absent[:most], more=len(absent[most:]), parents=parents)

    async def _absent(self, move: RoomMove, room: RoomState, successor: RoomState) -> tuple[str, ...]:
        """Who is in the old room and was never in the new one, and can't join it without an invite."""
        if successor.join_rule is JoinRule.PUBLIC:
            return ()
        spaces = sorted(successor.allowed_from)[:_MOST_SPACES]
        here, there = await asyncio.gather(
            self._passage.joined(room.room_id), self._passage.memberships(successor.room_id)
        )
        free = await asyncio.gather(*(self._passage.joined(each) for each in spaces))
        not_asked = {move.bot, move.new, *([move.old] if move.options.leave else [])}
        others = here.difference(there, not_asked, *free)
        missing = (user for user in others if successor.admits_server_of(user))
        return tuple(sorted(missing, key=lambda user: (-room.power.level_of(user), user)))

    async def _parents(self, move: RoomMove, room: RoomState, successor: str) -> tuple[Parent, ...]:
        named = await self._passage.named_parents(move.room_id)
        spaces = sorted({*named, *room.allowed_from}, key=lambda each: (each not in named, each))[
            :_MOST_SPACES
        ]
        found = await asyncio.gather(*(self._parent(move, each, successor) for each in spaces))
        # A space that the bot can't see may list the old room, if that says so.
        unseen = [
            Parent(space=space, lists_old=True, lists_new=False, bot_may=False, agreed=False)
            for space, parent in zip(spaces, found, strict=True)
            if parent is None and space in named
        ]
        seen = (each for each in found if each is not None)
        return (*(each for each in seen if each.lists_old or each.lists_new), *unseen)

    async def _parent(self, move: RoomMove, space_id: str, successor: str) -> Parent | None:
        """A space that the room names; None when the bot can't see it."""
        party = {move.old, move.new, *move.approvers}
        try:
            space = await self._rooms.read(space_id, {move.bot, *party})
            old, new = await asyncio.gather(
                self._rooms.state_event(space_id, _CHILD, move.room_id),
                self._rooms.state_event(space_id, _CHILD, successor),
            )
        except (Forbidden, NotFound, Rejected, ValueError):
            return None
        asked = space.power.to_send(_CHILD)
        return Parent(
            space=space_id,
            lists_old=lists(old),
            lists_new=lists(new),
            bot_may=space.joined(move.bot) and can_send(space.power, move.bot, _CHILD),
            agreed=any(space.holds(user, asked) for user in party),
        )

    async def _with_aliases(
        self, move: RoomMove, successor: str, seen: Succession, *, whole: bool
    ) -> Succession:
        local, before, now = await asyncio.gather(
            self._passage.aliases(move.room_id),
            self._rooms.state_event(move.room_id, _CANONICAL, ""),
            self._rooms.state_event(successor, _CANONICAL, ""),
        )
        named, own = aliases_in(before)[:_MOST_ALIASES], server_of(move.bot)
        ours = [alias for alias in named if server_of(alias) == own]
        elsewhere = [alias for alias in named if whole and server_of(alias) != own]
        begun = [
            target for (step, target), deed in seen.deeds.items() if step is Step.MOVE_ALIAS and not deed.done
        ]
        return replace(
            seen,
            stale=(*local[:_MOST_ALIASES], *[alias for alias in begun if await self._is_nowhere(alias)]),
            foreign=await self._leading_to(move.room_id, elsewhere),
            unnamed=await self._leading_to(successor, ours) if not aliases_in(now) else (),
        )

    async def _is_nowhere(self, alias: str) -> bool:
        """Whether it was taken from the old room, and a crash came before it was given to the new one."""
        return await self._passage.leads_to(alias) is None

    async def _leading_to(self, room_id: str, aliases: Iterable[str]) -> tuple[str, ...]:
        asked = tuple(aliases)
        found = await asyncio.gather(*(self._passage.leads_to(alias) for alias in asked))
        return tuple(alias for alias, leads_to in zip(asked, found, strict=True) if leads_to == room_id)


def lists(child: StateEvent | None) -> bool:
    """Whether it puts the room into the space: without `via` it does not. Spec: m.space.child."""
    return child is not None and bool(child.content.get("via"))


def aliases_in(event: StateEvent | None) -> tuple[str, ...]:
    """What m.room.canonical_alias names, the main one first."""
    content = event.content if event is not None else {}
    more = content.get("alt_aliases")
    named = [content.get("alias"), *(more if isinstance(more, list) else ())]
    return tuple(dict.fromkeys(each for each in named if isinstance(each, str) and each.startswith("#")))
