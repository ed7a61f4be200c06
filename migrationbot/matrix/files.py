# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files that are attached to messages; in encrypted rooms, encrypted."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .api import Api
from .errors import HomeserverError, Limited, Unavailable
from .sealing import Sealing

_MEDIA = "/_matrix/media/v3"


class Files:
    """Uploads them, and gives what a message says of them."""

    def __init__(self, api: Api, sealing: Sealing) -> None:
        self._api = api
        self._sealing = sealing

    async def attach(self, room_id: str, name: str, kind: str, text: str) -> dict[str, Any] | None:
        """The content of an m.file message for this room; None when the homeserver does not take the file.

        `kind` is a media type. Spec: client-server, m.file, POST /_matrix/media/v3/upload,
        "Sending encrypted attachments"
        """
        data = text.encode()
        content: dict[str, Any] = {
            "msgtype": "m.file",
            "body": name,
            "filename": name,
            "info": {"mimetype": kind, "size": len(data)},
        }
        try:
            if not await self._sealing.needed(room_id):
                return {**content, "url": await self._upload(name, kind, data)}
            data, keys = _encrypted(data)
            return {
                **content,
                "file": {**keys, "url": await self._upload(None, "application/octet-stream", data)},
            }
        except (HomeserverError, Limited, Unavailable, ImportError):
            return None

    async def _upload(self, name: str | None, kind: str, data: bytes) -> str:
        """Its address."""
        query = {"filename": name} if name else {}
        answer = await self._api.upload(f"{_MEDIA}/upload", query, kind, data)
        return str(answer["content_uri"])


def _encrypted(data: bytes) -> tuple[bytes, dict[str, Any]]:
    """The data as they may leave the bot, and what readers need. Raises ImportError without encryption."""
    attachments = import_module("mautrix.crypto.attachments")  # a stock maubot lacks what it needs
    sealed, keys = attachments.encrypt_attachment(data)
    return sealed, dict(keys.serialize())
