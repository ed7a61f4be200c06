# SPDX-License-Identifier: AGPL-3.0-or-later
"""Spaces and the rooms in them, and the rooms that the bot shares with somebody. Only reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

from .api import CLIENT, CLIENT_V1, Api, Json, path
from .errors import Forbidden, HomeserverError, Limited, NotFound, RemoteUnreachable

SPACE = "m.space"  # Spec: client-server, Spaces: `type` in m.room.create
_PAGE = 50  # rooms: a homeserver gives no more at once
_MOST_PAGES = 40
_SIDE_BY_SIDE = 16  # reads at a time
_PATIENCE = 5  # times to wait when the homeserver limits a read
_Result = TypeVar("_Result")
_Item = TypeVar("_Item")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A room or space, as /hierarchy shows it."""

    room_id: str
    name: str
    is_space: bool
    children: tuple[str, ...] = ()  # room IDs


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A space with all that it holds, as far as the bot can see it."""

    places: Mapping[str, Place]  # by room ID, the space itself first
    hidden: tuple[str, ...]  # rooms that a space names and the homeserver does not show
    whole: bool  # False: there is more than the bot looks at

    def below(self, room_id: str) -> frozenset[str]:
        """The room itself and, if it is a space, everything in it."""
        found, left = set(), [room_id]
        while left:
            each = left.pop()
            if each not in found:
                found.add(each)
                place = self.places.get(each)
                left += place.children if place else ()
        return frozenset(found)


class Spaces:
    """Looks, and remembers nothing."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def tree(self, space_id: str) -> Tree:
        """The space with its rooms and sub-spaces. Raises Forbidden or NotFound when the bot can't see it.

        Spec: client-server, GET /rooms/{roomId}/hierarchy
        """
        where, query = path(CLIENT_V1, "rooms", space_id, "hierarchy"), {"limit": str(_PAGE)}
        places: dict[str, Place] = {}
        for _ in range(_MOST_PAGES):
            page = await self._get(where, query)
            for place in _places(page):
                places.setdefault(place.room_id, place)
            token = page.get("next_batch")
            if not isinstance(token, str):
                return _tree(places, whole=True)
            query = {**query, "from": token}
        return _tree(places, whole=False)

    async def is_space(self, room_id: str) -> bool:
        """Whether the room is a space. Raises Forbidden when the bot is not there."""
        where = path(CLIENT, "rooms", room_id, "state", "m.room.create", "")
        return (await self._api.get(where)).get("type") == SPACE

    async def space_of(self, room_id: str) -> str | None:
        """A space that this room belongs to by that space's own word, the canonical one first.

        What the room says of its parents is only where to look: whoever has power here could claim anything.
        Spec: client-server, m.space.parent, m.space.child
        """
        claimed = await self._claimed_parents(room_id)
        for parent in claimed:
            if await self._holds(parent, room_id):
                return parent
        # Rooms that were added to a space later often do not name it.
        others = sorted(await self.joined() - {room_id, *claimed})
        holds = await self.each(others, lambda parent: self._holds(parent, room_id))
        return next((parent for parent, held in zip(others, holds, strict=True) if held), None)

    async def room_of(self, name: str) -> str | None:
        """The room ID of an alias, None when there is no such room; a room ID is given back as it is."""
        if not name.startswith("#"):
            return name
        try:
            found = (await self._api.get(path(CLIENT, "directory", "room", name))).get("room_id")
        except (NotFound, RemoteUnreachable, HomeserverError):
            return None
        return found if isinstance(found, str) else None

    async def joined(self) -> frozenset[str]:
        """The rooms that the bot is in."""
        found = (await self._api.get(path(CLIENT, "joined_rooms"))).get("joined_rooms")
        return frozenset(each for each in (found if isinstance(found, list) else ()) if isinstance(each, str))

    async def shared_with(self, user_id: str) -> tuple[str, ...]:
        """The rooms that both the bot and this account are in: one small read for each room of the bot's."""
        rooms = sorted(await self.joined())
        there = await self.each(rooms, lambda room_id: self._is_joined(room_id, user_id))
        return tuple(room_id for room_id, joined in zip(rooms, there, strict=True) if joined)

    async def each(
        self, items: Iterable[_Item], work: Callable[[_Item], Awaitable[_Result]]
    ) -> list[_Result]:
        """The results of `work`, a few at a time, in the order of the items."""
        slots = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def one(item: _Item) -> _Result:
            async with slots:
                return await work(item)

        return list(await asyncio.gather(*map(one, items)))

    async def _is_joined(self, room_id: str, user_id: str) -> bool:
        found = await self._state(room_id, "m.room.member", user_id)
        return found.get("membership") == "join"

    async def _holds(self, space_id: str, room_id: str) -> bool:
        return bool(_via(await self._state(space_id, "m.space.child", room_id)))

    async def _state(self, room_id: str, kind: str, key: str) -> Json:
        """The content of a piece of state, empty when there is none or the bot may not see it."""
        try:
            return await self._api.get(path(CLIENT, "rooms", room_id, "state", kind, key))
        except (NotFound, Forbidden):
            return {}

    async def _claimed_parents(self, room_id: str) -> list[str]:
        """The spaces that the room says it is in. Only a sync lists state by its type alone."""
        answer = await self._api.get(
            path(CLIENT, "sync"), {"filter": _parents_filter(room_id), "timeout": "0"}, seconds=120.0
        )
        room = _dict(_dict(_dict(answer.get("rooms")).get("join")).get(room_id))
        events = [
            *_list(_dict(room.get("state")).get("events")),
            *_list(_dict(room.get("timeline")).get("events")),
        ]
        parents: dict[str, Mapping[str, Any]] = {}
        for event in map(_dict, events):
            if event.get("type") == "m.space.parent" and isinstance(event.get("state_key"), str):
                parents[event["state_key"]] = _dict(event.get("content"))
        named = [parent for parent, content in parents.items() if _via(content)]
        return sorted(named, key=lambda parent: (parents[parent].get("canonical") is not True, parent))

    async def _get(self, where: str, query: Mapping[str, str]) -> Json:
        """A read that Synapse limits, unlike others."""
        for _ in range(_PATIENCE):
            try:
                return await self._api.get(where, query)
            except Limited as limited:
                await self._api.pause(limited.retry_after)
        return await self._api.get(where, query)


def _parents_filter(room_id: str) -> str:
    """Synapse answers the same sync from a cache for two minutes, so no two may be the same."""
    nobody: dict[str, object] = {"types": []}
    parents = {"types": ["m.space.parent"], "lazy_load_members": True}
    room: dict[str, object] = {"rooms": [room_id], "not_rooms": [f"!{uuid4().hex}:unique.invalid"]}
    room |= {
        "state": parents,
        "timeline": {**parents, "limit": 50},
        "ephemeral": nobody,
        "account_data": nobody,
    }
    return json.dumps({"presence": nobody, "account_data": nobody, "room": room})


def _places(page: Json) -> Iterable[Place]:
    for raw in map(_dict, _list(page.get("rooms"))):
        room_id, name = raw.get("room_id"), raw.get("name")
        if isinstance(room_id, str):
            yield Place(
                room_id=room_id,
                name=name if isinstance(name, str) else "",
                is_space=raw.get("room_type") == SPACE,
                children=tuple(_children(raw)),
            )


def _children(raw: Mapping[str, Any]) -> Iterable[str]:
    """A child without `via` has been removed. Spec: client-server, m.space.child."""
    for event in map(_dict, _list(raw.get("children_state"))):
        key = event.get("state_key")
        if (
            event.get("type") == "m.space.child"
            and isinstance(key, str)
            and _via(_dict(event.get("content")))
        ):
            yield key


def _via(content: Mapping[str, Any]) -> list[str]:
    return [each for each in _list(content.get("via")) if isinstance(each, str)]


def _tree(places: dict[str, Place], *, whole: bool) -> Tree:
    named = dict.fromkeys(child for place in places.values() for child in place.children)
    return Tree(places=places, hidden=tuple(each for each in named if each not in places), whole=whole)


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
