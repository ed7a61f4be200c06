# SPDX-License-Identifier: AGPL-3.0-or-later
"""The operator's settings, as the room feels them, when the bot runs standalone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.bot import BotOptions, BotProcess
from tests.support.homeserver import HomeserverPair
from tests.support.person import unique
from tests.support.scene import HISTORY


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"approvals_needed": 0}, "approvals_needed is the number 0; it must be a whole number from 1 to 20"),
        ({"open_history": "yes"}, "open_history is 'yes'; it must be true or false"),
        ({"aprovals_needed": 2}, "There is no setting aprovals_needed. Did you mean approvals_needed?"),
        ({"accept_invites": "servers"}, "accept_invites_from_servers is empty"),
    ],
)
async def test_a_bad_value_is_refused_with_a_sentence_that_names_its_key(
    settings: dict[str, Any], sentence: str, homeservers: HomeserverPair, tmp_path: Path
) -> None:
    account = await homeservers.old.register(unique("bot"))
    database = f"sqlite:{tmp_path / 'bot.db'}"
    bot = BotProcess(tmp_path, BotOptions(account=account, database_url=database, plugin_config=settings))
    try:
        with pytest.raises(AssertionError, match="ended while starting"):
            await bot.start()
        assert sentence in bot.log_text()
    finally:
        await bot.kill()


async def test_defaults_hold_where_the_operator_names_none(make_scene: MakeScene) -> None:
    scene = await make_scene(visibility="joined", settings={"command": "move-house"})
    await scene.alice.say(scene.room, f"!migrate {scene.new.user_id}")  # not the word here
    scene.command = await scene.alice.say(scene.room, f"!move-house {scene.new.user_id}")
    card = await scene.in_thread(match.card("request"), "the request card")
    scene.card = card["event_id"]
    assert "(in 7 days)" in card["content"]["body"]
    assert "!move-house cancel" in card["content"]["body"]
    assert "!migrate" not in card["content"]["body"]
    assert "have to agree" not in card["content"]["body"]  # one is enough
    await scene.approve(scene.alice)  # and the requester counts
    await scene.invited()
    assert await scene.carol.state(scene.room, HISTORY) == {"history_visibility": "shared"}  # opened
    sent = await scene.sent_by_bot(since=scene.command)
    assert sum(match.card("request")(event) for event in sent) == 1


async def test_a_value_of_the_operators_own_holds(make_scene: MakeScene) -> None:
    scene = await make_scene(settings={"request_expires_hours": 36, "open_requests_per_person": 1})
    card = await scene.ask()
    assert "(in 36 hours)" in card["content"]["body"]
