# SPDX-License-Identifier: AGPL-3.0-or-later
"""The operator's settings in a real maubot server, by its management API, as its web interface uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from scripts.run import ROOT
from tests.support.homeserver import HomeserverPair
from tests.support.postgres import Postgres
from tests.support.scene import RoomOptions, Scene, thread_of, usual_room
from tests.support.stock_maubot import INSTANCE, InstalledBot, StockServers

RoomWith = Callable[[InstalledBot], Awaitable[Scene]]


@pytest.fixture
async def servers(
    homeservers: HomeserverPair, postgres: Postgres, tmp_path: Path
) -> AsyncIterator[StockServers]:
    """Stock maubot servers, gone at the end."""
    made = StockServers(homeservers, postgres, tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def room_with(homeservers: HomeserverPair) -> AsyncIterator[RoomWith]:
    """Usual rooms with bots in whose logs errors are expected; `make_scene` would not have it."""
    async with AsyncExitStack() as stack:
        yield lambda bot: stack.enter_async_context(usual_room(homeservers, bot, RoomOptions()))


def yaml(text: str) -> dict[str, Any]:
    """What the settings say."""
    found: dict[str, Any] = YAML(typ="safe").load(text)
    return found


async def word_is(scene: Scene, word: str) -> None:
    """The bot answers to this command, and to no other that is tried here."""
    others = {"migrate", "move", "wander"} - {word}
    wrong = [await scene.alice.say(scene.room, f"!{other} help") for other in others]
    right = await scene.alice.say(scene.room, f"!{word} help")
    await scene.answer_to(right)
    assert not [event for event in await scene.carol.messages(scene.room) if thread_of(event) in wrong]


async def test_good_settings_take_effect_and_bad_ones_do_not(
    servers: StockServers, room_with: RoomWith
) -> None:
    bot = await servers.install("command: move\n")
    scene = await room_with(bot)
    await word_is(scene, "move")
    await bot.server.put_instance(INSTANCE, config="command: wander\napprovals_needed: 2\n")
    await word_is(scene, "wander")
    for bad, sentence in {
        "command: move\napprovals_needed: 0\n": "approvals_needed is the number 0; it must be",
        "command: move\naprovals_needed: 1\n": "There is no setting aprovals_needed. Did you mean",
        "command: [move\n": "The settings are not valid YAML",
    }.items():
        shown = await bot.server.put_instance(INSTANCE, config=bad)
        assert sentence in bot.log_text()
        for config in (shown["config"], (await bot.instance())["config"]):
            assert (yaml(config)["command"], yaml(config)["approvals_needed"]) == ("wander", 2)
        await word_is(scene, "wander")
    assert bot.log_text().count(" ERROR ") == 3
    await bot.stop()
    await bot.start()
    await word_is(scene, "wander")


async def test_bad_first_settings_can_be_mended(servers: StockServers, room_with: RoomWith) -> None:
    bot = await servers.install()
    scene = await room_with(bot)
    await bot.server.stop_instance(INSTANCE)
    await bot.server.put_instance(INSTANCE, config="command: Wander!\n")
    failed = await bot.server.start_instance(INSTANCE)
    assert (failed["started"], failed["enabled"]) == (False, False)
    assert "command is 'Wander!'; it must be small letters" in bot.log_text()
    mended = await bot.server.put_instance(INSTANCE, config="command: wander\n", enabled=True, started=True)
    assert mended["started"]
    await word_is(scene, "wander")


MINE = """\
# What we agreed on in May.
approvals_needed: 2 # two are better
operators:
  # Erin is on leave.
  - "@carol:example.org"
  - "@dave:example.org" # since June
accept_invites: servers
accept_invites_from_servers:
- example.org

# The end.
lost_after_days: 60
"""


@pytest.mark.parametrize("config", ["", MINE])
async def test_settings_and_their_comments_outlive_restarts(config: str, servers: StockServers) -> None:
    bot = await servers.install(config)
    first = (await bot.instance())["config"]
    defaults = (ROOT / "base-config.yaml").read_text()
    assert yaml(first) == {**yaml(defaults), **(yaml(config) if config else {})}
    comments = [line for line in defaults.splitlines() if line.startswith("#")]
    assert [line for line in first.splitlines() if line in comments] == comments
    for _ in range(2):
        await bot.stop()
        await bot.start()
        assert (await bot.instance())["config"] == first
