# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the documents tell people to type, set, open or click is there, and means what they say."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from migrationbot.chat import commands, wishes
from scripts.figures import NAMES, kept, told
from scripts.first_run import VARIABLES
from scripts.run import NOT_SET_UP, ROOT

DOCUMENTS = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")))

# What the word after `!migrate` asks for; with an account there, it is a migration. All of these are served.
MEANINGS: Mapping[str, type] = {
    "help": wishes.Help,
    "list": wishes.List,
    "check": wishes.Check,
    "status": wishes.Status,
    "cancel": wishes.Cancel,
    "retry": wishes.Retry,
    "approve": wishes.Approve,
    "refuse": wishes.Refuse,
    "operator": wishes.Operator,
    "whereis": wishes.WhereIs,
}
OPTIONS = {
    "--dry-run": "dry_run",
    "--keep-history": "keep_history",
    "--step-down": "step_down",
    "--leave": "leave",
    "--hand-over": "hand_over",
}

# Which rooms are meant.
PICKED = ("scope", "space", "only_rooms", "except_rooms")

# Written with underscores, but no settings of ours.
OTHER_NAMES = {"world_readable", "database_opts", "meow_exit_on_ice"}

# What people have who follow the documents, and a checkout does not.
MADE = {"config.yaml", "dist/", ".venv", ".mbp"}


@dataclass(frozen=True, kw_only=True)
class Code:
    """A piece of code in a document."""

    document: str
    line: int  # of the document, from 1
    language: str | None  # of a block, "" when it names none; None: in the middle of a sentence
    text: str

    def __str__(self) -> str:
        """A name for tests."""
        return f"{self.document}:{self.line} {self.text.splitlines()[0] if self.text else ''}"


def codes_in(path: Path) -> Iterator[Code]:
    """All code of a document, in order."""
    block: list[str] | None = None
    began, language = 0, ""
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        fence = re.fullmatch(r"\s*```(\w*)", line)
        if fence and block is None:
            block, began, language = [], number + 1, fence[1]
        elif fence:
            yield Code(document=path.name, line=began, language=language, text="\n".join(block or ()))
            block = None
        elif block is not None:
            block.append(line.strip() if not language else line)
        else:
            for found in re.finditer(r"(`+)(.+?)\1", line):
                yield Code(document=path.name, line=number, language=None, text=found[2].strip())
    assert block is None, f"{path.name}: the block that begins in line {began} has no end"


CODES = [code for path in DOCUMENTS for code in codes_in(path)]


def lines_starting(*starts: str) -> list[Code]:
    """Every line that somebody could type, and that starts so, wherever it stands."""
    lines = (
        Code(document=code.document, line=code.line + offset, language=code.language, text=line)
        for code in CODES
        if code.language in (None, "", "sh")
        for offset, line in enumerate(code.text.splitlines())
    )
    return [line for line in lines if line.text.startswith(starts)]


def yaml(path: Path) -> dict[str, Any]:
    """What a YAML file says."""
    found: dict[str, Any] = YAML(typ="safe").load(path)
    return found


# ---- What people type -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code", [each for each in lines_starting("!migrate") if "…" not in each.text], ids=str
)
def test_a_command_means_what_it_says(code: Code) -> None:
    typed = re.sub(r"\[?\bN\b\]?", "7", code.text)
    command = commands.parse({"msgtype": "m.text", "body": typed})
    _, verb, *rest = (*typed.split(), "help")
    if not verb.startswith("@"):
        assert type(command) is MEANINGS[verb]
        assert getattr(command, "number", None) == (7 if "7" in rest else None)
        return
    assert isinstance(command, wishes.Migrate)
    for option, name in OPTIONS.items():
        assert getattr(command, name) == (option in rest)
    room = rest[rest.index("in") + 1] if "in" in rest else None
    asked = {name: getattr(command, name) for name in ("new", "old", "address", *OPTIONS.values(), *PICKED)}
    assert (command.scope is not wishes.Scope.ROOM) == (not {"space", "all"}.isdisjoint(rest))
    assert command == wishes.Migrate(**{**asked, "room": room})  # nothing that is not done yet


@pytest.mark.parametrize("code", lines_starting("/invite ", "/op ", "/deop "), ids=str)
def test_a_line_for_the_client_names_an_account(code: Code) -> None:
    assert re.fullmatch(r"/(invite|op|deop) @[a-z]+:[a-z.]+( [0-9]+)?", code.text)


@pytest.mark.parametrize("code", lines_starting("make "), ids=str)
def test_what_is_to_be_made_is_a_target(code: Code) -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"(?m)^\.PHONY: (.*)$", makefile)
    assert phony
    _, target, *variables = code.text.split()
    assert target in phony[1].split()
    assert f"make {target} " in makefile  # `make help` knows it
    for variable in variables:
        assert f"$({variable.partition('=')[0]})" in makefile


# ---- Blocks -----------------------------------------------------------------------------------------------


def check_typed(text: str) -> None:
    """Lines of a kind that the tests above look at."""
    for line in text.splitlines():
        assert line.startswith(("!migrate", "make ", "/")), line


def check_shell(text: str) -> None:
    """A shell can read it, and what is posted is JSON."""
    subprocess.run(("/bin/sh", "-n"), input=text, text=True, check=True)
    for data in re.findall(r"--data '([^']*)'", text):
        json.loads(data)


def check_unit(text: str) -> None:
    """A systemd unit that runs what `make run` runs."""
    unit = configparser.ConfigParser(interpolation=None, strict=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(text)
    assert unit.sections() == ["Unit", "Service", "Install"]
    program, _, arguments = unit["Service"]["ExecStart"].partition(" ")
    assert program == f"{unit['Service']['WorkingDirectory']}/.venv/bin/python"
    assert f"$(PY) {arguments}\n" in (ROOT / "Makefile").read_text()
    assert str(NOT_SET_UP) in unit["Service"]["RestartPreventExitStatus"].split()


# Without a language: for people to type. Mermaid is compared by a test of its own, and text is a transcript.
CHECKS: Mapping[str, Callable[[str], object]] = {
    "": check_typed,
    "sh": check_shell,
    "json": json.loads,
    "ini": check_unit,
    "yaml": YAML(typ="safe").load,
    "mermaid": str,
    "text": str,
}


@pytest.mark.parametrize("code", [each for each in CODES if each.language is not None], ids=str)
def test_a_block_is_what_it_says(code: Code) -> None:
    assert code.language is not None
    CHECKS[code.language](code.text)


# ---- Names ------------------------------------------------------------------------------------------------


def keys_of(found: object) -> Iterator[str]:
    """All keys, at every depth."""
    if isinstance(found, dict):
        for key, value in found.items():
            yield str(key)
            yield from keys_of(value)


def test_every_setting_that_is_named_exists() -> None:
    known = {*yaml(ROOT / "base-config.yaml"), *keys_of(yaml(ROOT / "config.example.yaml")), *OTHER_NAMES}
    named = re.compile(r"([a-z]+(?:_[a-z0-9]+)+)(?:: .*)?")
    for code in CODES:
        # Developers read of names in the code, too.
        found = named.fullmatch(code.text) if code.language is None else None
        if found and code.document != "developers.md":
            assert found[1] in known, str(code)


def test_the_table_of_settings_has_the_defaults() -> None:
    rows = re.findall(r"(?m)^\| `(\w+)` \| `(.*?)` \|", (ROOT / "docs" / "operators.md").read_text())
    defaults = yaml(ROOT / "base-config.yaml")
    assert "operators" in dict(rows)
    for setting, default in rows:
        assert YAML(typ="safe").load(default) == defaults[setting], setting


def test_the_variables_of_the_first_run_are_all_told_and_no_others() -> None:
    told = {code.text for code in CODES if code.language is None and code.text.startswith("MIGRATIONBOT_")}
    assert told == {*VARIABLES}


def test_every_file_that_is_named_exists() -> None:
    named = re.compile(r"[\w./-]*(?:\.(?:py|yaml|md|toml|txt)|[a-z]/)|\.[a-z]+")
    for code in CODES:
        ours = code.language is None and not code.text.startswith("/") and code.text not in MADE
        if ours and named.fullmatch(code.text):
            places = (ROOT / code.text, ROOT / "migrationbot" / code.text)
            assert any(place.exists() for place in places), str(code)


# ---- Links ------------------------------------------------------------------------------------------------


def links_in(path: Path) -> list[str]:
    """Where its links and pictures lead, outside of code."""
    text = re.sub(r"(?ms)^\s*```.*?^\s*```$", "", path.read_text())
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", text))


def anchors_in(path: Path) -> set[str]:
    """The anchors that its headings get."""
    headings = re.findall(r"(?m)^#+ (.*)$", path.read_text())
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for link in links_in(path):
        if re.match("https://", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.is_relative_to(ROOT), link
        assert target.is_file(), link
        assert not anchor or anchor in anchors_in(target), link


def test_the_readme_gives_the_figures_of_the_latest_faults() -> None:
    text = (ROOT / "README.md").read_text()
    for database, figures in kept().items():
        assert told(database, figures) in text.splitlines()
    assert set(kept()) == set(NAMES)
