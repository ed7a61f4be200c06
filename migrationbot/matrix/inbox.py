# SPDX-License-Identifier: AGPL-3.0-or-later
"""What happened while the bot was away.

maubot drops what its first sync brings, and fills no gaps. So the bot keeps a sync token of its own, and asks
once for everything since: one request, and a few more for each room in which very much was said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from .api import CLIENT, Api, path
from .errors import Unavailable
from .raw import as_dict, as_list, as_token, rooms_in

_TYPES = ["m.room.message", "m.room.encrypted"]
_GAP_FILTER = json.dumps({"types": _TYPES, "lazy_load_members": True})
_GAP_PAGES = 20  # of 100 messages each
_SYNC_TIMEOUT = 120.0  # seconds: after a long absence the homeserver has much to collect


def _filter(**room: object) -> str:
    """A filter that lets no more through than `room` says.

    Synapse answers the same sync request from a cache for two minutes, so no two may be the same.
    """
    nobody: dict[str, object] = {"types": []}
    quiet: dict[str, object] = {"state": nobody, "ephemeral": nobody, "account_data": nobody}
    quiet["not_rooms"] = [f"!{uuid4().hex}:unique.invalid"]
    return json.dumps({"presence": nobody, "account_data": nobody, "room": {**quiet, **room}})


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A stretch of a room's timeline that a sync did not bring."""

    room_id: str
    start: str  # the token where the sync's part of the timeline begins
    end: str  # the sync token up to which everything is known


@dataclass(frozen=True, kw_only=True)
class Post:
    """What a sync brought: the messages in it, the gaps before them, and its token."""

    token: str  # empty when there is none: then nothing may be concluded from what is not in it
    messages: tuple[Mapping[str, Any], ...]  # raw events, each with its `room_id`
    gaps: tuple[Gap, ...]
    answer: Mapping[str, Any]  # all of it, raw


class Inbox:
    """Asks for what was missed."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def now(self) -> Post:
        """The sync token of this moment, with the invites that are open."""
        # No rooms at all would mean no invites either.
        nothing = _filter(rooms=[f"!{uuid4().hex}:unique.invalid"], timeline={"limit": 1, "types": []})
        return read_sync(await self._sync({"filter": nothing}), since=None)

    async def since(self, token: str) -> Post:
        """All messages since that token; in `answer` also who came and who left, and how many are left."""
        counted = {"types": [], "lazy_load_members": True}
        wanted = _filter(timeline={"limit": 50, "types": [*_TYPES, "m.room.member"]}, state=counted)
        return read_sync(await self._sync({"filter": wanted, "since": token}), since=token)

    async def missed(self, gap: Gap) -> tuple[Mapping[str, Any], ...]:
        """The messages of a gap, as far as the bot looks back. Spec: client-server, GET /messages."""
        where = path(CLIENT, "rooms", gap.room_id, "messages")
        query = {"dir": "b", "from": gap.start, "to": gap.end, "limit": "100", "filter": _GAP_FILTER}
        found: list[Mapping[str, Any]] = []
        for _ in range(_GAP_PAGES):
            page = await self._api.get(where, query)
            found += _events(page.get("chunk"), gap.room_id)
            end = page.get("end")
            if not isinstance(end, str) or not page.get("chunk"):
                break
            query["from"] = end
        return tuple(found)

    async def _sync(self, query: dict[str, str]) -> dict[str, Any]:
        where = path(CLIENT, "sync")
        answer = await self._api.get(where, {**query, "timeout": "0"}, seconds=_SYNC_TIMEOUT)
        if not as_token(answer.get("next_batch")):
            raise Unavailable("a sync without a token")
        return answer


def read_sync(answer: Mapping[str, Any], *, since: str | None) -> Post:
    """The messages and gaps of a sync answer. Without `since` there is nothing before it to miss."""
    messages: list[Mapping[str, Any]] = []
    gaps: list[Gap] = []
    for room_id, room in rooms_in(as_dict(answer.get("rooms")).get("join")):
        timeline = as_dict(room.get("timeline"))
        messages += _events(timeline.get("events"), room_id)
        start = timeline.get("prev_batch")
        if timeline.get("limited") and since is not None and isinstance(start, str):
            gaps.append(Gap(room_id=room_id, start=start, end=since))
    return Post(
        token=as_token(answer.get("next_batch")),
        messages=tuple(messages),
        gaps=tuple(gaps),
        answer=answer,
    )


def _events(chunk: object, room_id: str) -> Iterator[Mapping[str, Any]]:
    for event in as_list(chunk):
        if isinstance(event, dict) and event.get("type") in _TYPES:
            yield {**event, "room_id": room_id}
