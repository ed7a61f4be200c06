# SPDX-License-Identifier: AGPL-3.0-or-later
"""Logging the bot in at its homeserver: a device of its own, or what an access token belongs to.

Whatever goes wrong is told in a sentence that holds neither the password nor the token.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

DEVICE_NAME = "migrationbot"

_PATIENCE = 20.0  # seconds for one request
_PATIENCE_TO_DISCOVER = 5.0  # seconds; without an answer the operator is asked
_LONGEST_ANSWER = 1_000_000  # bytes
_PASSWORD = "m.login.password"  # noqa: S105 - the name of a way to log in
_TOKEN = re.compile(r"[!-~]+")  # what a header can carry
_ERRCODE = re.compile(r"[A-Z0-9_.]{1,60}")
_OK, _UNAUTHORISED, _FORBIDDEN, _LIMITED = 200, 401, 403, 429  # statuses of HTTP


class CannotLogIn(Exception):
    """The homeserver can't be used like this; the message is a sentence for the operator."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """A device of the bot's account."""

    user_id: str
    homeserver: str  # where it answers clients, without a slash at the end
    access_token: str = field(repr=False)
    device_id: str | None  # None: a token that belongs to no device


@dataclass(frozen=True, kw_only=True)
class _Answer:
    status: int
    body: Mapping[str, Any]  # empty when it was no JSON object
    location: str | None  # where a redirect leads

    @property
    def errcode(self) -> str:
        code = self.body.get("errcode")
        return code if isinstance(code, str) and _ERRCODE.fullmatch(code) else "no reason"


class Homeserver:
    """A homeserver, as one who is not logged in yet meets it. Get one from `reach`."""

    def __init__(self, url: URL, session: aiohttp.ClientSession) -> None:
        self.url = str(url).rstrip("/")
        self._session = session

    async def check(self) -> None:
        """Raises CannotLogIn when no homeserver answers there. Spec: client-server, GET /versions"""
        answer = await self._request("GET", "/_matrix/client/versions")
        if answer.location is not None:
            raise CannotLogIn(f"{self.url} leads on to another address; name that one instead.")
        if answer.status != _OK or not isinstance(answer.body.get("versions"), list):
            raise CannotLogIn(f"There is no Matrix homeserver at {self.url}.")

    async def with_password(self, user: str, password: str) -> Login:
        """Log in with a new device. Raises CannotLogIn. Spec: client-server, POST /login"""
        await self._check_takes_passwords()
        request = {
            "type": _PASSWORD,
            "identifier": {"type": "m.id.user", "user": user},
            "password": password,
            "initial_device_display_name": DEVICE_NAME,
        }
        answer = await self._request("POST", "/_matrix/client/v3/login", body=request)
        self._check_not_limited(answer)
        if answer.status == _FORBIDDEN:
            raise CannotLogIn(f"{self.url} does not accept this user and password ({answer.errcode}).")
        if answer.status != _OK:
            raise CannotLogIn(f"{self.url} refused the login ({answer.status}, {answer.errcode}).")
        return self._login(answer.body, answer.body.get("access_token"))

    async def with_token(self, token: str) -> Login:
        """Whose token it is. Raises CannotLogIn. Spec: client-server, GET /account/whoami"""
        if not _TOKEN.fullmatch(token):
            raise CannotLogIn("The access token holds spaces, or characters that no token has.")
        answer = await self._request("GET", "/_matrix/client/v3/account/whoami", token=token)
        self._check_not_limited(answer)
        if answer.status == _UNAUTHORISED:
            raise CannotLogIn(f"{self.url} does not know this access token ({answer.errcode}).")
        if answer.status != _OK:
            raise CannotLogIn(f"{self.url} refused the access token ({answer.status}, {answer.errcode}).")
        return self._login(answer.body, token)

    async def log_out(self, login: Login) -> None:
        """End the device again. Raises CannotLogIn when the homeserver is gone."""
        await self._request("POST", "/_matrix/client/v3/logout", body={}, token=login.access_token)

    async def _check_takes_passwords(self) -> None:
        answer = await self._request("GET", "/_matrix/client/v3/login")
        flows = answer.body.get("flows")
        kinds = [flow.get("type") for flow in flows if isinstance(flow, dict)] if flows else []
        if answer.status == _OK and _PASSWORD not in kinds:
            raise CannotLogIn(
                f"{self.url} takes no passwords from programs: "
                "log in there as the bot in another way, and give MIGRATIONBOT_ACCESS_TOKEN instead."
            )

    def _check_not_limited(self, answer: _Answer) -> None:
        if answer.status == _LIMITED:
            wait = answer.body.get("retry_after_ms")
            when = f"in {wait // 1000 + 1} seconds" if isinstance(wait, int) else "later"
            raise CannotLogIn(f"{self.url} has seen too many tries; try again {when}.")

    def _login(self, body: Mapping[str, Any], token: object) -> Login:
        user_id, device_id = body.get("user_id"), body.get("device_id")
        if not isinstance(user_id, str) or not isinstance(token, str):
            raise CannotLogIn(f"{self.url} did not say who is logged in.")
        known = device_id if isinstance(device_id, str) else None
        return Login(user_id=user_id, homeserver=self.url, access_token=token, device_id=known)

    async def _request(
        self, method: str, path: str, *, body: object = None, token: str | None = None
    ) -> _Answer:
        """Redirects are not followed: a password goes where the operator said, and nowhere else."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            async with self._session.request(
                method, self.url + path, json=body, headers=headers, allow_redirects=False
            ) as response:
                found = _json_object(await _read(response))
                return _Answer(status=response.status, body=found, location=response.headers.get("Location"))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CannotLogIn(f"{self.url} can't be reached: {_reason(error)}.") from None


@asynccontextmanager
async def reach(address: str) -> AsyncIterator[Homeserver]:
    """The homeserver at this address. Raises CannotLogIn when it is no address, or none answers there."""
    url = _url(address)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PATIENCE)) as session:
        homeserver = Homeserver(url, session)
        await homeserver.check()
        yield homeserver


def well_known_url(user_id: str) -> str | None:
    """Where the server of this user ID says where it answers clients; None for what is no user ID.

    Spec: client-server, "Well-known URIs": the port of the server name is left out.
    """
    sigil, _, server = user_id.partition(":")
    host = re.sub(r":[0-9]+$", "", server)
    if not sigil.startswith("@") or not re.fullmatch(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]", host):
        return None
    return f"https://{host}/.well-known/matrix/client"


async def discover(url: str) -> str | None:
    """The homeserver's address that a well-known file names; None when there is none within a few seconds."""
    timeout = aiohttp.ClientTimeout(total=_PATIENCE_TO_DISCOVER)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            found = _json_object(await _read(response))
            if response.status != _OK:
                return None
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
    named = found.get("m.homeserver")
    address = named.get("base_url") if isinstance(named, dict) else None
    try:
        return str(_url(address)).rstrip("/") if isinstance(address, str) else None
    except CannotLogIn:
        return None


def _url(address: str) -> URL:
    """The address as a URL: `example.org` means `https://example.org`."""
    text = address.strip()
    try:
        url = URL(text if "://" in text else f"https://{text}")
        usable = url.scheme in ("http", "https") and bool(url.host) and not (url.user or url.password)
    except ValueError:
        usable = False
    if not usable or url.query_string or url.fragment:
        raise CannotLogIn("The homeserver's address must be like https://matrix.example.org.")
    return url


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body; cut off where no homeserver's answer to these requests ends."""
    body = b""
    async for chunk in response.content.iter_chunked(65_536):
        body += chunk
        if len(body) > _LONGEST_ANSWER:
            break
    return body


def _json_object(text: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "there is no such host"
    if isinstance(error, aiohttp.ClientSSLError):
        return "its certificate can't be trusted, or it does not speak TLS"
    return "nothing there answers like a web server"
