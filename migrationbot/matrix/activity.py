# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who has been active in a room, and who is there."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .api import CLIENT, Api, Json, path
from .raw import as_dict, as_list, as_time

_LATEST = 2**53 - 1  # milliseconds
_PAGES = 5  # what the bot may not see is left out of a page: a few more may show something


class Activity:
    """Looks back in rooms. Raises the errors of `errors`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def last_event(self, room_id: str, sender: str) -> int | None:
        """When the account last sent anything that the bot may see; milliseconds since the epoch.

        The homeserver looks for it, so the cost does not grow with what others said.
        Spec: client-server, GET /rooms/{roomId}/messages, RoomEventFilter.
        """
        where = path(CLIENT, "rooms", room_id, "messages")
        query = {"dir": "b", "limit": "10", "filter": json.dumps({"senders": [sender]})}
        for _ in range(_PAGES):
            page = await self._api.get(where, query)
            sent_at = next(_times(page, sender), None)
            token = page.get("end")
            if sent_at is not None or not isinstance(token, str):
                return sent_at
            query["from"] = token
        return None

    async def joined(self, room_id: str) -> frozenset[str]:
        """The user IDs of all who are there. What is read grows with the room."""
        answer = await self._api.get(path(CLIENT, "rooms", room_id, "joined_members"))
        return frozenset(as_dict(answer.get("joined")))


def _times(page: Json, sender: str) -> Iterator[int]:
    """When each was sent. A time that no clock shows counts as late, so that nobody seems silent by it."""
    for raw in map(as_dict, as_list(page.get("chunk"))):
        if raw.get("sender") == sender:
            at = raw.get("origin_server_ts")
            yield at if isinstance(at, int) and as_time(at) == at else _LATEST
