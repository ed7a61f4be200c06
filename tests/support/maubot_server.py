# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real maubot server, and its management API: where a built .mbp is installed."""

from __future__ import annotations

import json
import secrets
import signal
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from tests.support.api import Account, JsonObject, answers
from tests.support.bot import DISPLAYNAME, SYNCS, logging_to_console
from tests.support.ports import HOST, free_port
from tests.support.processes import Command, Process, Stopped

ADMIN = "operator"


class ManagementError(Exception):
    """The management API refused a request: its status, and the `errcode` of its answer."""

    def __init__(self, status: int, answer: JsonObject) -> None:
        super().__init__(f"{status} {answer.get('errcode')}: {answer.get('error')}")
        self.status = status
        self.errcode = str(answer.get("errcode"))


class MaubotServer:
    """One maubot server; it keeps its plugins, clients and instances over restarts. Close it at the end."""

    def __init__(self, folder: Path, *, plugin_database: str | None = None) -> None:
        """`plugin_database`: the PostgreSQL that plugins get; None: each gets a SQLite file."""
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._folder = folder
        self._plugin_database = plugin_database
        self._password = secrets.token_hex(8)
        self._token: str | None = None
        self._session: aiohttp.ClientSession | None = None
        self.process = Process(
            Command(
                name="the maubot server",
                argv=(sys.executable, "-m", "maubot", "-c", str(folder / "config.yaml")),
                log=folder / "maubot.log",
                folder=folder,
            )
        )

    async def start(self) -> None:
        """Start it, wait until it answers, and log in."""
        for name in ("plugins", "trash", "databases"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        config = self._folder / "config.yaml"
        if not config.exists():
            # JSON is YAML too. maubot writes its own secrets into the file, and those must stay.
            config.write_text(json.dumps(self._configuration(), indent=1))
        self.process.start()
        await self.process.until(lambda: answers(f"{self.url}/_matrix/maubot/v1/features"))
        login = {"username": ADMIN, "password": self._password}
        self._token = (await self.request("POST", "/auth/login", login))["token"]

    async def restart(self) -> Stopped:
        """Stop the process and start it again."""
        # maubot may overlook a request that comes in the middle of a query: see scripts/standalone.py.
        stopped = await self.process.stop(signal.SIGINT, ask_again=3)
        await self.start()
        return stopped

    async def close(self) -> None:
        """End it."""
        if self._session is not None:
            await self._session.close()
        await self.process.kill()

    async def upload(self, plugin: bytes) -> JsonObject:
        """Install a .mbp, or replace the one of the same ID; what maubot read in it."""
        return await self.request("POST", "/plugins/upload?allow_override=true", plugin)

    async def create_client(self, account: Account, *, encryption: bool = False) -> JsonObject:
        """Give it an account to run plugins with; with `encryption`, by its device.

        Waits until the first sync is over, for whatever that brings is ignored, invites included.
        """
        request = {
            "homeserver": account.homeserver_url,
            "access_token": account.access_token,
            "device_id": account.device_id if encryption else None,
            "displayname": DISPLAYNAME,
        }
        made = await self.request("POST", "/client/new", request)

        async def syncs_again() -> bool:
            lines = self.log_text().splitlines()
            return sum(SYNCS in line and account.user_id in line for line in lines) > 1

        await self.process.until(syncs_again)
        return made

    async def create_instance(
        self, instance_id: str, *, plugin_id: str, user_id: str, config: str = ""
    ) -> JsonObject:
        """Run a plugin as an account, with this YAML. A failed start is no error: look at `started`."""
        request = {"type": plugin_id, "primary_user": user_id, "config": config, "enabled": True}
        return await self.put_instance(instance_id, **request)

    async def get_instance(self, instance_id: str) -> JsonObject:
        """What there is to know of an instance: `started`, `enabled`, `config` and more."""
        return await self.request("GET", f"/instance/{quote(instance_id, safe='')}")

    async def put_instance(self, instance_id: str, **changes: Any) -> JsonObject:
        """Change an instance, `config="…"` for instance; how it is then."""
        return await self.request("PUT", f"/instance/{quote(instance_id, safe='')}", changes)

    async def stop_instance(self, instance_id: str) -> JsonObject:
        """Stop the plugin; how the instance is then."""
        return await self.put_instance(instance_id, started=False)

    async def start_instance(self, instance_id: str) -> JsonObject:
        """Start the plugin; how the instance is then."""
        return await self.put_instance(instance_id, started=True)

    async def request(self, method: str, path: str, body: object = None) -> JsonObject:
        """The answer to a management request; bytes go out as they are, all else as JSON."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        sent: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        url = f"{self.url}/_matrix/maubot/v1{path}"
        async with self._session.request(method, url, headers=headers, **sent) as response:
            answer: JsonObject = await response.json(content_type=None)
            if response.status >= 400:
                raise ManagementError(response.status, answer)
            return answer

    def log_text(self) -> str:
        """Everything it has logged, over all its starts."""
        return self.process.log_text()

    def _configuration(self) -> dict[str, Any]:
        folder = self._folder
        return {
            "database": f"sqlite:{folder / 'maubot.db'}",
            "plugin_directories": {
                "upload": str(folder / "plugins"),
                "load": [str(folder / "plugins")],
                "trash": str(folder / "trash"),
            },
            "plugin_databases": {"sqlite": str(folder / "databases"), "postgres": self._plugin_database},
            "server": {"hostname": HOST, "port": self.port, "public_url": self.url},
            "homeservers": {},
            "admins": {ADMIN: self._password},
            "logging": logging_to_console(),
        }
