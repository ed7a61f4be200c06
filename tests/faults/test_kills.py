# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bot may be killed at any moment, again and again: every migration ends as it should.

Here a few kills; `make faults` does 200 on each kind of database.
"""

from __future__ import annotations

from tests.support.kills import survive
from tests.support.lane import Lane

KILLS = 10
SEED = 1


async def test_every_migration_ends_right_however_often_the_bot_is_killed(own_lane: Lane) -> None:
    survival = await survive(own_lane, kills=KILLS, seed=SEED)
    assert survival.wrong == ()
    assert survival.kills == KILLS
    assert survival.migrations >= 2
