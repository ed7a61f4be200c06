# SPDX-License-Identifier: AGPL-3.0-or-later
"""The main job: one person moves house in one room, from one homeserver to another."""

from __future__ import annotations

import pytest

from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.person import POWER_LEVELS
from tests.support.scene import HISTORY


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
@pytest.mark.parametrize("version", ["6", "9", "11", "12"])
async def test_the_new_account_gets_the_old_ones_place_and_all_else_stays(
    version: str, database: str, make_scene: MakeScene
) -> None:
    scene = await make_scene(version=version, database=database, visibility="joined")
    before, levels = await scene.state(), await scene.carol.state(scene.room, POWER_LEVELS)
    await scene.ask()
    summary = await scene.run_to_end()
    after = await scene.state()
    changed = {key for key, event_id in after.items() if before.get(key) != event_id}
    assert changed == {(POWER_LEVELS, ""), (HISTORY, ""), ("m.room.member", scene.new.user_id)}
    assert await scene.carol.state(scene.room, HISTORY) == {"history_visibility": "joined"}
    assert await scene.membership(scene.new) == await scene.membership(scene.alice) == "join"
    now = await scene.carol.state(scene.room, POWER_LEVELS)
    assert now == {**levels, "users": {**levels["users"], scene.new.user_id: 100}}
    # The new homeserver knows it too.
    await scene.new.wait_for(scene.room, match.event_id(summary["event_id"]), "the summary")
    assert await scene.new.state(scene.room, POWER_LEVELS) == now
