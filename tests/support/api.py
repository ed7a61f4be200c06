# SPDX-License-Identifier: AGPL-3.0-or-later
"""Raw requests to a homeserver, as one account: JSON in, JSON out, nothing retried and nothing hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

JsonObject: TypeAlias = dict[str, Any]
Query: TypeAlias = Mapping[str, str | int] | list[tuple[str, str]]

# No homeserver on loopback takes this long, long polls aside, which name their own; in seconds.
REQUEST_TIMEOUT = 60


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account of a homeserver, with one device that is logged in."""

    user_id: str
    password: str
    access_token: str
    device_id: str
    homeserver_url: str  # where its homeserver answers clients


class MatrixError(Exception):
    """A homeserver refused a request: its HTTP status, and the `errcode` of its answer."""

    def __init__(self, status: int, body: JsonObject) -> None:
        super().__init__(f"{status} {body.get('errcode')}: {body.get('error')}")
        self.status = status
        self.errcode = str(body.get("errcode"))
        self.body = body


class MatrixApi:
    """Requests with one access token (or none). Close it at the end."""

    def __init__(self, base_url: str, access_token: str | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self.access_token = access_token
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Query | None = None,
    ) -> JsonObject:
        """The answer to a request; `path` begins with a slash. Raises MatrixError when refused.

        Connection errors are aiohttp's own.
        """
        url = URL(self.base_url + path + (f"?{urlencode(query)}" if query else ""), encoded=True)
        headers = {"Authorization": f"Bearer {self.access_token}"} if self.access_token else {}
        async with self._open().request(method, url, json=body, headers=headers) as response:
            answer = await response.json(content_type=None)
            if response.status >= 400:
                raise MatrixError(response.status, answer if isinstance(answer, dict) else {"error": answer})
            assert isinstance(answer, dict), f"{method} {path} answered {answer!r}"
            return answer

    async def get(self, path: str, *, query: Query | None = None) -> JsonObject:
        """The answer to a GET."""
        return await self.request("GET", path, query=query)

    async def close(self) -> None:
        """Close its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT))
        return self._session


def client_path(*segments: str, version: str = "v3") -> str:
    """A path of the client-server API, each segment quoted: `client_path("rooms", room_id, "invite")`."""
    return "/".join(("/_matrix/client", version, *(quote(segment, safe="") for segment in segments)))


async def answers(url: str) -> bool:
    """Whether a GET of this URL is answered with 200 just now."""
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError, ConnectionError):
        return False
