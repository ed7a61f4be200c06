# SPDX-License-Identifier: AGPL-3.0-or-later
"""End-to-end encryption, when maubot has it set up: mautrix's, around our own requests.

Only mautrix's own sending encrypts; a plain PUT goes out readable. So every message passes here first, and
none leaves unencrypted for an encrypted room.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, cast

import aiohttp
from mautrix.client import Client
from mautrix.errors import CryptoError, MatrixError, SessionNotFound
from mautrix.types import (
    EncryptedEvent,
    Event,
    EventType,
    Member,
    Membership,
    MemberStateEventContent,
    RoomID,
    SerializerError,
    UserID,
)

from .api import CLIENT, Api, Json, path
from .errors import NotFound, Unavailable

ENCRYPTED = "m.room.encrypted"
_READERS = {"join": Membership.JOIN, "invite": Membership.INVITE}  # who is given the keys
_KEY_PATIENCE = 5.0  # seconds: a message may come before its key


class NoEncryption(Exception):
    """The room is encrypted and the bot can't encrypt: it says nothing rather than in the open."""


class Sealing:
    """Encrypts what goes into encrypted rooms, and opens what comes out."""

    def __init__(self, client: Client, api: Api) -> None:
        self._client = client
        self._api = api
        self._encrypted: set[str] = set()  # encryption is never switched off again
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        # By room ID: whom the present key was made for, since the start.
        self._shared_with: dict[str, frozenset[UserID]] = {}

    @property
    def able(self) -> bool:
        """Whether the bot can take part in encrypted rooms."""
        return bool(self._client.crypto)

    async def needed(self, room_id: str) -> bool:
        """Whether what is said in this room has to be encrypted. Raises NoEncryption when the bot can't."""
        if not await self._is_encrypted(room_id):
            return False
        if not self.able:
            raise NoEncryption
        return True

    async def seal(
        self, room_id: str, event_type: str, content: Mapping[str, Any]
    ) -> tuple[str, Mapping[str, Any]]:
        """The event as it has to be sent. Raises NoEncryption, or Unavailable when keys can't be shared now.

        Reactions are not encrypted. Spec: client-server, m.reaction.
        """
        if event_type == "m.reaction" or not await self._is_encrypted(room_id):
            return event_type, content
        if not self.able:
            raise NoEncryption
        kind = EventType.find(event_type, t_class=EventType.Class.MESSAGE)
        async with self._locks[room_id]:
            await self._share_with_all(RoomID(room_id))
            try:
                sealed = await self._client.encrypt(RoomID(room_id), kind, cast(Any, dict(content)))
            except (MatrixError, aiohttp.ClientError, TimeoutError) as error:
                raise Unavailable(type(error).__name__) from None
        return ENCRYPTED, cast(Json, sealed.serialize())

    async def _share_with_all(self, room_id: RoomID) -> None:
        """See to it that the key of what is sent next goes to all who are there now, and to nobody else.

        mautrix goes by the membership events that maubot passes on, and after a start maubot keeps some back:
        whoever was invited just then could not read a word.
        """
        members = await self._members(room_id)
        if self._shared_with.get(room_id) == members.keys():
            return
        if self._client.state_store is not None:
            await self._client.state_store.set_members(room_id, members)
        await self._client.crypto.crypto_store.remove_outbound_group_session(room_id)
        self._shared_with[room_id] = frozenset(members)

    async def _members(self, room_id: RoomID) -> dict[UserID, Member | MemberStateEventContent]:
        """Who is in the room or invited. Spec: client-server, GET /rooms/{roomId}/members"""
        answer = await self._api.get(path(CLIENT, "rooms", room_id, "members"), {"not_membership": "leave"})
        found: dict[UserID, Member | MemberStateEventContent] = {}
        for event in answer.get("chunk") or ():
            standing = _READERS.get(str(event.get("content", {}).get("membership")))
            if standing is not None:
                found[UserID(str(event.get("state_key")))] = Member(membership=standing)
        return found

    async def open(self, raw: Json) -> Json:
        """The event in clear; as it came when it is not encrypted, or can't be opened."""
        if raw.get("type") != ENCRYPTED or not raw.get("content") or not self.able:
            return raw
        try:
            event = EncryptedEvent.deserialize(cast(Any, raw))
            opened = await self._decrypt(event)
        except (SerializerError, CryptoError, MatrixError, aiohttp.ClientError, ValueError, KeyError):
            return raw
        content = cast(Any, opened.content).serialize()
        return {**raw, "type": str(opened.type), "content": content if isinstance(content, dict) else {}}

    async def _decrypt(self, event: EncryptedEvent) -> Event:
        crypto = self._client.crypto
        try:
            return cast(Event, await crypto.decrypt_megolm_event(event))
        except SessionNotFound as missing:
            if not await crypto.wait_for_session(event.room_id, missing.session_id, timeout=_KEY_PATIENCE):
                raise
        return cast(Event, await crypto.decrypt_megolm_event(event))

    async def _is_encrypted(self, room_id: str) -> bool:
        if room_id in self._encrypted:
            return True
        try:
            await self._api.get(path(CLIENT, "rooms", room_id, "state", "m.room.encryption", ""))
        except NotFound:
            return False
        self._encrypted.add(room_id)
        return True
