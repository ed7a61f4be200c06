# SPDX-License-Identifier: AGPL-3.0-or-later
"""What `make run` needs to know, what it writes, and what it keeps to itself; no homeserver is asked here."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from migrationbot.config import Settings
from scripts import run
from scripts.config_file import EXAMPLE, configuration, write_private
from scripts.first_run import Answers, NotSetUp, Terminal, set_up
from scripts.login import Login, well_known_url
from scripts.run import ROOT

SECRET = "syt_of_the_bot"
LOGIN = Login(
    user_id="@bot:example.org", homeserver="https://hs.example.org", access_token=SECRET, device_id="ABC"
)


def load(text: str) -> Any:
    """What the YAML says."""
    return YAML(typ="safe").load(text)


def test_without_anybody_to_ask_it_says_how_to_begin_and_writes_nothing(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    before = sorted(tmp_path.iterdir())
    environment = {name: value for name, value in os.environ.items() if "MIGRATIONBOT" not in name}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    ended = subprocess.run(
        (sys.executable, "-m", "scripts.run"),
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("There is no config.yaml yet, and nobody at a terminal to ask.")
    assert len(ended.stderr.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"MIGRATIONBOT_PASSWORD": "x"}, "MIGRATIONBOT_USER"),
        ({"MIGRATIONBOT_HOMESERVER": "http://127.0.0.1:1"}, "MIGRATIONBOT_USER"),
        ({"MIGRATIONBOT_USER": "bot", "MIGRATIONBOT_PASSWORD": "x"}, "MIGRATIONBOT_HOMESERVER"),
        ({"MIGRATIONBOT_ACCESS_TOKEN": SECRET}, "MIGRATIONBOT_HOMESERVER"),
        (
            {"MIGRATIONBOT_USER": "bot", "MIGRATIONBOT_HOMESERVER": "http://127.0.0.1:1"},
            "MIGRATIONBOT_PASSWORD",
        ),
    ],
)
def test_what_is_missing_in_the_environment_is_named(
    given: Mapping[str, str], missing: str, tmp_path: Path
) -> None:
    assert refusal(tmp_path, given) == f"{missing} is not set, and there is nobody at a terminal to ask."


@pytest.mark.parametrize(
    "address",
    ["ftp://example.org", "https://", "http://[", "https://user:word@example.org", "https://a.org/?x=y"],
)
def test_what_is_no_address_of_a_homeserver_is_refused(address: str, tmp_path: Path) -> None:
    given = {"MIGRATIONBOT_ACCESS_TOKEN": SECRET, "MIGRATIONBOT_HOMESERVER": address}
    sentence = refusal(tmp_path, given)
    assert sentence.startswith("The homeserver's address must be like https://matrix.example.org.")
    assert "word" not in sentence


def refusal(folder: Path, given: Mapping[str, str], person: Terminal | None = None) -> str:
    """The sentence with which this is refused, while nothing is written."""
    with pytest.raises(NotSetUp) as refused:
        set_up(folder / "config.yaml", Answers(environment=given, person=person))
    assert not list(folder.iterdir())
    return str(refused.value)


def test_a_person_is_asked_until_something_is_answered(tmp_path: Path) -> None:
    asked: list[str] = []
    typed = iter(["", "  ", "bot", "ftp://nowhere"])

    def ask(question: str) -> str:
        asked.append(question)
        return next(typed)

    said = refusal(tmp_path, {"MIGRATIONBOT_PASSWORD": "x"}, Terminal(ask=ask, ask_secret=ask))
    assert [question.split()[-2] for question in asked] == ["ID,"] * 3 + ["homeserver,"]
    assert said.startswith("The homeserver's address")


def test_the_configuration_is_the_example_with_the_account_in_it() -> None:
    made, example = load(configuration(LOGIN)), load(EXAMPLE.read_text())
    account = made["user"].pop("credentials")
    assert account.pop("device_id") in {LOGIN.device_id, None}
    assert account == {"id": LOGIN.user_id, "homeserver": LOGIN.homeserver, "access_token": SECRET}
    assert made.pop("crypto_db_pickle_key") != example.pop("crypto_db_pickle_key")
    del example["user"]["credentials"]
    assert made == example
    assert made["server"]["hostname"] == "127.0.0.1"
    assert Settings.read(made["plugin_config"]) == Settings()


@pytest.mark.parametrize("there", [True, False])
def test_the_device_is_named_when_the_packages_for_encryption_are_there(
    there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mautrix.crypto", sys if there else None)
    device = load(configuration(LOGIN))["user"]["credentials"]["device_id"]
    assert device == ("ABC" if there else None)


def test_only_the_owner_can_read_the_file_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "config.yaml", SECRET)
    finally:
        os.umask(before)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
    assert (tmp_path / "config.yaml").read_text() == SECRET
    assert stat.S_IMODE((tmp_path / "config.yaml").stat().st_mode) == 0o600


def test_a_file_that_can_not_be_written_leaves_no_draft_behind(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").mkdir()
    with pytest.raises(OSError, match="irectory"):
        write_private(tmp_path / "config.yaml", SECRET)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_a_login_does_not_show_its_token() -> None:
    assert SECRET not in repr(LOGIN)


def test_the_bot_does_not_inherit_the_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.yaml").write_text("")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("MIGRATIONBOT_PASSWORD", SECRET)
    monkeypatch.setenv("ELSEWHERE", "stays")
    masks: list[int] = []
    monkeypatch.setattr(os, "umask", masks.append)
    started: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda _, command, environment: started.append((command, environment)))
    run.main()
    ((command, environment),) = started
    assert command[-2:] == ["-c", str(tmp_path / "config.yaml")]
    assert SECRET not in environment.values()
    assert environment["ELSEWHERE"] == "stays"
    assert Path.cwd() == tmp_path
    assert masks == [0o077]


@pytest.mark.parametrize(
    ("user_id", "url"),
    [
        ("@bot:example.org", "https://example.org/.well-known/matrix/client"),
        ("@bot:example.org:8448", "https://example.org/.well-known/matrix/client"),
        ("@bot:[::1]:8448", "https://[::1]/.well-known/matrix/client"),
        ("bot", None),
        ("bot:example.org", None),
        ("@bot:example.org/path", None),
        ("@bot:user@example.org", None),
        ("@bot:", None),
    ],
)
def test_the_server_name_says_where_to_look_for_the_homeserver(user_id: str, url: str | None) -> None:
    assert well_known_url(user_id) == url
