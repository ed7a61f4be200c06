# SPDX-License-Identifier: AGPL-3.0-or-later
"""The operator's settings, in both of maubot's modes, with maubot's own classes around ours."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from maubot.instance import PluginInstance
from maubot.loader import DatabaseType, PluginMeta
from maubot.standalone.config import Config as StandaloneConfig
from mautrix.util.config import RecursiveDict
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from migrationbot.checks import AcceptInvites, BadSetting
from migrationbot.config import Config, Settings, load_checked

ROOT = Path(__file__).parents[2]
BASE = (ROOT / "base-config.yaml").read_text()
Start = Callable[[str], "Server"]
TOKEN = "s3cret-0123456789"


def read_yaml(text: str) -> Any:
    return YAML().load(text)


# ---- The values ------------------------------------------------------------------------------------------


def test_the_defaults_are_those_of_the_base_config() -> None:
    base = read_yaml(BASE)
    assert Settings.read(base) == Settings()
    assert Settings.read({}) == Settings()
    assert list(base) == [field.name for field in fields(Settings)]


def test_null_means_the_default() -> None:
    assert Settings.read(dict.fromkeys(read_yaml(BASE))) == Settings()


def test_every_setting_is_read() -> None:
    text = f"""
        approvals_needed: 2
        requester_may_approve: false
        open_history: false
        request_expires_hours: 24
        open_requests_per_person: 4
        give_up_after_hours: 5
        rooms_at_once: 6
        step_down_after: true
        wait_for_owner_invite_minutes: 0
        approvals_for_lost_accounts: 7
        lost_after_days: 8
        publish_record: true
        accept_invites: servers
        accept_invites_from_servers: [example.org, "localhost:8448"]
        operators: ["@me:example.org"]
        command: move-me
        web_token: {TOKEN}
    """
    assert Settings.read(read_yaml(text)) == Settings(
        approvals_needed=2,
        requester_may_approve=False,
        open_history=False,
        request_expires_hours=24,
        open_requests_per_person=4,
        give_up_after_hours=5,
        rooms_at_once=6,
        step_down_after=True,
        wait_for_owner_invite_minutes=0,
        approvals_for_lost_accounts=7,
        lost_after_days=8,
        publish_record=True,
        accept_invites=AcceptInvites.SERVERS,
        accept_invites_from_servers=("example.org", "localhost:8448"),
        operators=("@me:example.org",),
        command="move-me",
        web_token=TOKEN,
    )


@pytest.mark.parametrize(
    ("key", "least", "most"),
    [
        ("approvals_needed", 1, 20),
        ("request_expires_hours", 1, 8760),
        ("open_requests_per_person", 1, 100),
        ("give_up_after_hours", 1, 720),
        ("rooms_at_once", 1, 32),
        ("wait_for_owner_invite_minutes", 0, 1440),
        ("approvals_for_lost_accounts", 1, 20),
        ("lost_after_days", 1, 3650),
    ],
)
def test_a_number_has_its_bounds(key: str, least: int, most: int) -> None:
    for inside in (least, most):
        assert getattr(Settings.read({key: inside}), key) == inside
    for outside in (least - 1, most + 1, -(10**30)):
        with pytest.raises(BadSetting, match=rf"^{key} is .* a whole number from {least} to {most}"):
            Settings.read({key: outside})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("approvals_needed: '2'", "approvals_needed is '2'; it must be a whole number"),
        ("approvals_needed: true", "approvals_needed is true; it must be a whole number"),
        ("approvals_needed: &anchor true", "approvals_needed is true; it must be a whole number"),
        ("approvals_needed: 1.0", "approvals_needed is the number 1.0; it must be a whole number"),
        ("approvals_needed: .nan", "approvals_needed is something else; it must be a whole number"),
        ("approvals_needed: [1]", "approvals_needed is a list; it must be a whole number"),
        ("approvals_needed: {a: 1}", "approvals_needed is something else; it must be a whole number"),
        ("approvals_needed: 2001-01-01", "approvals_needed is something else; it must be a whole number"),
        ("open_history: 1", "open_history is the number 1; it must be true or false, without quotes."),
        ("open_history: yes", "open_history is 'yes'; it must be true or false, without quotes."),
        ("accept_invites: noone", "accept_invites is 'noone'; it must be anyone or servers or operators."),
        ("accept_invites: [anyone]", "accept_invites is a list; it must be anyone or servers or operators."),
        ("accept_invites: servers", "accept_invites_from_servers is empty; with accept_invites: servers it"),
        (
            "accept_invites_from_servers: a.org",
            "accept_invites_from_servers is 'a.org'; it must be a list of",
        ),
        (
            "accept_invites_from_servers: ['@a:b']",
            "accept_invites_from_servers holds '@a:b'; it must be a list",
        ),
        (
            "accept_invites_from_servers: [7]",
            "accept_invites_from_servers holds the number 7; it must be a list",
        ),
        ("operators: ['@Me:a.org']", "operators holds '@Me:a.org'; it must be a list of full user IDs"),
        ("operators: ['me']", "operators holds 'me'; it must be a list of full user IDs"),
        ("operators: [&here [*here]]", "operators holds a list; it must be a list of full user IDs"),
        ("operators: {'@me:a.org': 1}", "operators is something else; it must be a list of full user IDs"),
        ("operators: ['@\u202eme:a.org']", r"operators holds '@\\u202eme:a.org'; it must be a list"),
        ("command: Migrate", "command is 'Migrate'; it must be small letters, digits"),
        ("command: '!migrate'", "command is '!migrate'; it must be small letters, digits"),
        ("command: ''", "command is ''; it must be small letters, digits"),
        ("command: 'migrate\n\n'", r"command is 'migrate\\n'; it must be small letters, digits"),
        ("command: 7", "command is the number 7; it must be small letters, digits"),
        (f"command: {'a' * 32}", "command is 'a{32}'; it must be small letters"),
        (f"command: {'Z' * 999}", "command is 'Z{60}'; it must be small letters"),
    ],
)
def test_a_bad_value_is_refused_with_its_key_and_what_is_allowed(text: str, sentence: str) -> None:
    with pytest.raises(BadSetting, match=f"^{sentence}") as raised:
        Settings.read(read_yaml(text))
    assert raised.value.key == raised.value.sentence.split()[0]
    assert str(raised.value) == raised.value.sentence


def test_an_anchored_switch_is_a_switch() -> None:
    assert Settings.read(read_yaml("{step_down_after: &yes true, publish_record: *yes}")) == Settings(
        step_down_after=True, publish_record=True
    )


def test_the_longest_and_shortest_command() -> None:
    for command in ("m", "a" * 31, "a_-9"):
        assert Settings.read({"command": command}).command == command


@pytest.mark.parametrize(
    ("text", "key", "sentence"),
    [
        (
            "aprovals_needed: 1",
            "aprovals_needed",
            "There is no setting aprovals_needed. Did you mean approvals_needed?",
        ),
        ("Operators: []", "Operators", "There is no setting Operators. Did you mean operators?"),
        ("colour: red", "colour", "There is no setting colour."),
        ("7: 8", "", "There is no setting the number 7."),
        ("user.token: 8", "user", "There is no setting user...."),
    ],
)
def test_an_unknown_key_is_refused_and_the_nearest_named(text: str, key: str, sentence: str) -> None:
    with pytest.raises(BadSetting) as raised:
        Settings.read(read_yaml(text))
    assert (raised.value.key, raised.value.sentence) == (key, sentence)


# ---- The secret ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "token", ["short", "tab\tab-tab-tab-tab-tab", "sp ace-space-space-space", "\u20ac" * 16]
)
def test_a_bad_token_is_never_shown(token: str) -> None:
    with pytest.raises(BadSetting) as raised:
        Settings.read({"web_token": token})
    assert raised.value.key == "web_token"
    assert token not in raised.value.sentence


def test_a_token_that_is_a_number_is_refused_unseen() -> None:
    with pytest.raises(BadSetting) as raised:
        Settings.read(read_yaml("web_token: 1234567890123456"))
    assert "1234" not in raised.value.sentence


def test_a_token_that_lost_its_space_is_refused_unseen() -> None:
    with pytest.raises(BadSetting, match=r"^There is no setting web_token\.\.\.\. Did") as raised:
        Settings.read(read_yaml(f"{{web_token:{TOKEN}}}"))
    assert TOKEN not in str(raised.value)


def test_the_token_is_not_in_the_settings_repr() -> None:
    assert TOKEN not in repr(Settings.read({"web_token": TOKEN}))


# ---- maubot's server mode --------------------------------------------------------------------------------


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


# ---- maubot's standalone mode ----------------------------------------------------------------------------


class Standalone:
    """The settings as maubot.standalone loads them: with its own base config, that knows none of ours."""

    def __init__(self, path: Path) -> None:
        self.file = StandaloneConfig(str(path), "pkg://maubot.standalone/example-config.yaml")
        self.file.load()
        self.file.update()
        self.config = Config(self.load, self.load_base, self.save)
        self.config.load_and_update()

    def load(self) -> CommentedMap:
        return self.file["plugin_config"]

    def load_base(self) -> RecursiveDict[CommentedMap]:
        return RecursiveDict(self.file.load_base()["plugin_config"], CommentedMap)

    def save(self, data: RecursiveDict[CommentedMap]) -> None:
        self.file["plugin_config"] = data
        self.file.save()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


@pytest.mark.parametrize("text", ["", "plugin_config:\n", "plugin_config: {}\n"])
def test_standalone_the_defaults_hold_when_the_operator_names_none(path: Path, text: str) -> None:
    path.write_text("database: sqlite:other.db\n" + text)
    for _ in range(3):
        assert Standalone(path).config.settings == Settings()
    assert read_yaml(path.read_text())["database"] == "sqlite:other.db"


def test_standalone_the_operators_lines_stay_lines(path: Path) -> None:
    lines = (
        "    approvals_needed: 2\n    operators:\n    - '@me:a.org'\n    - '@you:a.org'\n    # We are few.\n"
    )
    path.write_text(f"plugin_config:\n{lines}    command: move\n")
    for _ in range(3):
        settings = Standalone(path).config.settings
        assert settings == Settings(approvals_needed=2, operators=("@me:a.org", "@you:a.org"), command="move")
    assert f"plugin_config:\n{lines}    command: move\n" in path.read_text()


@pytest.mark.parametrize("bad", ["rooms_at_once: 0", "roms_at_once: 2", "accept_invites: servers"])
def test_standalone_a_bad_setting_is_refused_and_stays_in_the_file(path: Path, bad: str) -> None:
    path.write_text(f"plugin_config:\n    {bad}\n")
    with pytest.raises(BadSetting):
        Standalone(path)
    assert bad in path.read_text()


def test_standalone_settings_that_are_a_list_are_refused(path: Path) -> None:
    path.write_text("plugin_config: [1]\n")
    with pytest.raises(BadSetting, match="must be lines of `key: value`"):
        Standalone(path)


# ---- What maubot reads before ----------------------------------------------------------------------------


def test_maubot_understands_the_plugins_meta() -> None:
    meta = PluginMeta.deserialize(read_yaml((ROOT / "maubot.yaml").read_text()))
    assert (meta.id, meta.modules, meta.main_class) == (
        "io.github.migrationbot",
        ["migrationbot"],
        "MigrationBot",
    )
    assert meta.config
    assert meta.database
    assert meta.database_type is DatabaseType.ASYNCPG
    assert all((ROOT / name).is_file() for name in meta.extra_files)


def test_the_base_config_has_comments_above_top_level_keys_only() -> None:
    # Elsewhere maubot's saving of an instance's settings misplaces them.
    lines = BASE.splitlines()
    for line, following in pairwise(lines):
        if "#" in line:
            assert line.startswith("# ")
            assert following.startswith("# ") or following.split(":")[0] in read_yaml(BASE)
