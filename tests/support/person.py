# SPDX-License-Identifier: AGPL-3.0-or-later
"""A person at a client: does what people do in rooms, and sees what people see there."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Self
from uuid import uuid4

from tests.support import match
from tests.support.api import Account, JsonObject, MatrixApi, client_path
from tests.support.timeline import PATIENCE, Predicate, Timeline

POWER_LEVELS = "m.room.power_levels"


class Person:
    """One account at one client. A refused act raises MatrixError. Close it at the end."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.user_id = account.user_id
        self.api = MatrixApi(account.homeserver_url, account.access_token)
        self.timeline = Timeline(account.user_id, self.api)

    @classmethod
    async def login(cls, account: Account, *, device_id: str | None = None) -> Self:
        """The same account at another client, with a device of its own."""
        answer = await cls._post_login(account, device_id)
        return cls(
            Account(
                user_id=answer["user_id"],
                password=account.password,
                access_token=answer["access_token"],
                device_id=answer["device_id"],
                homeserver_url=account.homeserver_url,
            )
        )

    @staticmethod
    async def _post_login(account: Account, device_id: str | None) -> JsonObject:
        request: JsonObject = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": account.user_id},
            "password": account.password,
        }
        if device_id is not None:
            request["device_id"] = device_id
        api = MatrixApi(account.homeserver_url)
        try:
            return await api.request("POST", client_path("login"), request)
        finally:
            await api.close()

    async def close(self) -> None:
        """Close its connections; the account stays logged in."""
        await self.api.close()

    # Rooms and membership

    async def create_room(
        self,
        *,
        version: str | None = None,
        preset: str = "private_chat",
        state: Iterable[JsonObject] = (),
        power_levels: Mapping[str, Any] | None = None,
        invite: Iterable[str] = (),
        **other: Any,
    ) -> str:
        """The room ID of a new room. `power_levels` replaces keys of the default; `other` is sent as it is.

        Spec: client-server, POST /createRoom
        """
        request: JsonObject = {
            "preset": preset,
            "initial_state": list(state),
            "power_level_content_override": dict(power_levels or {}),
            "invite": list(invite),
            **other,
        }
        if version is not None:
            request["room_version"] = version
        answer = await self.api.request("POST", client_path("createRoom"), request)
        return str(answer["room_id"])

    async def join(self, room: str, *, via: Iterable[str] = ()) -> str:
        """Join by room ID or alias, through these servers; the room ID."""
        path, query = client_path("join", room), [("via", server) for server in via]
        return str((await self.api.request("POST", path, {}, query=query))["room_id"])

    async def invite(self, room_id: str, user_id: str) -> None:
        """Invite someone."""
        await self._membership(room_id, "invite", user_id)

    async def kick(self, room_id: str, user_id: str) -> None:
        """Remove someone, or withdraw an invite."""
        await self._membership(room_id, "kick", user_id)

    async def ban(self, room_id: str, user_id: str) -> None:
        """Ban someone."""
        await self._membership(room_id, "ban", user_id)

    async def unban(self, room_id: str, user_id: str) -> None:
        """Lift a ban."""
        await self._membership(room_id, "unban", user_id)

    async def leave(self, room_id: str) -> None:
        """Leave, or decline an invite."""
        await self.api.request("POST", client_path("rooms", room_id, "leave"), {})

    async def _membership(self, room_id: str, act: str, user_id: str) -> None:
        await self.api.request("POST", client_path("rooms", room_id, act), {"user_id": user_id})

    async def members(self, room_id: str) -> dict[str, str]:
        """Everyone's membership, by user ID."""
        answer = await self.api.get(client_path("rooms", room_id, "members"))
        return {event["state_key"]: event["content"]["membership"] for event in answer["chunk"]}

    # Events

    async def send(
        self, room_id: str, event_type: str, content: JsonObject, *, transaction_id: str | None = None
    ) -> str:
        """Send any event; its event ID."""
        path = client_path("rooms", room_id, "send", event_type, transaction_id or uuid4().hex)
        return str((await self.api.request("PUT", path, content))["event_id"])

    async def say(
        self,
        room_id: str,
        text: str,
        *,
        formatted: str | None = None,
        thread: str | None = None,
        edit: str | None = None,
        **other: Any,
    ) -> str:
        """Send text, with HTML, into the thread of an event, or as an edit of an event; its event ID.

        `other` goes into the content: `msgtype="m.notice"`.
        """
        content: JsonObject = {"msgtype": "m.text", "body": text, **other}
        if formatted is not None:
            content |= {"format": "org.matrix.custom.html", "formatted_body": formatted}
        if thread is not None:
            content["m.relates_to"] = in_thread(thread)
        if edit is not None:
            replaces = {"rel_type": "m.replace", "event_id": edit}
            content = {**content, "body": f"* {text}", "m.new_content": content, "m.relates_to": replaces}
        return await self.send(room_id, "m.room.message", content)

    async def react(self, room_id: str, event_id: str, key: str) -> str:
        """React to an event, once this account was sent it, as people do; the reaction's event ID."""
        await self.wait_for(room_id, match.event_id(event_id), f"the event to react to, {event_id},")
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
        return await self.send(room_id, "m.reaction", {"m.relates_to": relation})

    async def redact(self, room_id: str, event_id: str, *, reason: str | None = None) -> str:
        """Redact an event; the redaction's event ID."""
        path = client_path("rooms", room_id, "redact", event_id, uuid4().hex)
        answer = await self.api.request("PUT", path, {} if reason is None else {"reason": reason})
        return str(answer["event_id"])

    async def messages(self, room_id: str) -> list[JsonObject]:
        """All events of the room that this account may read and its homeserver could fetch, oldest first."""
        found: list[JsonObject] = []
        query: dict[str, str | int] = {"dir": "b", "limit": 500}
        while True:
            answer = await self.api.get(client_path("rooms", room_id, "messages"), query=query)
            found.extend(answer["chunk"])
            if "end" not in answer:
                return found[::-1]
            query["from"] = answer["end"]

    # State

    async def state(self, room_id: str, event_type: str, state_key: str = "") -> JsonObject:
        """The content of a piece of state. Raises MatrixError M_NOT_FOUND when there is none."""
        return await self.api.get(client_path("rooms", room_id, "state", event_type, state_key))

    async def state_event(self, room_id: str, event_type: str, state_key: str = "") -> JsonObject:
        """A piece of state as the whole event."""
        path = client_path("rooms", room_id, "state", event_type, state_key)
        return await self.api.get(path, query={"format": "event"})

    async def set_state(self, room_id: str, event_type: str, content: JsonObject, state_key: str = "") -> str:
        """Replace a piece of state; the event ID."""
        path = client_path("rooms", room_id, "state", event_type, state_key)
        return str((await self.api.request("PUT", path, content))["event_id"])

    async def set_power(self, room_id: str, levels: Mapping[str, int]) -> str:
        """Give these accounts these levels, and leave the other levels as they are; the event ID."""
        content = await self.state(room_id, POWER_LEVELS)
        return await self.set_state(
            room_id, POWER_LEVELS, {**content, "users": {**content.get("users", {}), **levels}}
        )

    # What this person sees

    async def profile(self, user_id: str) -> JsonObject:
        """Someone's profile, as this account's homeserver knows it."""
        return await self.api.get(client_path("profile", user_id))

    async def wait_for(
        self, room_id: str, predicate: Predicate, sentence: str, *, seconds: float = PATIENCE
    ) -> JsonObject:
        """The first event of this room that fits, past or future; see Timeline.wait_for."""
        return await self.timeline.wait_for(room_id, predicate, sentence, seconds=seconds)

    def expecting(
        self, room_id: str, predicate: Predicate, sentence: str, *, seconds: float = PATIENCE
    ) -> AbstractAsyncContextManager[Awaitable[JsonObject]]:
        """Armed before the act: the first fitting event after arming; see Timeline.expecting."""
        return self.timeline.expecting(room_id, predicate, sentence, seconds=seconds)


def in_thread(root: str) -> JsonObject:
    """The relation of a message in the thread of `root`. Spec: client-server, Threading"""
    return {
        "rel_type": "m.thread",
        "event_id": root,
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": root},
    }


def unique(name: str) -> str:
    """A localpart that no other test uses."""
    return f"{name}-{secrets.token_hex(3)}"
