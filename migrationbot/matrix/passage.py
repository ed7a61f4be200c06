# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an upgrade of a room leaves behind: members, spaces and aliases; reading it and mending it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from .api import CLIENT, Api, path
from .errors import Forbidden, HomeserverError, LoggedOut, NotFound, Rejected, RemoteUnreachable

_ALIAS_TIMEOUT = 10.0  # seconds: another server may have to be asked


class Passage:
    """Requests about two rooms of which the one follows the other. Acts raise Limited, as those of Rooms."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def memberships(self, room_id: str) -> Mapping[str, str]:
        """Everybody who ever was in the room, with their membership. What is read grows with the room."""
        answer = await self._api.get(path(CLIENT, "rooms", room_id, "members"))
        events = [_dict(each) for each in answer.get("chunk") or ()]
        return {
            str(each.get("state_key")): str(_dict(each.get("content")).get("membership")) for each in events
        }

    async def joined(self, room_id: str) -> frozenset[str]:
        """Those who are in the room; nobody, when the bot can't see it."""
        try:
            answer = await self._api.get(path(CLIENT, "rooms", room_id, "joined_members"))
        except (Forbidden, NotFound, Rejected):
            return frozenset()
        return frozenset(_dict(answer.get("joined")))

    async def named_parents(self, room_id: str) -> tuple[str, ...]:
        """The spaces that the room names as its own. Spec: client-server, m.space.parent.

        State can be listed by its type only in a sync. Synapse answers the same one from a cache, so no two
        may be the same.
        """
        nothing: dict[str, object] = {"types": []}
        room = {
            "rooms": [room_id],
            "not_rooms": [f"!{uuid4().hex}:unique.invalid"],
            "state": {"types": ["m.space.parent"]},
            "timeline": {"types": ["m.space.parent"], "limit": 50},
            "ephemeral": nothing,
            "account_data": nothing,
        }
        wanted = json.dumps({"presence": nothing, "account_data": nothing, "room": room})
        answer = await self._api.get(path(CLIENT, "sync"), {"filter": wanted, "timeout": "0"})
        shown = _dict(_dict(_dict(answer.get("rooms")).get("join")).get(room_id))
        events = [_dict(each) for part in ("state", "timeline") for each in _events(shown.get(part))]
        claimed = {str(each.get("state_key")): _dict(each.get("content")).get("via") for each in events}
        return tuple(sorted(space for space, via in claimed.items() if via))

    async def aliases(self, room_id: str) -> tuple[str, ...]:
        """The aliases of the bot's own server that point to the room."""
        try:
            answer = await self._api.get(path(CLIENT, "rooms", room_id, "aliases"))
        except (Forbidden, NotFound, Rejected):
            return ()
        found = answer.get("aliases")
        return (
            tuple(sorted(each for each in found if isinstance(each, str))) if isinstance(found, list) else ()
        )

    async def leads_to(self, alias: str) -> str | None:
        """The room ID that the alias points to; None when it points nowhere, or its server can't be asked."""
        where = path(CLIENT, "directory", "room", alias)
        try:
            answer = await self._api.get(where, seconds=_ALIAS_TIMEOUT)
        except (Forbidden, NotFound, Rejected, RemoteUnreachable):
            return None
        room_id = answer.get("room_id")
        return room_id if isinstance(room_id, str) else None

    async def move_alias(self, alias: str, *, old: str, new: str) -> None:
        """Let the alias point to another room. There is no request that does it in one: it is made anew."""
        where = path(CLIENT, "directory", "room", alias)
        if await self.leads_to(alias) == old:
            await self._api.send("DELETE", where, {})
        try:
            await self._api.send("PUT", where, {"room_id": new})
        except LoggedOut:
            raise
        except HomeserverError:
            await self._api.send("PUT", where, {"room_id": old})
            raise

    async def put_state(self, room_id: str, event_type: str, key: str, content: Mapping[str, Any]) -> None:
        """Set one state event."""
        where = path(CLIENT, "rooms", room_id, "state", event_type, key)
        await self._api.send("PUT", where, content)


def _events(part: object) -> list[object]:
    found = _dict(part).get("events")
    return found if isinstance(found, list) else []


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
