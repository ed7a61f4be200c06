# SPDX-License-Identifier: AGPL-3.0-or-later
"""How often the bot reads a room during a move: what it did itself it does not look for."""

from __future__ import annotations

from collections import Counter

from tests.conftest import StartBot
from tests.live.conftest import MakeScene
from tests.support.fault import Tap
from tests.support.homeserver import HomeserverPair
from tests.support.proxy import FaultProxy

# Planning, the request card, and after it; the approval; the join, the question, its two reactions; the
# answer; the summary. Two more where some of these come while the bot is looking.
_LOOKS = 11


async def test_the_room_is_read_when_somebody_has_done_something_and_not_for_the_bots_own_acts(
    make_scene: MakeScene, start_bot: StartBot, homeservers: HomeserverPair
) -> None:
    proxy = FaultProxy(homeservers.old.url)
    await proxy.start()
    try:
        scene = await make_scene(bot=await start_bot(homeserver_url=proxy.url))
        tap = Tap(scene.room)
        proxy.tap(tap)
        await scene.ask()
        await scene.run_to_end()
        looks = Counter(label for label, _ in tap.requests)["GET state/m.room.tombstone"]
        assert looks <= _LOOKS
        await scene.bot.stop()
    finally:
        await proxy.close()
