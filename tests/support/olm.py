# SPDX-License-Identifier: AGPL-3.0-or-later
"""A person whose client encrypts: matrix-nio with its own Olm, none of the code that the bot's side runs."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from nio import (
    AsyncClient,
    AsyncClientConfig,
    Event,
    MegolmEvent,
    RoomSendResponse,
    SyncResponse,
)
from nio.exceptions import EncryptionError
from nio.store import SqliteMemoryStore

from tests.support.api import JsonObject
from tests.support.person import Person, in_thread
from tests.support.timeline import FILTER, LONG_POLL, PATIENCE, Predicate


class SealedPerson:
    """One account at an encrypting client, a device of its own. Close it at the end.

    Events come as Timeline gives them, with the content in clear where this client could open them; one that
    came encrypted has `sealed: True`.
    """

    def __init__(self, person: Person) -> None:
        """`person` is logged in for this client alone: whoever else syncs as it would take its keys away."""
        account = person.account
        self.user_id = account.user_id
        self.plain = person
        self.events: list[JsonObject] = []
        self._locked: list[tuple[str, MegolmEvent]] = []  # room IDs and what could not be opened yet
        self._client = AsyncClient(
            account.homeserver_url,
            account.user_id,
            device_id=account.device_id,
            config=AsyncClientConfig(store=SqliteMemoryStore, encryption_enabled=True),
        )
        self._client.restore_login(account.user_id, account.device_id, account.access_token)

    async def start(self) -> None:
        """Tell the homeserver of this device's keys, and look for the first time."""
        await self.sync()

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()
        self._client.store.database.close()  # it forgets that
        await self.plain.close()

    async def say(self, room_id: str, text: str, *, thread: str | None = None) -> str:
        """Send text, encrypted for everybody's devices; the event ID."""
        await self._know(room_id)
        content: JsonObject = {"msgtype": "m.text", "body": text}
        if thread is not None:
            content["m.relates_to"] = in_thread(thread)
        sent = await self._client.room_send(
            room_id, "m.room.message", content, tx_id=uuid4().hex, ignore_unverified_devices=True
        )
        assert isinstance(sent, RoomSendResponse), sent
        return str(sent.event_id)

    async def react(self, room_id: str, event_id: str, key: str) -> str:
        """React to an event, once this client was sent it; the reaction's event ID."""
        await self.wait_for(room_id, lambda event: event["event_id"] == event_id, "the event to react to")
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
        return await self.plain.send(room_id, "m.reaction", {"m.relates_to": relation})

    async def wait_for(
        self, room_id: str, predicate: Predicate, sentence: str, *, seconds: float = PATIENCE
    ) -> JsonObject:
        """The first event of this room that fits, past or future; see Timeline.wait_for."""
        deadline, position = time.monotonic() + seconds, 0
        while True:
            for event in self.events[position:]:
                if event["room_id"] == room_id and predicate(event):
                    return event
            position = len(self.events)
            left = deadline - time.monotonic()
            assert left > 0, self._disappointment(room_id, sentence, seconds)
            await self.sync(seconds=min(left, LONG_POLL))

    async def sync(self, *, seconds: float = 0) -> None:
        """Record what happened since the last time, and open what its key has come for."""
        answer = await self._client.sync(timeout=int(seconds * 1000), sync_filter=json.loads(FILTER))
        assert isinstance(answer, SyncResponse), answer
        # At once: whoever gives up waiting in what follows loses nothing.
        for room_id, room in answer.rooms.join.items():
            for event in (*room.state, *room.timeline.events):
                self._record(room_id, event)
        locked, self._locked = self._locked, []
        for room_id, event in locked:
            self._record(room_id, event)
        await self._keep_keys()

    async def _keep_keys(self) -> None:
        """What a client has to do after a sync. Spec: client-server, end-to-end encryption"""
        client = self._client
        if client.should_upload_keys:
            await client.keys_upload()
        if client.should_query_keys:
            await client.keys_query()
        if client.should_claim_keys:
            await client.keys_claim(client.get_users_for_key_claiming())
        await client.send_to_device_messages()

    async def _know(self, room_id: str) -> None:
        """Return when this client knows that the room is encrypted, and who is in it."""
        deadline = time.monotonic() + PATIENCE
        while room_id not in self._client.rooms or not self._client.rooms[room_id].encrypted:
            assert time.monotonic() < deadline, f"{self.user_id} never saw that {room_id} is encrypted"
            await self.sync(seconds=LONG_POLL)
        await self._client.joined_members(room_id)

    def _record(self, room_id: str, event: Event) -> None:
        sealed = isinstance(event, MegolmEvent) or bool(event.decrypted)
        if isinstance(event, MegolmEvent):
            try:
                event = self._client.decrypt_event(event)
            except EncryptionError:
                self._locked.append((room_id, event))
                return
        self.events.append({**event.source, "room_id": room_id, "sealed": sealed})

    def _disappointment(self, room_id: str, sentence: str, seconds: float) -> str:
        locked = sum(1 for where, _ in self._locked if where == room_id)
        seen = [event for event in self.events if event["room_id"] == room_id]
        last = "\n".join(f"  {json.dumps(event, ensure_ascii=False)[:600]}" for event in seen[-5:])
        return (
            f"{self.user_id} waited {seconds:g} s for {sentence} in {room_id}, could not open {locked} "
            f"events, and last saw there:\n{last}"
        )


@asynccontextmanager
async def sealed_person(person: Person) -> AsyncIterator[SealedPerson]:
    """The same account at an encrypting client."""
    made = SealedPerson(await Person.login(person.account))
    try:
        await made.start()
        yield made
    finally:
        await made.close()
