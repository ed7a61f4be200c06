# SPDX-License-Identifier: AGPL-3.0-or-later
"""Real Synapse homeservers on loopback, alone or as a pair that federates."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.support.api import Account, MatrixApi, answers
from tests.support.certificates import Certificate, make_certificate
from tests.support.ports import HOST
from tests.support.processes import Command, Process
from tests.support.synapse_config import ServerIdentity, ServerOptions, log_config, synapse_config

REGISTER = "/_synapse/admin/v1/register"


class Homeserver:
    """One Synapse. It can be stopped and started again, and then still knows everything, unless forgetful."""

    def __init__(self, folder: Path, options: ServerOptions, certificate: Certificate) -> None:
        self.folder = folder
        self.options = options
        self.identity = ServerIdentity()
        self.server_name = f"{options.host}:{self.identity.federation_port}"
        self.url = f"http://{HOST}:{self.identity.client_port}"
        self._certificate = certificate
        self._admin: Account | None = None
        self.process = Process(
            Command(
                name=f"Synapse {self.server_name}",
                argv=(sys.executable, "-m", "synapse.app.homeserver", "-c", str(folder / "homeserver.yaml")),
                log=folder / "homeserver.log",
                folder=folder,
            )
        )

    async def start(self) -> None:
        """Start it, and wait until it answers clients."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = synapse_config(self.folder, self.options, self.identity, self._certificate)
        # JSON is YAML too.
        (self.folder / "homeserver.yaml").write_text(json.dumps(config, indent=1))
        (self.folder / "log.yaml").write_text(json.dumps(log_config()))
        self.process.start()
        await self.process.until(lambda: answers(f"{self.url}/_matrix/client/versions"))

    async def stop(self) -> None:
        """An orderly stop; its data stay."""
        await self.process.stop(signal.SIGTERM)

    async def kill(self) -> None:
        """An outage without warning, or the end of the tests; its data stay."""
        await self.process.kill()

    async def register(self, localpart: str, *, admin: bool = False) -> Account:
        """A new account, logged in; no rate limit applies, whatever the server's limits are."""
        password = secrets.token_hex(8)
        api = MatrixApi(self.url)
        try:
            nonce = (await api.get(REGISTER))["nonce"]
            request = {"nonce": nonce, "username": localpart, "password": password, "admin": admin}
            request["mac"] = self._registration_mac(nonce, localpart, password, admin=admin)
            answer = await api.request("POST", REGISTER, request)
        finally:
            await api.close()
        return Account(
            user_id=answer["user_id"],
            password=password,
            access_token=answer["access_token"],
            device_id=answer["device_id"],
            homeserver_url=self.url,
        )

    async def admin(self) -> Account:
        """The account that administers this homeserver; it is made when first asked for."""
        if self._admin is None:
            self._admin = await self.register(f"admin-{secrets.token_hex(4)}", admin=True)
        return self._admin

    async def exempt(self, user_id: str) -> None:
        """Lift the message limits of one account here, as a homeserver's admin does for a bot."""
        api = MatrixApi(self.url, (await self.admin()).access_token)
        path = f"/_synapse/admin/v1/users/{quote(user_id, safe='')}/override_ratelimit"
        try:
            await api.request("POST", path, {"messages_per_second": 0, "burst_count": 0})
        finally:
            await api.close()

    def _registration_mac(self, nonce: str, localpart: str, password: str, *, admin: bool) -> str:
        """Source: Synapse's documentation, Shared-Secret Registration."""
        parts = (nonce, localpart, password, "admin" if admin else "notadmin")
        secret = self.identity.registration_secret.encode()
        return hmac.new(secret, "\0".join(parts).encode(), hashlib.sha1).hexdigest()


@dataclass(frozen=True)
class HomeserverPair:
    """Two homeservers that federate: people move from `old` to `new`."""

    old: Homeserver
    new: Homeserver


@asynccontextmanager
async def homeserver_pair(
    folder: Path, old: ServerOptions | None = None, new: ServerOptions | None = None
) -> AsyncIterator[HomeserverPair]:
    """Two running homeservers, below `folder`; gone at the end."""
    certificate = make_certificate(folder)
    pair = HomeserverPair(
        Homeserver(folder / "old", old or ServerOptions(), certificate),
        Homeserver(folder / "new", new or ServerOptions(), certificate),
    )
    try:
        await asyncio.gather(pair.old.start(), pair.new.start())
        yield pair
    finally:
        await asyncio.gather(pair.old.kill(), pair.new.kill())
