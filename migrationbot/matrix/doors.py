# SPDX-License-Identifier: AGPL-3.0-or-later
"""Coming into rooms and leaving them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import quote

from .api import CLIENT, Api, path
from .errors import Forbidden


@dataclass(frozen=True, kw_only=True)
class Company:
    """How many accounts there are in a room, or are about to be."""

    joined: int  # with the bot
    invited: int


class Doors:
    """Joins, leaves and counts.

    Homeservers limit joins apart from messages, and much more: a 429 for a join must not hold the messages
    up. So these requests go through an Api of their own, with a pace of its own.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    async def join(self, room_id: str, *, via: str = "") -> None:
        """Follow an invite, or join through the server `via`; nothing happens when it is inside already."""
        where = path(CLIENT, "join", room_id)
        query = f"?via={quote(via, safe='')}&server_name={quote(via, safe='')}" if via else ""
        await self._api.send("POST", where + query, {})

    async def leave(self, room_id: str) -> None:
        """Leave, or decline an invite."""
        await self._api.send("POST", path(CLIENT, "rooms", room_id, "leave"), {})

    async def company(self, room_id: str) -> Company | None:
        """How many are there; None when the bot is not. What is read grows with the room."""
        try:
            joined, invited = await asyncio.gather(self.joined(room_id), self._invited(room_id))
        except Forbidden:
            return None
        return Company(joined=len(joined), invited=invited)

    async def joined(self, room_id: str) -> frozenset[str]:
        """The user IDs of all who are there. Raises Forbidden when the bot is not."""
        answer = await self._api.get(path(CLIENT, "rooms", room_id, "joined_members"))
        return frozenset(answer.get("joined") or {})

    async def _invited(self, room_id: str) -> int:
        where = path(CLIENT, "rooms", room_id, "members")
        answer = await self._api.get(where, {"membership": "invite"})
        return len(answer.get("chunk") or ())

    async def pause(self, seconds: float) -> None:
        """Wait. Raises Stopping as soon as the plugin is stopped."""
        await self._api.pause(seconds)

    def stop(self) -> None:
        """Give up on every request under way."""
        self._api.stop()
