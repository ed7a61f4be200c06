# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bot as its operator runs it standalone: maubot's standalone mode, in a process of its own."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.run import ROOT, standalone_command
from tests.support.api import Account
from tests.support.ports import HOST, free_port
from tests.support.processes import Command, Process, Stopped

DISPLAYNAME = "Migration bot"

# maubot's standalone mode logs it when the plugin has started.
STARTED = "Startup completed, running forever"

# Logged for each sync request, below the level of debugging.
SYNCS = "/v3/sync?"
SYNC_LOG_LEVEL = 5
# As docs/operators.md advises: else maubot may end when PostgreSQL cuts one of its own connections.
_POSTGRES = {"meow_exit_on_ice": False}


@dataclass(frozen=True, kw_only=True)
class BotOptions:
    """How to run the bot."""

    account: Account
    database_url: str  # sqlite:PATH or postgresql://…
    plugin_config: Mapping[str, Any] = field(default_factory=dict)
    homeserver_url: str | None = None  # what stands between the bot and its homeserver; None: nothing does
    encryption: bool = False  # whether the configuration names the account's device
    autojoin: bool = True  # whether maubot follows every invite, without asking the plugin
    plugin_folder: Path = ROOT  # where maubot.yaml is


class BotProcess:
    """One bot. Its configuration and database stay over restarts."""

    def __init__(self, folder: Path, options: BotOptions) -> None:
        self.options = options
        self.user_id = options.account.user_id
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"  # where its pages are
        self._config = folder / "config.yaml"
        self._starts = 0
        self.process = Process(
            Command(
                name=f"the bot {self.user_id}",
                argv=tuple(standalone_command(self._config)),
                log=folder / "bot.log",
                folder=options.plugin_folder,
                environment={"PYTHONDONTWRITEBYTECODE": "1"},
            )
        )

    async def start(self) -> None:
        """Start it, and wait until its plugin has started, and it hears what is said from now on.

        The second holds for the first start only: at a restart, maubot's first sync lasts until something
        happens, and what happened is then ignored, unless the plugin sees to it. No test should hide that.
        """
        first = not self._config.exists()
        self._config.parent.mkdir(parents=True, exist_ok=True)
        # JSON is YAML too.
        self._config.write_text(json.dumps(self._configuration(), indent=1))
        self._starts = self.log_text().count(STARTED)
        self.process.start()
        await self.process.until(self._has_started)
        if first:
            await self.process.until(self._syncs_again)

    async def stop(self, *, seconds: float = 15) -> Stopped:
        """Ctrl-C: how it ended, and how long that took."""
        return await self.process.stop(signal.SIGINT, seconds=seconds)

    async def kill(self) -> None:
        """SIGKILL."""
        await self.process.kill()

    async def restart(self) -> Stopped:
        """Stop it and start it again."""
        stopped = await self.stop()
        await self.start()
        return stopped

    def log_text(self) -> str:
        """Everything it has logged, over all its starts."""
        return self.process.log_text()

    async def _has_started(self) -> bool:
        return self.log_text().count(STARTED) > self._starts

    async def _syncs_again(self) -> bool:
        return self.log_text().count(SYNCS) > 1

    def _configuration(self) -> dict[str, Any]:
        account = self.options.account
        return {
            "user": {
                "credentials": {
                    "id": account.user_id,
                    "homeserver": self.options.homeserver_url or account.homeserver_url,
                    "access_token": account.access_token,
                    "device_id": account.device_id if self.options.encryption else None,
                },
                "sync": True,
                "appservice": False,
                "autojoin": self.options.autojoin,
                "displayname": DISPLAYNAME,
                "avatar_url": "disable",
                "ignore_initial_sync": True,
                "ignore_first_sync": True,
            },
            "server": {"hostname": HOST, "port": self.port, "public_url": self.url},
            "database": self.options.database_url,
            "database_opts": _POSTGRES if self.options.database_url.startswith("postgres") else {},
            "plugin_config": dict(self.options.plugin_config),
            "logging": logging_to_console(),
        }


def logging_to_console() -> dict[str, Any]:
    """Python's logging configuration for maubot: everything it says, on standard error."""
    return {
        "version": 1,
        "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
        "loggers": {
            "maubot": {"level": "DEBUG"},
            "maubot.client": {"level": SYNC_LOG_LEVEL},
            "mau": {"level": "DEBUG"},
            "aiohttp": {"level": "INFO"},
        },
        "root": {"level": "INFO", "handlers": ["console"]},
    }
