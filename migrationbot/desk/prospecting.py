# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looking at every room of a community: does it move, and is anybody here who may say yes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from migrationbot.config import Settings
from migrationbot.core.able import worth
from migrationbot.core.approval import who_may_approve
from migrationbot.core.community import LEVEL, Entry, Prospect, in_order, looked_at_again
from migrationbot.core.errors import Code, Refused
from migrationbot.core.levels import level_asked_now
from migrationbot.core.move import Migration, Plan, RoomMove
from migrationbot.core.plan import Wish, check_possible, make_plan
from migrationbot.core.room import Membership, RoomState
from migrationbot.matrix.errors import Forbidden, NotFound
from migrationbot.matrix.rooms import Rooms
from migrationbot.matrix.spaces import Place, Spaces
from migrationbot.moves.rules import rules_of
from migrationbot.store.migrations import Migrations
from migrationbot.store.openings import Openings

_MOST_LOOKED_UP = 20  # people for each room: one who is here is enough


@dataclass(frozen=True, kw_only=True)
class Prospects:
    """All rooms in order, and who of those here may approve, once for each room in which they may."""

    rooms: Sequence[Prospect]
    people: Sequence[str]  # user IDs

    @property
    def plans(self) -> dict[str, Plan]:
        """The plans of those that move, by room ID, in order."""
        return {each.entry.room_id: each.plan for each in self.rooms if each.plan is not None}


@dataclass(kw_only=True)
class _Home:
    """Who is in the room where it was asked; each is asked for once."""

    room_id: str
    rooms: Rooms
    _known: dict[str, asyncio.Future[bool]] = field(default_factory=dict)

    async def holds(self, user_id: str) -> bool:
        """Whether the account is there."""
        if user_id not in self._known:
            self._known[user_id] = asyncio.ensure_future(self._look(user_id))
        return await self._known[user_id]

    async def _look(self, user_id: str) -> bool:
        event = await self.rooms.state_event(self.room_id, "m.room.member", user_id)
        return event is not None and event.content.get("membership") == Membership.JOIN.value


@dataclass(frozen=True, kw_only=True)
class Prospecting:
    """Reads the rooms, a few at a time. Changes nothing."""

    bot: str  # the bot's own user ID
    rooms: Rooms
    spaces: Spaces
    store: Migrations
    openings: Openings
    settings: Callable[[], Settings]

    async def look(self, migration: Migration, places: Sequence[Place]) -> Prospects:
        """A plan for each room, or why there can be none."""
        inside, home = await self.spaces.joined(), _Home(room_id=migration.home_room, rooms=self.rooms)
        opening: frozenset[str] = frozenset()

        async def one(place: Place) -> tuple[Prospect, tuple[str, ...]]:
            wish = self._wish(migration, opening)
            return await self._prospect(migration, place, home, wish, inside=place.room_id in inside)

        found = await self.spaces.each([place for place in places if place.is_space], one)
        # The new account joins these first, and they may let it into their rooms.
        opening = frozenset(each.entry.room_id for each, _ in found if each.plan is not None)
        found += await self.spaces.each([place for place in places if not place.is_space], one)
        return Prospects(
            rooms=in_order(prospect for prospect, _ in found),
            people=[person for _, people in found for person in people],
        )

    async def again(self, migration: Migration, entry: Entry, spaces: frozenset[str]) -> Prospect:
        """A room that could not move, as it is now. `spaces` are those that let the new account in."""
        inside, home = await self.spaces.joined(), _Home(room_id=migration.home_room, rooms=self.rooms)
        there = entry.room_id in inside
        # What it is, the bot may not have been able to see.
        is_space = entry.is_space or (there and await self._is_space(entry.room_id))
        place = Place(room_id=entry.room_id, name=entry.name, is_space=is_space)
        found, _ = await self._prospect(migration, place, home, self._wish(migration, spaces), inside=there)
        return looked_at_again(entry, found)

    async def _is_space(self, room_id: str) -> bool:
        try:
            return await self.spaces.is_space(room_id)
        except (Forbidden, NotFound):
            return False

    async def _prospect(
        self, migration: Migration, place: Place, home: _Home, wish: Wish, *, inside: bool
    ) -> tuple[Prospect, tuple[str, ...]]:
        entry = Entry(room_id=place.room_id, name=place.name, is_space=place.is_space)
        room: RoomState | None = None
        try:
            if not inside:
                raise Refused(Code.BOT_NOT_JOINED, room=place.room_id, bot=self.bot)
            room = await self._read(migration, place.room_id)
            plan = make_plan(wish, room)
            if plan.guided:
                check_possible(wish, await self._with_powerful(room), plan)
        except Refused as refused:
            # What a room is called is for those who are in it.
            name = "" if refused.code is Code.NOT_JOINED else entry.name
            found = replace(entry, name=name, code=refused.code, details=refused.details)
            return Prospect(entry=_with_level(found, migration, room)), ()
        entry = replace(entry, name=place.name or room.name or "")
        move = self._move(migration, place.room_id, plan)
        people, enough = await self._people(move, room, home)
        return Prospect(entry=replace(entry, at_home=enough), plan=plan), people

    async def _read(self, migration: Migration, room_id: str) -> RoomState:
        """The room now. Raises Refused when nothing can be planned there."""
        number = await self.store.active_in(room_id, (migration.old, migration.new))
        if number is not None:
            raise Refused(Code.ALREADY_MOVING, number=str(number))
        people = (self.bot, migration.old, migration.new, migration.requester)
        try:
            room = await self.rooms.read(room_id, people, whole=True)
        except (Forbidden, NotFound):
            raise Refused(Code.BOT_NOT_JOINED, room=room_id, bot=self.bot) from None
        # What another move has opened for a while is not the room's own setting.
        own = await self.openings.own_setting(room_id)
        return replace(room, visibility=own or room.visibility)

    async def _with_powerful(self, room: RoomState) -> RoomState:
        """The room with the memberships of those who could do what the bot may not."""
        known = sorted({*room.power.users, *room.power.creators}, key=lambda user: -room.power.level_of(user))
        return await self.rooms.with_members(room, known[:_MOST_LOOKED_UP])

    async def _people(self, move: RoomMove, room: RoomState, home: _Home) -> tuple[tuple[str, ...], bool]:
        """Who of those at home may approve in this room, and whether they are enough."""
        asked, needed = level_asked_now(move, room), move.rules.approvals_needed
        candidates = who_may_approve(move, room.power, asked)[:_MOST_LOOKED_UP]
        there = await asyncio.gather(*map(home.holds, candidates))
        present = [user for user, joined in zip(candidates, there, strict=True) if joined]
        room = await self.rooms.with_members(room, [user for user in present if user not in room.members])
        people = tuple(user for user in present if room.joined(user))
        anyone = room.power.users_default >= asked and move.rules.requester_may_approve
        return people, len(people) >= needed or (anyone and needed == 1)

    def _wish(self, migration: Migration, opening: frozenset[str]) -> Wish:
        opens = self.settings().open_history and not migration.options.keep_history
        return Wish(
            bot=self.bot,
            old=migration.old,
            new=migration.new,
            open_history=opens,
            more=migration.options.step_down or migration.options.leave,
            memberships=opening,
        )

    def _move(self, migration: Migration, room_id: str, plan: Plan) -> RoomMove:
        return RoomMove(
            migration=migration.number,
            room_id=room_id,
            bot=self.bot,
            requester=migration.requester,
            old=migration.old,
            new=migration.new,
            plan=plan,
            rules=rules_of(self.settings()),
            options=migration.options,
            expires_at=migration.expires_at,
        )


def _with_level(entry: Entry, migration: Migration, room: RoomState | None) -> Entry:
    """The room with the level that it takes once it can move: no more is agreed to."""
    if room is None or not entry.mendable:
        return entry
    return replace(entry, details={**entry.details, LEVEL: str(worth(room.power, migration.old))})
