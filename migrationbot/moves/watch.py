# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which events concern an open migration: a set look-up for each event, no I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeVar

from migrationbot.core.move import Migration
from migrationbot.core.steps import Step

_Name = TypeVar("_Name", str, tuple[str, str])
Key = tuple[int, str]  # a migration's number and a room ID


class Watch:
    """Rooms, messages and accounts that open migrations depend on."""

    def __init__(self) -> None:
        self._rooms: dict[str, set[Key]] = defaultdict(set)
        self._messages: dict[str, set[Key]] = defaultdict(set)
        self._people: dict[tuple[str, str], set[Key]] = defaultdict(set)
        self._speakers: dict[tuple[str, str], set[Key]] = defaultdict(set)
        self._outside: dict[str, set[Key]] = defaultdict(set)
        self._places: dict[Key, int] = {}  # of each move among those of its migration

    def add(
        self,
        migration: Migration,
        room_ids: Iterable[str],
        *,
        room_cards: Iterable[tuple[str, str]] = (),
        answered_in: Iterable[str] = (),
    ) -> None:
        """Watch a migration; again when it has got new cards, or an answer that was typed in another room.

        `room_cards` are the cards about single rooms: their room IDs and the cards' event IDs.
        """
        ordered = [(migration.number, room_id) for room_id in room_ids]
        self._places.update({key: place for place, key in enumerate(ordered)})
        keys = set(ordered)
        for room_id, card in room_cards:
            self._messages[card].add((migration.number, room_id))
        for key in keys:
            self._add_place(migration, key[1], {key})
            self._people[key[1], migration.new].add(key)
        for room_id in {migration.home_room, migration.room_of(Step.CONFIRM_CARD), *answered_in}:
            self._add_place(migration, room_id, keys)
            if (migration.number, room_id) not in keys:  # else its coming in matters to that room alone
                self._people[room_id, migration.new] |= keys
        for event_id in (
            migration.command_event,
            migration.event_of(Step.REQUEST_CARD),
            migration.event_of(Step.CONFIRM_CARD),
        ):
            if event_id is not None:
                self._messages[event_id] |= keys

    def _add_place(self, migration: Migration, room_id: str, keys: set[Key]) -> None:
        self._rooms[room_id] |= keys
        for person in (migration.old, migration.requester):
            self._people[room_id, person] |= keys
        if migration.lost:
            self._speakers[room_id, migration.old] |= keys
        if migration.options.address:
            self._speakers[room_id, migration.new] |= keys

    def add_people(self, key: Key, people: Iterable[str]) -> None:
        """Watch the membership of those on whose approval a move rests."""
        for person in people:
            self._people[key[1], person].add(key)

    def add_outside(self, migration: Migration, room_ids: Iterable[str], *, bot: str) -> None:
        """Watch rooms that can't move yet. No move goes on there, and the bot may not even be in them."""
        for room_id in room_ids:
            key = (migration.number, room_id)
            self._outside[room_id].add(key)
            for person in (migration.new, bot):
                self._people[room_id, person].add(key)

    def follow(self, key: Key, successor: str, people: Iterable[str]) -> None:
        """Watch the room that an upgrade has made as well, and who comes in there."""
        self._rooms[successor].add(key)
        for person in people:
            self._people[successor, person].add(key)

    def remove(self, number: int) -> None:
        """Forget an ended migration."""
        _forget(self._rooms, number)
        _forget(self._messages, number)
        _forget(self._people, number)
        _forget(self._speakers, number)
        _forget(self._outside, number)
        self._places = {key: place for key, place in self._places.items() if key[0] != number}

    def room(self, room_id: str) -> Sequence[Key]:
        """The moves that depend on this room's state."""
        return self._in_order({*self._rooms.get(room_id, ()), *self._outside.get(room_id, ())})

    def busy(self, room_id: str) -> bool:
        """Whether a move goes on there."""
        return bool(self._rooms.get(room_id))

    def message(self, event_id: str) -> Sequence[Key]:
        """The moves whose command or card this is."""
        return self._in_order(self._messages.get(event_id, ()))

    def speaker(self, room_id: str, user_id: str) -> Sequence[Key]:
        """The moves that this account ends, or has look again, by saying anything."""
        return self._in_order(self._speakers.get((room_id, user_id), ()))

    def person(self, room_id: str, user_id: str) -> Sequence[Key]:
        """The moves that depend on this account's membership."""
        return self._in_order(self._people.get((room_id, user_id), ()))

    def _in_order(self, keys: Iterable[Key]) -> Sequence[Key]:
        """As the rooms of each migration are to move: who is woken first is first to invite."""
        return sorted(keys, key=lambda key: (key[0], self._places.get(key, 0)))


def _forget(index: dict[_Name, set[Key]], number: int) -> None:
    for name in list(index):
        index[name] = {key for key in index[name] if key[0] != number}
        if not index[name]:
            del index[name]
