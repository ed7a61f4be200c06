# SPDX-License-Identifier: AGPL-3.0-or-later
"""People of whom nothing was heard for a long time: a homeserver may be told when something was sent.

Spec: application service API, "Timestamp massaging". Only what an application service sends can carry a time.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.api import JsonObject, MatrixApi, client_path
from tests.support.homeserver import HomeserverPair, homeserver_pair
from tests.support.person import Person
from tests.support.synapse_config import ServerOptions

DAY = 86_400_000  # milliseconds


@dataclass(frozen=True, kw_only=True)
class Past:
    """Two homeservers whose accounts named alice can be made to have done something at any time."""

    homeservers: HomeserverPair
    token: str

    async def does(
        self, person: Person, room: str, membership: str, *, at: int, displayname: str | None = None
    ) -> None:
        """Have the account join once more under another name, or leave, at that time."""
        content = {"membership": membership, "displayname": displayname or f"{membership} {at}"}
        path = client_path("rooms", room, "state", "m.room.member", person.user_id)
        await self._put(person, path, content, at)

    async def says(self, person: Person, room: str, text: str, *, at: int) -> None:
        """Have the account say something at that time."""
        path = client_path("rooms", room, "send", "m.room.message", secrets.token_hex(4))
        await self._put(person, path, {"msgtype": "m.text", "body": text}, at)

    async def _put(self, person: Person, path: str, content: JsonObject, at: int) -> None:
        api = MatrixApi(person.account.homeserver_url, self.token)
        try:
            await api.request("PUT", path, content, query={"ts": at, "user_id": person.user_id})
        finally:
            await api.close()


@dataclass(frozen=True)
class Registration:
    """The application service that both homeservers believe."""

    token: str = field(default_factory=lambda: secrets.token_hex(16))

    def written_to(self, file: Path) -> dict[str, Any]:
        """The keys of Synapse's configuration that name the file, now written."""
        registration = {
            "id": "past",
            "url": None,
            "as_token": self.token,
            "hs_token": secrets.token_hex(16),
            "sender_localpart": "past",
            "rate_limited": False,
            "namespaces": {"users": [{"exclusive": False, "regex": "@alice.*"}]},
        }
        file.write_text(json.dumps(registration))  # JSON is YAML too
        return {"app_service_config_files": [str(file)]}


@asynccontextmanager
async def past(folder: Path, *, forgetful: bool = False) -> AsyncIterator[Past]:
    """Two running homeservers, below `folder`; gone at the end."""
    registration = Registration()
    extra = registration.written_to(folder / "past.yaml")
    options = ServerOptions(extra=extra, forgetful=forgetful)
    async with homeserver_pair(folder, options, options) as homeservers:
        yield Past(homeservers=homeservers, token=registration.token)
