# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reading one room and acting on it. What is read here is asked of the homeserver each time, never cached."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from migrationbot.core.approval import Reaction, answer_of
from migrationbot.core.besides import read_first, read_then
from migrationbot.core.move import RoomMove
from migrationbot.core.room import RoomState, StateEvent, member_of, read_room

from .api import CLIENT, CLIENT_V1, Api, Json, path
from .errors import (
    Forbidden,
    HomeserverError,
    NotFound,
    Rejected,
    RemoteUnreachable,
    TimedOut,
    Unavailable,
)
from .raw import as_dict, as_id, as_list, as_time
from .sealing import Sealing

_CREATE = "m.room.create"
_JUDGED = (  # what a decision depends on
    _CREATE,
    "m.room.power_levels",
    "m.room.history_visibility",
    "m.room.server_acl",
    "m.room.tombstone",
    "m.room.join_rules",
    "m.room.encryption",
)
_SHOWN = ("m.room.name",)  # what else a card tells of
_REACTION_PAGES = 20  # of 100 each: beyond that nobody reads them either
_PROFILE_TIMEOUT = 10.0  # seconds: what another server knows is not worth a longer wait


@dataclass(frozen=True, kw_only=True)
class Message:
    """One event of a room's timeline, as the homeserver shows it now."""

    event_id: str
    type: str
    sender: str
    content: Mapping[str, Any]
    redacted: bool
    edited_by: str | None  # the event ID of the latest edit, if any
    sent_at: int  # milliseconds since the epoch


class Rooms:
    """What the bot reads and does in rooms."""

    def __init__(self, api: Api, sealing: Sealing) -> None:
        self._api = api
        self._sealing = sealing
        self._creations: dict[str, StateEvent] = {}  # by room ID; a room's first event never changes

    async def read(
        self,
        room_id: str,
        user_ids: Iterable[str],
        *,
        whole: bool = False,
        more: Iterable[tuple[str, str]] = (),
    ) -> RoomState:
        """The room's state now, with the memberships of these accounts. Its cost does not grow with the room.

        With `whole` also what decisions do not need, but cards tell of; and `more` by type and state key.
        Raises Forbidden when the bot is not in the room.
        """
        kinds = (*_JUDGED, *_SHOWN) if whole else _JUDGED
        wanted = [(kind, "") for kind in kinds] + [("m.room.member", user) for user in sorted(set(user_ids))]
        return _made(room_id, await self._state(room_id, [*wanted, *more]))

    async def read_for(self, move: RoomMove, user_ids: Iterable[str]) -> RoomState:
        """As `read`, but only what a decision about this move depends on. Raises Forbidden."""
        members = [("m.room.member", user) for user in sorted(set(user_ids))]
        events = await self._state(move.room_id, [*read_first(move), *members])
        events += await self._state(move.room_id, read_then(move, _made(move.room_id, events)))
        return _made(move.room_id, events)

    async def _state(self, room_id: str, places: Iterable[tuple[str, str]]) -> list[StateEvent]:
        found = await asyncio.gather(*(self.state_event(room_id, kind, key) for kind, key in places))
        return [event for event in found if event is not None]

    async def with_members(self, room: RoomState, user_ids: Iterable[str]) -> RoomState:
        """The same room with the memberships of more accounts."""
        asked = (self.state_event(room.room_id, "m.room.member", user) for user in user_ids)
        found = [member_of(event) for event in await asyncio.gather(*asked) if event is not None]
        return replace(room, members={**room.members, **{member.user_id: member for member in found}})

    async def state_event(self, room_id: str, event_type: str, state_key: str) -> StateEvent | None:
        """One state event with its ID and sender, None when there is none. Spec: `format=event`."""
        if event_type == _CREATE and room_id in self._creations:
            return self._creations[room_id]
        where = path(CLIENT, "rooms", room_id, "state", event_type, state_key)
        try:
            raw = await self._api.get(where, {"format": "event"})
        except NotFound:
            return None
        event = state_event_of({**raw, "type": event_type, "state_key": state_key})
        if event_type == _CREATE:
            self._creations[room_id] = event
        return event

    async def past_state(self, room_id: str, event_id: str) -> StateEvent | None:
        """A state event of any time, None when it is not there."""
        try:
            return state_event_of(await self._api.get(path(CLIENT, "rooms", room_id, "event", event_id)))
        except NotFound:
            return None

    async def message(self, room_id: str, event_id: str) -> Message | None:
        """One event as it is now; None when it is not there. Raises Forbidden when the bot may not see it."""
        try:
            raw = await self._api.get(path(CLIENT, "rooms", room_id, "event", event_id))
        except NotFound:
            return None
        return message_of(await self._sealing.open({**raw, "room_id": room_id}))

    async def reactions(self, room_id: str, event_id: str) -> tuple[Reaction, ...]:
        """Every ✅ and ❌ under an event that was not taken back. Spec: client-server, relationships API."""
        where = path(CLIENT_V1, "rooms", room_id, "relations", event_id, "m.annotation", "m.reaction")
        query = {"limit": "100", "dir": "f"}
        found: list[Reaction] = []
        for _ in range(_REACTION_PAGES):
            page = await self._api.get(where, query)
            chunk = page.get("chunk")
            found += filter(None, map(_reaction, as_list(chunk)))
            token = page.get("next_batch")
            if not isinstance(token, str):
                break
            query["from"] = token
        return tuple(found)

    async def thread(self, room_id: str, root: str) -> tuple[Message, ...]:
        """The latest messages of a thread, the newest first."""
        where = path(CLIENT_V1, "rooms", room_id, "relations", root, "m.thread")
        page = await self._api.get(where, {"limit": "100", "dir": "b"})
        chunk = page.get("chunk")
        found = [as_dict(each) for each in as_list(chunk)]
        return tuple([message_of(await self._sealing.open({**raw, "room_id": room_id})) for raw in found])

    async def said_by(self, room_id: str, sender: str) -> tuple[Message, ...]:
        """What this account said last in a room, the newest first."""
        wanted = json.dumps({"senders": [sender], "types": ["m.room.message", "m.room.encrypted"]})
        where = path(CLIENT, "rooms", room_id, "messages")
        page = await self._api.get(where, {"limit": "100", "dir": "b", "filter": wanted})
        found = [as_dict(each) for each in as_list(page.get("chunk"))]
        return tuple([message_of(await self._sealing.open({**raw, "room_id": room_id})) for raw in found])

    async def of_alias(self, alias: str) -> str | None:
        """The room ID that an alias stands for; None when nobody says so, its own server included."""
        try:
            answer = await self._api.get(path(CLIENT, "directory", "room", alias), seconds=_PROFILE_TIMEOUT)
        except (NotFound, Forbidden, Rejected, RemoteUnreachable, TimedOut):
            return None
        room_id = answer.get("room_id")
        return room_id if isinstance(room_id, str) else None

    async def joined(self, room_id: str, user_id: str) -> bool:
        """Whether the account is in the room now, as far as the bot may know."""
        try:
            event = await self.state_event(room_id, "m.room.member", user_id)
        except Forbidden:
            return False
        return event is not None and event.content.get("membership") == "join"

    async def name(self, room_id: str) -> str | None:
        """The room's name; None when it has none, or the bot is not there."""
        try:
            event = await self.state_event(room_id, "m.room.name", "")
        except Forbidden:
            return None
        name = event.content.get("name") if event else None
        return name if isinstance(name, str) else None

    async def put_state(
        self, room_id: str, event_type: str, content: Mapping[str, Any], state_key: str = ""
    ) -> str:
        """Set one state event; gives its event ID."""
        where = path(CLIENT, "rooms", room_id, "state", event_type, state_key)
        answer = await self._api.send("PUT", where, content)
        return str(answer.get("event_id", ""))

    async def make_alias(self, alias: str, room_id: str) -> None:
        """Make an alias on the bot's own server, unless there is one already."""
        with suppress(Rejected):
            where = path(CLIENT, "directory", "room", alias)
            await self._api.send("PUT", where, {"room_id": room_id})

    async def invite(self, room_id: str, user_id: str) -> None:
        """Invite an account."""
        where = path(CLIENT, "rooms", room_id, "invite")
        await self._api.send("POST", where, {"user_id": user_id})

    async def withdraw_invite(self, room_id: str, user_id: str) -> None:
        """Take an invite back: to the protocol that is a kick."""
        where = path(CLIENT, "rooms", room_id, "kick")
        await self._api.send("POST", where, {"user_id": user_id})

    async def remove(self, room_id: str, user_id: str, *, reason: str) -> None:
        """Kick an account, with a reason that everybody sees."""
        where = path(CLIENT, "rooms", room_id, "kick")
        await self._api.send("POST", where, {"user_id": user_id, "reason": reason})

    async def profile_warning(self, user_id: str) -> str | None:
        """Why an invite may not reach the account: "missing", "unreachable", or None when all looks well."""
        try:
            await self._api.get(path(CLIENT, "profile", user_id), seconds=_PROFILE_TIMEOUT)
        except NotFound:
            return "missing"
        except (RemoteUnreachable, Unavailable):
            return "unreachable"
        except (HomeserverError, Rejected):
            return None  # some servers show profiles to nobody
        return None


def _made(room_id: str, events: Iterable[StateEvent]) -> RoomState:
    try:
        return read_room(room_id, events)
    except ValueError:
        raise Unavailable("a room without its first event") from None


def state_event_of(raw: Json) -> StateEvent:
    """A state event, whatever its sender put into it."""
    replaced = as_dict(raw.get("unsigned")).get("replaces_state")
    return StateEvent(
        type=as_id(raw.get("type")),
        state_key=as_id(raw.get("state_key")),
        content=as_dict(raw.get("content")),
        sender=as_id(raw.get("sender")),
        event_id=as_id(raw.get("event_id")),
        replaces_state=as_id(replaced) or None,
        sent_at=as_time(raw.get("origin_server_ts")),
    )


def message_of(raw: Json) -> Message:
    """A timeline event, whatever its sender put into it."""
    unsigned = as_dict(raw.get("unsigned"))
    edit = as_dict(as_dict(unsigned.get("m.relations")).get("m.replace")).get("event_id")
    return Message(
        event_id=as_id(raw.get("event_id")),
        type=as_id(raw.get("type")),
        sender=as_id(raw.get("sender")),
        content=as_dict(raw.get("content")),
        redacted="redacted_because" in unsigned or not raw.get("content"),
        edited_by=edit if isinstance(edit, str) else None,
        sent_at=as_time(raw.get("origin_server_ts")),
    )


def _reaction(raw: object) -> Reaction | None:
    event = as_dict(raw)
    answer = answer_of(as_dict(as_dict(event.get("content")).get("m.relates_to")).get("key"))
    if answer is None or event.get("type") != "m.reaction":
        return None
    return Reaction(event_id=as_id(event.get("event_id")), sender=as_id(event.get("sender")), answer=answer)
