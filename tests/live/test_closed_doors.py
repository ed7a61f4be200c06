# SPDX-License-Identifier: AGPL-3.0-or-later
"""Doors that no level of the bot's opens, and that only show late: each is named with what would open it.

A ban, a server access list and `m.federate: false` are found beforehand: see test_refusals.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import People
from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import client_path
from tests.support.bot import BotOptions, BotProcess
from tests.support.homeserver import homeserver_pair
from tests.support.person import Person, unique
from tests.support.scene import RoomOptions, Scene, usual_room
from tests.support.synapse_config import ServerOptions

EXPERIMENTAL = "org.matrix.msc1767.10"  # a room version that only servers know which were told to


async def allow_invites(person: Person, *, allowed: bool) -> None:
    """Take invites or none. MSC4380."""
    path = client_path("user", person.user_id, "account_data", "m.invite_permission_config")
    await person.api.request("PUT", path, {} if allowed else {"default_action": "block"})


@pytest.mark.parametrize("remote", [True, False])
async def test_an_account_that_blocks_invites_is_waited_for(
    remote: bool, make_scene: MakeScene, people: People
) -> None:
    scene = await make_scene()
    if not remote:
        scene.new = await people("new")
    await allow_invites(scene.new, allowed=False)
    number = match.number_of(await scene.ask())
    await scene.approve(scene.carol)
    wait = await scene.progress()
    assert f"{scene.new.user_id} accepts no invites at present" in wait["content"]["body"]
    assert "Please allow invites in the settings of that account" in wait["content"]["body"]
    assert await scene.membership(scene.new) is None
    await allow_invites(scene.new, allowed=True)
    await scene.command_is(f"retry {number}")
    await scene.join_new()
    await scene.confirm()
    await scene.end()
    assert await scene.level(scene.new) == 100


@pytest.mark.parametrize("remote", [True, False])
async def test_an_account_that_was_deactivated_is_warned_of(
    remote: bool, make_scene: MakeScene, people: People
) -> None:
    scene = await make_scene()
    gone = await people("gone", scene.homeservers.new if remote else None)
    login = {"identifier": {"type": "m.id.user", "user": gone.user_id}, "password": gone.account.password}
    await gone.api.request(
        "POST",
        client_path("account", "deactivate"),
        {"auth": {"type": "m.login.password", **login}, "erase": True},
    )
    card = await scene.ask(to=gone.user_id)
    assert "says that this account does not exist. Check the spelling" in card["content"]["body"]


@pytest.fixture
async def experimental(tmp_path: Path) -> AsyncIterator[Scene]:
    """A room of a version that the new account's server does not know."""
    options = ServerOptions(extra={"experimental_features": {"msc1767_enabled": True}})
    async with homeserver_pair(tmp_path, old=options) as homeservers:
        account = await homeservers.old.register(unique("bot"))
        database = f"sqlite:{tmp_path / 'bot.db'}"
        bot = BotProcess(tmp_path / "bot", BotOptions(account=account, database_url=database))
        await bot.start()
        try:
            async with usual_room(homeservers, bot, RoomOptions(version=EXPERIMENTAL)) as scene:
                yield scene
        finally:
            await bot.kill()


async def test_a_room_version_that_the_new_server_does_not_know_ends_it(experimental: Scene) -> None:
    scene = experimental
    await scene.ask()
    await scene.approve(scene.carol)
    summary = await scene.end("refused")
    assert "does not support the version of this room" in summary["content"]["body"]
    assert "Its admin has to update it first" in summary["content"]["body"]
    assert await scene.membership(scene.new) is None
    # The bot itself needs to know nothing of the version: within the server that knows it, it moves people.
    neighbour = Person(await scene.homeservers.old.register(unique("new")))
    scene.new = neighbour
    await scene.ask()
    await scene.run_to_end()
    assert await scene.level(neighbour) == 100
    await neighbour.close()
