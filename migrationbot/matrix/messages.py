# SPDX-License-Identifier: AGPL-3.0-or-later
"""Posting and editing the bot's messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrationbot.chat.card import Card

from .api import CLIENT, Api, path
from .errors import Rejected
from .sealing import Sealing


def content_of(card: Card) -> dict[str, Any]:
    """The content of an m.room.message. Only m.text pings: m.notice does not."""
    return {
        "msgtype": "m.text" if card.mentions else "m.notice",
        "body": card.text,
        "format": "org.matrix.custom.html",
        "formatted_body": card.html,
        "m.mentions": {"user_ids": list(card.mentions)} if card.mentions else {},
        "io.github.migrationbot": dict(card.fields),
    }


def in_thread(content: Mapping[str, Any], root: str) -> dict[str, Any]:
    """The content as an answer in a thread. Spec: client-server, threading."""
    relation = {
        "rel_type": "m.thread",
        "event_id": root,
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": root},
    }
    return {**content, "m.relates_to": relation}


def outside_thread(content: Mapping[str, Any]) -> dict[str, Any] | None:
    """The same as a plain reply; None when it stands in no thread. Spec: client-server, rich replies."""
    relation = content.get("m.relates_to", {})
    if relation.get("rel_type") != "m.thread":
        return None
    return {**content, "m.relates_to": {"m.in_reply_to": relation["m.in_reply_to"]}}


def as_edit(content: Mapping[str, Any], of: str) -> dict[str, Any]:
    """The content as the new text of an earlier message. Spec: client-server, event replacements."""
    return {
        **content,
        "body": f"* {content['body']}",
        "m.new_content": dict(content),
        "m.relates_to": {"rel_type": "m.replace", "event_id": of},
    }


class Messages:
    """What the bot says. Transaction IDs come from the caller: the same one never posts twice."""

    def __init__(self, api: Api, sealing: Sealing) -> None:
        self._api = api
        self._sealing = sealing

    async def post(
        self, room_id: str, content: Mapping[str, Any], transaction: str, *, urgent: bool = False
    ) -> str:
        """Send a message; gives its event ID. A person waits for what is `urgent`.

        Not every message can carry a thread, and its sender may have seen to that. It gets a plain reply:
        a request whose card nobody sees would be in everybody's way.
        """
        try:
            return await self._send(room_id, "m.room.message", content, transaction, urgent=urgent)
        except Rejected:
            reply = outside_thread(content)
            if reply is None:
                raise
            return await self._send(room_id, "m.room.message", reply, f"{transaction}-reply", urgent=urgent)

    async def react(self, room_id: str, event_id: str, key: str, transaction: str) -> str | None:
        """React to an event; gives the reaction's ID, or None when the same reaction stands already."""
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
        try:
            return await self._send(room_id, "m.reaction", {"m.relates_to": relation}, transaction)
        except Rejected as error:
            if error.errcode == "M_DUPLICATE_ANNOTATION":
                return None
            raise

    async def _send(
        self,
        room_id: str,
        event_type: str,
        content: Mapping[str, Any],
        transaction: str,
        *,
        urgent: bool = False,
    ) -> str:
        sent_type, sent = await self._sealing.seal(room_id, event_type, content)
        where = path(CLIENT, "rooms", room_id, "send", sent_type, transaction)
        answer = await self._api.send("PUT", where, sent, urgent=urgent)
        return str(answer.get("event_id", ""))
