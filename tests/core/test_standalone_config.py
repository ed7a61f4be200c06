# SPDX-License-Identifier: AGPL-3.0-or-later
"""The operator's settings in maubot's standalone mode, and what maubot reads before."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from maubot.loader import DatabaseType, PluginMeta
from maubot.standalone.config import Config as StandaloneConfig
from mautrix.util.config import RecursiveDict
from ruamel.yaml.comments import CommentedMap

from migrationbot.checks import BadSetting
from migrationbot.config import Config, Settings
from tests.core.base_config import BASE, ROOT, read_yaml

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
