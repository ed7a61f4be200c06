# SPDX-License-Identifier: AGPL-3.0-or-later
"""A small plugin, to try what runs plugins: it answers `!echo TEXT` with a setting, a count, and TEXT."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

PLUGIN_ID = "io.github.migrationbot.echo"

FILES = {
    "maubot.yaml": f"""\
maubot: 0.6.0
id: {PLUGIN_ID}
version: 1.0.0
license: AGPL-3.0-or-later
modules: [echo]
main_class: Echo
config: true
extra_files: [base-config.yaml]
database: true
database_type: asyncpg
""",
    "base-config.yaml": "prefix: plain\n",
    "echo/__init__.py": """\
from maubot import MessageEvent, Plugin
from maubot.handlers import command
from mautrix.util.async_db import Connection, UpgradeTable
from mautrix.util.config import BaseProxyConfig, ConfigUpdateHelper

upgrades = UpgradeTable()


@upgrades.register(description="First")
async def upgrade(connection: Connection) -> None:
    await connection.execute("CREATE TABLE said (number INTEGER PRIMARY KEY)")


class Config(BaseProxyConfig):
    def do_update(self, helper: ConfigUpdateHelper) -> None:
        helper.copy("prefix")


class Echo(Plugin):
    @classmethod
    def get_config_class(cls) -> type[BaseProxyConfig]:
        return Config

    @classmethod
    def get_db_upgrade_table(cls) -> UpgradeTable:
        return upgrades

    async def start(self) -> None:
        self.config.load_and_update()
        # Else the first thing that is said after a restart is ignored, along with what was said before it.
        self.client.ignore_first_sync = False

    @command.new("echo")
    @command.argument("text", pass_raw=True)
    async def echo(self, event: MessageEvent, text: str) -> None:
        count = await self.database.fetchval("SELECT COUNT(*) FROM said")
        await self.database.execute("INSERT INTO said (number) VALUES ($1)", count)
        await event.respond(f"{self.config['prefix']} {count} {text}")
""",
}


def write_plugin(folder: Path) -> Path:
    """Write the plugin out, for standalone mode; the folder."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def pack_plugin() -> bytes:
    """The plugin as a .mbp, for a maubot server."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in FILES.items():
            archive.writestr(name, text)
    return file.getvalue()
