# SPDX-License-Identifier: AGPL-3.0-or-later
"""The first `make run`: from nothing to a bot that answers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import select
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from scripts.config_file import can_encrypt
from scripts.run import ROOT
from tests.conftest import People
from tests.support.api import Account, JsonObject, client_path
from tests.support.bot import STARTED
from tests.support.homeserver import HomeserverPair
from tests.support.person import Person, unique
from tests.support.ports import free_port
from tests.support.processes import Command, Process
from tests.support.scene import thread_of
from tests.support.timeline import PATIENCE

NEEDED = ("migrationbot", "scripts", "maubot.yaml", "base-config.yaml", "config.example.yaml")
RUN = (sys.executable, "-m", "scripts.run")
TRY_AGAIN = 2.0  # seconds: what is said before the bot's first sync is nobody's business


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh checkout of what `make run` needs, without configuration or database."""
    target = tmp_path / "checkout"
    target.mkdir()
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target)
    return target


@pytest.fixture
async def bot(homeservers: HomeserverPair) -> AsyncIterator[Person]:
    """The bot's account, as its operator made it, in a client of the operator's."""
    person = Person(await homeservers.old.register(unique("bot")))
    yield person
    await person.close()


def environment(account: Account, **changed: str) -> dict[str, str]:
    """What an operator sets who can't be asked."""
    return {
        "MIGRATIONBOT_HOMESERVER": account.homeserver_url,
        "MIGRATIONBOT_USER": account.user_id,
        "MIGRATIONBOT_PASSWORD": account.password,
        **{f"MIGRATIONBOT_{name}": value for name, value in changed.items()},
    }


def config_of(checkout: Path) -> JsonObject:
    """What stands in config.yaml."""
    found: JsonObject = YAML(typ="safe").load(checkout / "config.yaml")
    return found


async def devices(account: Person) -> dict[str, str]:
    """The names of the account's devices, by their IDs."""
    answer = await account.api.get(client_path("devices"))
    return {device["device_id"]: device.get("display_name") for device in answer["devices"]}


def running(checkout: Path, given: Mapping[str, str]) -> Process:
    """`make run` in this checkout; not started yet."""
    port = {"MAUBOT_SERVER_PORT": str(free_port()), "PYTHONDONTWRITEBYTECODE": "1"}
    command = Command(
        name="make run",
        argv=RUN,
        log=checkout.parent / "run.log",
        folder=checkout,
        environment={**port, **given},
    )
    return Process(command)


async def until_started(process: Process, starts: int = 1) -> None:
    """Wait until the bot has started so many times."""

    async def has_started() -> bool:
        return process.log_text().count(STARTED) == starts

    await process.until(has_started)


async def is_answered(person: Person, bot: Person) -> None:
    """Ask for help in a room with the bot until the bot answers."""
    room = await person.create_room(invite=[bot.user_id])
    await bot.join(room)
    asked: list[str] = []

    def answers(event: JsonObject) -> bool:
        return event["sender"] == bot.user_id and thread_of(event) in asked

    for seconds in (*[TRY_AGAIN] * 10, PATIENCE):
        asked.append(await person.say(room, "!migrate help"))
        with contextlib.suppress(AssertionError):
            await person.wait_for(room, answers, "the bot's answer", seconds=seconds)
            return
    raise AssertionError(f"{bot.user_id} never answered")


async def test_from_a_password_to_a_bot_with_a_device_of_its_own(
    checkout: Path, bot: Person, people: People
) -> None:
    carol, before = await people("carol"), await devices(bot)
    process = running(checkout, environment(bot.account))
    try:
        process.start()
        await until_started(process)
        new = {key: name for key, name in (await devices(bot)).items() if key not in before}
        assert list(new.values()) == ["migrationbot"]
        made = config_of(checkout)["user"]["credentials"]
        assert made["device_id"] == (next(iter(new)) if can_encrypt() else None)
        assert stat.S_IMODE((checkout / "config.yaml").stat().st_mode) == 0o600
        await is_answered(carol, bot)
        if can_encrypt():
            await has_keys(process, bot, made["device_id"])
        assert (await process.stop(signal.SIGINT)).exit_code == 0
        # The second time, config.yaml is enough, and still private after maubot has rewritten it.
        again = running(checkout, {})
        again.start()
        await until_started(again, starts=2)
        await is_answered(carol, bot)
        await again.stop(signal.SIGINT)
        assert len(await devices(bot)) == len(before) + 1
        for name in ("config.yaml", "migrationbot.db"):
            assert stat.S_IMODE((checkout / name).stat().st_mode) == 0o600
        said = process.log_text()
        assert f"/op {bot.user_id} 100" in said
        assert bot.account.password not in said
        assert made["access_token"] not in said
    finally:
        await process.kill()


async def has_keys(process: Process, bot: Person, device_id: str) -> None:
    """Wait until others can encrypt for the bot's device."""

    async def published() -> bool:
        wanted = {"device_keys": {bot.user_id: [device_id]}}
        answer = await bot.api.request("POST", client_path("keys", "query"), wanted)
        return device_id in answer["device_keys"].get(bot.user_id, {})

    await process.until(published)


async def test_a_token_is_taken_as_it_is(checkout: Path, bot: Person, people: People) -> None:
    before = await devices(bot)
    given = environment(bot.account, USER="", PASSWORD="", ACCESS_TOKEN=bot.account.access_token)
    process = running(checkout, given)
    try:
        process.start()
        await until_started(process)
        await is_answered(await people("carol"), bot)
        made = config_of(checkout)["user"]["credentials"]
        assert (made["id"], made["access_token"]) == (bot.user_id, bot.account.access_token)
        assert made["device_id"] == (bot.account.device_id if can_encrypt() else None)
        assert (await devices(bot)).keys() == before.keys()
        assert bot.account.access_token not in process.log_text()
    finally:
        await process.kill()


async def test_without_its_configuration_it_logs_in_anew_and_keeps_its_database(
    checkout: Path, bot: Person, people: People
) -> None:
    process = running(checkout, environment(bot.account))
    try:
        for starts in (1, 2):
            process.start()
            await until_started(process, starts)
            await is_answered(await people("carol"), bot)
            made = config_of(checkout)["user"]["credentials"]
            if can_encrypt():
                await has_keys(process, bot, made["device_id"])
            await process.stop(signal.SIGINT)
            (checkout / "config.yaml").unlink()
        assert list((await devices(bot)).values()).count("migrationbot") == 2
    finally:
        await process.kill()


class Terminal:
    """`make run` with a person at a terminal before it."""

    def __init__(self, checkout: Path) -> None:
        self.screen = ""
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            RUN,
            cwd=checkout,
            env={**os.environ, "MAUBOT_SERVER_PORT": str(free_port()), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    async def shows(self, text: str) -> None:
        """Wait until this stands on the screen."""
        while text not in self.screen:
            more = await asyncio.to_thread(self._read)
            assert more, f"{text!r} never came; what came was:\n{self.screen}"
            self.screen += more

    def types(self, line: str) -> None:
        """Type a line."""
        os.write(self._ours, f"{line}\n".encode())

    async def ends(self, *, ask_again: bool = False) -> int:
        """Ctrl-C; the exit code. `ask_again`: more than once, as one does at a prompt that did not notice."""
        while self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self.process.wait, 2 if ask_again else 20)
        while more := await asyncio.to_thread(self._read):
            self.screen += more
        return self.process.returncode

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def _read(self) -> str:
        """What comes next; empty at the end, or after a long silence."""
        ready, _, _ = select.select([self._ours], [], [], 20)
        try:
            return os.read(self._ours, 4096).decode(errors="replace") if ready else ""
        except OSError:  # what Linux says when nobody is at the other end any more
            return ""


async def test_a_person_at_a_terminal_is_asked(checkout: Path, bot: Person) -> None:
    terminal = Terminal(checkout)
    try:
        await terminal.shows("The bot's user ID")
        terminal.types(bot.user_id.partition(":")[0])
        await terminal.shows("The address of its homeserver")
        terminal.types(bot.account.homeserver_url)
        await terminal.shows("Its password (not shown)")
        terminal.types(bot.account.password)
        await terminal.shows("What to do next")
        await terminal.shows(STARTED)
        assert await terminal.ends() == 0
        assert bot.account.password not in terminal.screen
        assert config_of(checkout)["user"]["credentials"]["id"] == bot.user_id
    finally:
        terminal.close()


async def test_who_thinks_better_of_it_leaves_with_ctrl_c(checkout: Path) -> None:
    terminal = Terminal(checkout)
    try:
        await terminal.shows("The bot's user ID")
        assert await terminal.ends(ask_again=True) == 130
        assert "Nothing was written." in terminal.screen
        assert not (checkout / "config.yaml").exists()
    finally:
        terminal.close()
