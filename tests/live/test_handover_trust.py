# SPDX-License-Identifier: AGPL-3.0-or-later
"""Handing a room over: upgrades that are not what was agreed to are not followed."""

from __future__ import annotations

import pytest

from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import MatrixError
from tests.support.hand_over import asked, entry, heir_joins, let_in, upgrade


async def test_an_upgrade_that_does_not_name_the_new_account_hands_nothing_over(
    make_scene: MakeScene,
) -> None:
    scene = await make_scene(version="12", creator="alice")
    await asked(scene)
    successor = await upgrade(scene, scene.alice, None)
    await let_in(scene, successor, scene.alice)
    summary = await scene.end("partial")
    assert "the upgrade did not name it" in summary["content"]["body"]
    assert entry(summary)["left_to_do"] == ["hand_over"]
    members = await scene.alice.members(successor)
    assert members == {scene.alice.user_id: "join", scene.bot.user_id: "join"}


async def test_a_room_that_does_not_follow_the_old_one_is_not_believed(make_scene: MakeScene) -> None:
    scene = await make_scene(version="12", creator="alice")
    await asked(scene)
    other = await scene.alice.create_room(
        version="12",
        creation_content={
            "additional_creators": [scene.new.user_id],
            "predecessor": {"room_id": "!another", "event_id": "$x"},
        },
        invite=[scene.bot.user_id],
    )
    await scene.alice.wait_for(other, match.membership(scene.bot.user_id, "join"), "the bot")
    tombstone = {"body": "moved", "replacement_room": other}
    await scene.alice.set_state(scene.room, "m.room.tombstone", tombstone)
    summary = await scene.end("partial")
    assert "does not say that it follows the old one" in summary["content"]["body"]
    assert set(await scene.alice.members(other)) == {scene.alice.user_id, scene.bot.user_id}


async def test_a_room_that_somebody_else_made_is_not_believed(make_scene: MakeScene) -> None:
    """Dave makes a room that says it follows, and Alice is talked into naming it."""
    scene = await make_scene(version="12", creator="alice")
    await asked(scene)
    other = await scene.dave.create_room(
        version="12",
        creation_content={
            "additional_creators": [scene.new.user_id],
            "predecessor": {"room_id": scene.room, "event_id": "$x"},
        },
        invite=[scene.bot.user_id],
    )
    await scene.dave.wait_for(other, match.membership(scene.bot.user_id, "join"), "the bot")
    tombstone = {"body": "moved", "replacement_room": other}
    await scene.alice.set_state(scene.room, "m.room.tombstone", tombstone)
    summary = await scene.end("partial")
    assert "was not made by" in summary["content"]["body"]
    assert scene.carol.user_id not in await scene.dave.members(other)


async def test_nobody_without_the_level_can_upgrade_or_seem_to(make_scene: MakeScene) -> None:
    scene = await make_scene(version="12", creator="alice", power={"state_default": 0})
    await asked(scene)
    fake = {"body": "moved", "replacement_room": "!fake"}
    for person in (scene.dave, scene.carol):
        with pytest.raises(MatrixError):
            await person.set_state(scene.room, "m.room.tombstone", fake)
        with pytest.raises(MatrixError):
            await upgrade(scene, person, [scene.new.user_id])
    with pytest.raises(MatrixError):  # nor a message that looks like it
        await scene.dave.send(scene.room, "m.room.tombstone", fake)
    await scene.nothing_happens()
    successor = await upgrade(scene, scene.alice, [scene.new.user_id])
    await let_in(scene, successor, scene.alice)
    await heir_joins(scene, successor)
    await scene.end("done")


async def test_an_upgrade_by_one_who_was_no_party_to_it_is_not_followed(make_scene: MakeScene) -> None:
    """The room lets Dave upgrade it, who could not have agreed to the move."""
    scene = await make_scene(
        version="11", creator="alice", levels={"dave": 50}, power={"events": {"m.room.tombstone": 50}}
    )
    await asked(scene, approver=scene.carol)
    successor = await upgrade(scene, scene.dave, [scene.new.user_id])
    await scene.dave.invite(successor, scene.bot.user_id)
    summary = await scene.end("partial")
    assert "who has not agreed to this request and could not have" in summary["content"]["body"]
    members = await scene.dave.members(successor)
    assert scene.carol.user_id not in members
    assert scene.new.user_id not in members
