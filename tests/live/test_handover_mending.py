# SPDX-License-Identifier: AGPL-3.0-or-later
"""Handing a room over: what an upgrade leaves behind is mended, as far as those may who agreed."""

from __future__ import annotations

from tests.conftest import StartBot
from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import client_path
from tests.support.hand_over import asked, entry, heir_joins, let_in, raise_new, reported, upgrade

CHILD, PARENT, ALIAS = "m.space.child", "m.space.parent", "m.room.canonical_alias"


async def test_what_an_upgrade_leaves_behind_is_mended(make_scene: MakeScene, start_bot: StartBot) -> None:
    # maubot itself logs an error when it follows an invite before the inviting server has stored it.
    bot = await start_bot(autojoin=False)
    scene = await make_scene(bot=bot, version="12", creator="alice", levels={"carol": 100})
    space = await scene.alice.create_room(
        version="12",
        creation_content={"type": "m.space"},
        power_levels={"users": {scene.bot.user_id: 50}},
        invite=[scene.bot.user_id],
    )
    foreign = await scene.carol.create_room(creation_content={"type": "m.space"})
    await scene.alice.wait_for(space, match.membership(scene.bot.user_id, "join"), "the bot in the space")
    via = [scene.homeservers.old.server_name]
    listing = {"via": via, "suggested": True, "order": "b"}
    await scene.alice.set_state(space, CHILD, listing, scene.room)
    await scene.alice.set_state(scene.room, PARENT, {"via": via, "canonical": True}, space)
    await scene.alice.set_state(scene.room, PARENT, {"via": via}, foreign)
    localpart = scene.alice.user_id.removeprefix("@").partition(":")[0]
    alias = f"#{localpart}:{scene.homeservers.old.server_name}"
    where = client_path("directory", "room", alias)
    await scene.alice.api.request("PUT", where, {"room_id": scene.room})
    await scene.alice.set_state(scene.room, ALIAS, {"alias": alias})
    await asked(scene)
    await raise_new(scene)
    # From another server, whose homeserver can't move the aliases of this one.
    successor = await upgrade(scene, scene.new, None)
    await let_in(scene, successor, scene.new)
    report = await reported(scene, successor, scene.new)
    assert (await scene.alice.api.get(where))["room_id"] == successor
    assert (await scene.new.state(successor, ALIAS))["alias"] == alias
    listed = await scene.alice.state(space, CHILD, successor)
    assert (listed["order"], listed["suggested"]) == ("b", True)
    assert listed["via"]
    assert await scene.alice.state(space, CHILD, scene.room) == {}
    summary = await scene.end("done")
    assert entry(summary)["left_to_do"] == ["list_in_space"]
    assert foreign in summary["content"]["body"]
    assert foreign in report["content"]["body"]


async def test_a_space_is_only_changed_for_those_who_may_change_it(make_scene: MakeScene) -> None:
    scene = await make_scene(version="12", creator="alice")
    space = await scene.dave.create_room(
        creation_content={"type": "m.space"},
        power_levels={"users": {scene.bot.user_id: 100}},
        invite=[scene.bot.user_id],
    )
    await scene.dave.wait_for(space, match.membership(scene.bot.user_id, "join"), "the bot in the space")
    via = [scene.homeservers.old.server_name]
    await scene.dave.set_state(space, CHILD, {"via": via}, scene.room)
    await scene.alice.set_state(scene.room, PARENT, {"via": via}, space)
    await asked(scene)
    successor = await upgrade(scene, scene.alice, [scene.new.user_id])
    await let_in(scene, successor, scene.alice)
    await heir_joins(scene, successor)
    summary = await scene.end("done")
    assert entry(summary)["left_to_do"] == ["list_in_space"]
    assert await scene.dave.state(space, CHILD, scene.room) == {"via": via}
