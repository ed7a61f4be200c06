# SPDX-License-Identifier: AGPL-3.0-or-later
"""What `make build` packs, and what it refuses to pack."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from scripts.build import CannotBuild, build

META = """\
maubot: 0.6.0
id: io.github.migrationbot
version: 1.2.3
license: AGPL-3.0-or-later
modules: [migrationbot]
main_class: MigrationBot
config: true
database: true
database_type: asyncpg
"""

FILES = {
    "maubot.yaml": META,
    "base-config.yaml": "approvals_needed: 1\n",
    "migrationbot/__init__.py": "from .bot import MigrationBot\n",
    "migrationbot/bot.py": "class MigrationBot: ...\n",
    "migrationbot/chat/__init__.py": "",
    "migrationbot/chat/templates/help.txt": "!migrate help\n",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that can be packed, with byte code and other things that do not belong in the file."""
    surroundings = {"README.md": "", "tests/test.py": "", "migrationbot/__pycache__/bot.cpython-311.pyc": "x"}
    for name, text in {**FILES, **surroundings}.items():
        path = tmp_path / "checkout" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "checkout"


def test_the_file_holds_the_plugin_and_nothing_else(checkout: Path, tmp_path: Path) -> None:
    built = build(checkout, tmp_path / "dist")
    assert built.name == "io.github.migrationbot-v1.2.3.mbp"
    with zipfile.ZipFile(built) as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist()} == FILES
    assert [path.name for path in built.parent.iterdir()] == [built.name]


def test_the_same_sources_give_the_same_bytes(checkout: Path, tmp_path: Path) -> None:
    first = build(checkout, tmp_path / "dist").read_bytes()
    (checkout / "migrationbot/bot.py").touch()
    (checkout / "maubot.yaml").chmod(0o600)
    assert build(checkout, tmp_path / "dist").read_bytes() == first


@pytest.mark.parametrize("missing", ["maubot.yaml", "base-config.yaml", "migrationbot/bot.py"])
def test_a_missing_file_is_named(checkout: Path, tmp_path: Path, missing: str) -> None:
    (checkout / missing).unlink()
    _refused(checkout, tmp_path, f"{missing} is missing")


def test_missing_templates_are_named(checkout: Path, tmp_path: Path) -> None:
    (checkout / "migrationbot/chat/templates/help.txt").unlink()
    _refused(checkout, tmp_path, "migrationbot/chat/templates holds no template")


@pytest.mark.parametrize(
    "stray",
    [
        "migrationbot/notes.txt",
        "migrationbot/core/power.py.orig",
        "migrationbot/chat/templates/.help.txt.swp",
        "migrationbot/chat/templates/help.txt~",
        "migrationbot/chat/templates/deeper/help.txt",
    ],
)
def test_a_file_that_is_no_part_of_the_plugin_is_named(checkout: Path, tmp_path: Path, stray: str) -> None:
    (checkout / stray).parent.mkdir(parents=True, exist_ok=True)
    (checkout / stray).write_text("")
    _refused(checkout, tmp_path, stray)


def test_a_link_is_not_followed(checkout: Path, tmp_path: Path) -> None:
    (checkout / "migrationbot/linked.py").symlink_to(checkout / "README.md")
    _refused(checkout, tmp_path, "migrationbot/linked.py")


def test_a_module_that_does_not_compile_is_named(checkout: Path, tmp_path: Path) -> None:
    (checkout / "migrationbot/bot.py").write_text("class MigrationBot(:\n")
    _refused(checkout, tmp_path, "migrationbot/bot.py does not compile")


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("version: 1.2.3", "version: newest", "no version number"),
        ("io.github.migrationbot", "io.github.other", "id: 'io.github.other'"),
        ("database_type: asyncpg", "", "database_type: None"),
        ("config: true", "config: [", "not YAML"),
        (META, "- a list", "not a mapping"),
        ("main_class: MigrationBot", "", "maubot does not accept the file"),
        ("maubot: 0.6.0", "maubot: 99.0.0", "requires maubot 99.0.0"),
    ],
)
def test_what_is_wrong_in_the_metadata_is_said(
    checkout: Path, tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    (checkout / "maubot.yaml").write_text(META.replace(right, wrong))
    _refused(checkout, tmp_path, said)


def _refused(checkout: Path, tmp_path: Path, said: str) -> None:
    """Nothing is built, not even in part, and the sentence has this in it."""
    with pytest.raises(CannotBuild) as refused:
        build(checkout, tmp_path / "dist")
    assert said in str(refused.value)
    assert not list(tmp_path.glob("dist/*"))
