# SPDX-License-Identifier: AGPL-3.0-or-later
"""The main job: one person moves house in one room, from one homeserver to another."""

from __future__ import annotations

import pytest

from tests.conftest import People, StartBot
from tests.support import match
from tests.support.homeserver import HomeserverPair


@pytest.mark.parametrize("version", ["6", "9", "11", "12"])
async def test_the_new_account_gets_the_old_ones_place(
    version: str, homeservers: HomeserverPair, people: People, start_bot: StartBot
) -> None:
    alice, carol, new = await people("alice"), await people("carol"), await people("alice", homeservers.new)
    bot = await start_bot()
    room = await carol.create_room(version=version, invite=[alice.user_id, bot.user_id])
    await alice.join(room)
    await carol.wait_for(room, match.membership(bot.user_id, "join"), "the bot to join")
    await carol.set_power(room, {alice.user_id: 100, bot.user_id: 100})

    await alice.say(room, f"!migrate {new.user_id}")
    request = await carol.wait_for(room, match.card("request"), "the request card")
    await carol.react(room, request["event_id"], "✅")
    # The invited server hears of it first: a join at once would come before the inviting server knows.
    await carol.wait_for(room, match.membership(new.user_id, "invite"), "the invite")
    await new.join(room, via=[homeservers.old.server_name])
    confirm = await new.wait_for(room, match.card("confirm"), "the confirm card")
    await new.react(room, confirm["event_id"], "✅")
    await alice.wait_for(room, match.card("summary"), "the summary")
    levels = (await carol.state(room, "m.room.power_levels"))["users"]
    assert levels[new.user_id] == 100
