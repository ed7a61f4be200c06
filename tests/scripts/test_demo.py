# SPDX-License-Identifier: AGPL-3.0-or-later
"""`make demo` shows a real move, can be looked into, says what went wrong, and leaves nothing behind."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.demo.paper import WITHOUT_TERMINAL, Paper, Style, paper_for
from scripts.demo.perform import play
from scripts.demo.scenes.registry import SCENES
from scripts.demo.stage import Stage, on_stage
from scripts.run import ROOT
from tests.support.api import Account
from tests.support.bot import BotOptions, BotProcess
from tests.support.homeserver import HomeserverPair
from tests.support.past import past
from tests.support.person import Person, unique
from tests.support.processes import Command, Process

DEMO = (sys.executable, "-m", "scripts.demo")


def _demo(folder: Path, *options: str) -> Process:
    """The demo, which puts all its temporary files below this folder."""
    log, room = folder / "log", folder / "room"
    room.mkdir()
    environment = {"TMPDIR": str(room), "PYTHONDONTWRITEBYTECODE": "1"}
    command = Command(name="the demo", argv=(*DEMO, *options), log=log, folder=ROOT, environment=environment)
    return Process(command)


@pytest.fixture(scope="module")
async def bot(
    homeservers: HomeserverPair, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[BotProcess]:
    """One for all scenes that need no other."""
    async with _running_bot(tmp_path_factory.mktemp("bot"), homeservers) as made:
        yield made


@asynccontextmanager
async def _running_bot(
    folder: Path, homeservers: HomeserverPair, *, encryption: bool = False
) -> AsyncIterator[BotProcess]:
    account = await homeservers.old.register(unique("bot"))
    database = f"sqlite:{folder / 'bot.db'}"
    made = BotProcess(folder, BotOptions(account=account, database_url=database, encryption=encryption))
    try:
        await made.start()
        yield made
    finally:
        await made.kill()


def _wrote(demo: Process, text: str) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return text in demo.log_text()

    return look


def _is_cleared_away(folder: Path) -> bool:
    """Whether no file is left, and no process that was started with one of them."""
    # `ps` by itself is what everybody has.
    running = subprocess.run(("ps", "-A", "-o", "args"), check=True, capture_output=True, text=True)  # noqa: S607
    return not any((folder / "room").iterdir()) and str(folder) not in running.stdout


async def test_it_shows_the_move_and_whoever_wants_can_log_in(tmp_path: Path) -> None:
    demo = _demo(tmp_path, "--keep")
    demo.start()
    try:
        await demo.until(_wrote(demo, "Press Enter"), seconds=60)
        shown = demo.log_text()
        logins = re.findall(r"^(http://\S+)\s+(@\S+)\s+(\w+)$", shown, re.MULTILINE)
        homeserver, user_id, password = next(each for each in logins if each[1].startswith("@carol:"))
        account = Account(
            user_id=user_id, password=password, access_token="", device_id="", homeserver_url=homeserver
        )
        carol = await Person.login(account)
        assert (await carol.api.get("/_matrix/client/v3/joined_rooms"))["joined_rooms"]
        await carol.close()
        ended = await demo.stop(signal.SIGINT)
    finally:
        await demo.kill()
    assert ended.exit_code == 0, demo.log_tail()
    assert "All as it should be" in demo.log_text()
    assert re.search(r"^ +Alice \(new\) +0 +100 +changed$", shown, re.MULTILINE)
    assert re.search(r"^history visibility +joined +joined$", shown, re.MULTILINE)
    assert re.search(r"^no +Dave +Thursday", shown, re.MULTILINE)
    assert re.search(r"^yes +Dave +The chairs", shown, re.MULTILINE)
    assert "\x1b" not in shown  # no colours where nobody looks
    assert _is_cleared_away(tmp_path)


@pytest.mark.parametrize(
    ("scene", "lines"),
    [
        (
            "guide",
            (
                "                    Alice (new)    0                100          changed",
                "                    Migration bot  0                0",
                "- Carol invites Alice (new)",
                "- Carol sets the power level of Alice (new): 0 → 100",
            ),
        ),
        (
            "v12",
            (
                "power level         Alice          creator          creator",
                "                    Alice (new)    0                150          changed",
                "yes  lower Carol, who has level 100",
                "no   remove the creator, Alice's old account",
            ),
        ),
        (
            "handover",
            (
                "                    Alice (new)    0                creator      changed",
                "no   Carol",
                "yes  Alice (new)",
                "no   the old room",
                "yes  the room that follows",
            ),
        ),
    ],
)
async def test_a_scene_like_any_other(
    scene: str, lines: tuple[str, ...], homeservers: HomeserverPair, bot: BotProcess
) -> None:
    """On homeservers that are there already. Where something is not as it should be, WentWrong says so."""
    async with on_stage(homeservers, bot, localpart=unique) as stage:
        assert set(lines) <= set(await _played(scene, stage))


async def test_a_lost_account_on_homeservers_that_know_how_long_it_was_silent(tmp_path: Path) -> None:
    async with (
        past(tmp_path, forgetful=True) as then,
        _running_bot(tmp_path, then.homeservers) as bot,
        on_stage(then.homeservers, bot, localpart=unique) as stage,
    ):
        shown = await _played("lost", replace(stage, past=then))
    expected = {
        "                    Alice          100              100",
        "                    Alice (new)    0                100          changed",
        "- Carol reacts ✅ (yes) to the request",
        "- Dave reacts ✅ (yes) to the request",
        "- Alice (new) reacts ✅ (yes) to the question",
    }
    assert {line.replace("power level", "           ") for line in shown} >= expected
    assert any("(40 days ago)" in line for line in shown)


async def test_an_encrypted_room_of_which_the_homeservers_can_read_nothing(
    homeservers: HomeserverPair, tmp_path: Path
) -> None:
    async with (
        _running_bot(tmp_path, homeservers, encryption=True) as bot,
        on_stage(homeservers, bot, localpart=unique) as stage,
    ):
        shown = await _played("encrypted", stage)
    table = [line.split() for line in shown if re.fullmatch(r"Migration bot +\d+ +\d+ +\d+", line)]
    assert len(table) == 2  # one for each homeserver
    assert all(readable == "0" and int(encrypted) > 0 for *_, readable, encrypted, _ in table)
    assert any(re.search(r"Alice +\* invites Alice \(new\)$", line) for line in shown)
    assert any(line.startswith("m.room.encrypted: ") for line in shown)


async def _played(scene: str, stage: Stage) -> list[str]:
    """What the demo writes when it plays this scene on that stage."""
    paper = Paper(io.StringIO(), width=WITHOUT_TERMINAL)
    await play(SCENES[scene], stage, paper)
    return paper.lines


@pytest.mark.parametrize("request_to_stop", [signal.SIGINT, signal.SIGTERM])
async def test_it_can_be_stopped_in_the_middle(request_to_stop: signal.Signals, tmp_path: Path) -> None:
    demo = _demo(tmp_path)
    demo.start()
    try:
        await demo.until(lambda: _has_processes(tmp_path))
        ended = await demo.stop(request_to_stop)
    finally:
        await demo.kill()
    assert ended.exit_code == 130, demo.log_tail()
    assert "Stopped. Nothing is left running." in demo.log_text()
    assert _is_cleared_away(tmp_path)


async def _has_processes(folder: Path) -> bool:
    """Whether a homeserver has begun to write something down."""
    return any((folder / "room").glob("*/*/homeserver.db"))


def test_a_scene_that_there_is_not() -> None:
    ended = subprocess.run((*DEMO, "--scene", "opera"), cwd=ROOT, check=False, capture_output=True, text=True)
    assert ended.returncode == 2
    assert (
        ended.stderr == "There is no scene “opera”. There is: move, guide, v12, encrypted, lost, handover.\n"
    )


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_say_nothing_by_themselves(environment: dict[str, str]) -> None:
    terminal = _Terminal()
    paper = paper_for(terminal, environment)
    paper.beside((("10:00", 7, Style.ASIDE), ("Alice", 7, Style.NAME)), "hello", bar="│ ")
    assert paper.lines == ["10:00  Alice  │ hello"]
    assert re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue()) == "10:00  Alice  │ hello\n"
    assert ("\x1b" in terminal.getvalue()) is (environment == {})


def test_long_texts_are_wrapped_and_ids_are_not_torn() -> None:
    paper = Paper(io.StringIO(), width=30)
    paper.beside((("a", 4, Style.PLAIN),), "- one two three four @a-long-name:example.org\nfive", bar="│ ")
    assert paper.lines == [
        "a   │ - one two three four",
        "    │   @a-long-name:example.org",
        "    │ five",
    ]
