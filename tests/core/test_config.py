# SPDX-License-Identifier: AGPL-3.0-or-later
"""The operator's settings on a maubot server, with maubot's own classes around ours."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Iterator

import pytest
from maubot.instance import PluginInstance
from mautrix.util.config import RecursiveDict
from ruamel.yaml.comments import CommentedMap

from migrationbot.checks import BadSetting
from migrationbot.config import Config, Settings, load_checked
from tests.core.base_config import BASE, TOKEN, read_yaml

Start = Callable[[str], "Server"]


class Server(PluginInstance):
    """A maubot instance, real in how it loads, saves and updates settings; its database is `stored`."""

    def __init__(self, text: str) -> None:
        super().__init__("bot", "io.github.migrationbot", True, "@bot:localhost", config=text)
        self.postinit()
        self.base = RecursiveDict(read_yaml(BASE), CommentedMap)
        self.stored = text
        self.saved = asyncio.Event()
        self.running: Settings | None = None

    async def update(self) -> None:
        self.stored = self.config_str
        self.saved.set()

    def start_plugin(self) -> Settings:
        """What `start` and the plugin do about settings."""
        self.config = Config(self.load_config, self.base.clone, self.save_config)
        self.config.load_and_update()
        self.plugin, self.started, self.running = self, True, self.config.settings
        return self.running

    def on_external_config_update(self) -> None:
        self.running = load_checked(self.config)


@pytest.fixture
def start() -> Iterator[Start]:
    yield Server
    Server.cache.clear()


async def settled(server: Server) -> str:
    """The settings in the database, once the saving that maubot leaves to a task is done."""
    if server.stored != server.config_str:
        server.saved.clear()
        await asyncio.wait_for(server.saved.wait(), timeout=10)
    return server.stored


async def test_a_new_instance_has_the_defaults_and_the_base_config_to_edit(start: Start) -> None:
    server = start("")
    assert server.start_plugin() == Settings()
    assert await settled(server) == BASE


async def test_what_the_operator_left_out_is_filled_in(start: Start) -> None:
    server = start("rooms_at_once: 2\nweb_token:\n")
    assert server.start_plugin() == Settings(rooms_at_once=2)
    assert await settled(server) == BASE.replace("rooms_at_once: 8", "rooms_at_once: 2")


async def test_settings_come_through_many_restarts_unchanged(start: Start) -> None:
    text = BASE.replace("operators: []", "operators:  # us\n- '@a:a.org'\n# and\n- '@b:b.org'  # both\n# end")
    server = start(text.replace("command: migrate", "command: move  # short"))
    server.start_plugin()
    first = await settled(server)
    for _ in range(3):
        server = start(first)
        assert server.start_plugin() == Settings(operators=("@a:a.org", "@b:b.org"), command="move")
        assert await settled(server) == first
    assert comments(first) == comments(BASE)


def comments(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("#")]


async def test_an_update_is_taken(start: Start) -> None:
    server = start("")
    server.start_plugin()
    await server.update_config(f"rooms_at_once: 2\nweb_token: {TOKEN}\n")
    assert server.running == Settings(rooms_at_once=2, web_token=TOKEN)
    assert read_yaml(await settled(server))["rooms_at_once"] == 2


BAD_TEXTS = {
    "value": "rooms_at_once: 2\ncommand: Move\n",
    "unknown key": "rooms_at_once: 2\nroms_at_once: 3\n",
    "missing servers": "accept_invites: servers\n",
    "list": "[1, 2]\n",
    "text": TOKEN,
    "broken": f"rooms_at_once: 2\nweb_token: [{TOKEN}\n",
    "twice": f"web_token: {TOKEN}\nweb_token: other-{TOKEN}\n",
    "endless number": f"rooms_at_once: {'9' * 5000}\n",
    "huge number": f"rooms_at_once: 0x{'f' * 5000}\n",
    "control character": "command: \x01\n",
}


@pytest.mark.parametrize("bad", BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
async def test_a_bad_update_is_refused_and_the_running_settings_stay(start: Start, bad: str) -> None:
    server = start("rooms_at_once: 5\n")
    server.start_plugin()
    good = await settled(server)
    for _ in range(2):  # sent once more, it is refused once more
        with pytest.raises(BadSetting) as raised:
            await server.update_config(bad)
        assert TOKEN not in "".join(traceback.format_exception(raised.value))
        assert server.running == server.config.settings == Settings(rooms_at_once=5)
        assert await settled(server) == server.config_str == good


async def test_a_bad_update_does_no_harm_to_the_next_start(start: Start) -> None:
    server = start("rooms_at_once: 5\n")
    server.start_plugin()
    with pytest.raises(BadSetting):
        await server.update_config("rooms_at_once: 0\n")
    assert server.start_plugin() == start(await settled(server)).start_plugin() == Settings(rooms_at_once=5)


@pytest.mark.parametrize("bad", BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
async def test_a_bad_text_at_the_start_is_refused_and_kept_for_mending(start: Start, bad: str) -> None:
    server = start(bad)
    with pytest.raises(BadSetting):
        server.start_plugin()
    with pytest.raises(BadSetting):
        load_checked(server.config)
    assert server.config_str == server.stored == bad


def test_a_broken_text_is_refused_with_its_line(start: Start) -> None:
    with pytest.raises(BadSetting, match=r"^The settings are not valid YAML \(near line 3\)\.$"):
        start("command: move\nrooms_at_once: 2\n  web_token: [\n").start_plugin()
