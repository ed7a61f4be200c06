# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which level the new account gets, and from where the move begins, in rooms of all kinds."""

from __future__ import annotations

import pytest

from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.person import POWER_LEVELS
from tests.support.scene import Scene


def _entry(summary: dict) -> dict:
    """What the summary says of the only room, for other programs."""
    shown = match.card_of(summary)
    assert shown is not None
    (entry,) = shown["rooms"]
    return entry


async def _new_is_in(scene: Scene) -> None:
    """Carol invites the new account by hand, and it joins."""
    await scene.carol.invite(scene.room, scene.new.user_id)
    await scene.join_new()


async def test_a_level_in_between_is_given_as_it_is(make_scene: MakeScene) -> None:
    scene = await make_scene(levels={"alice": 35})
    card = await scene.ask()
    assert "the new account gets level 35." in card["content"]["body"]
    summary = await scene.run_to_end()
    assert await scene.level(scene.new) == await scene.level(scene.alice) == 35
    assert _entry(summary) == {
        "room_id": scene.room,
        "state": "done",
        "level": 35,
        "history": "since_setting",
        "left_to_do": ["old_keeps_place"],
    }


async def test_a_bot_with_less_gives_what_it_can_and_says_so(make_scene: MakeScene) -> None:
    scene = await make_scene(levels={"bot": 60}, power={"events": {POWER_LEVELS: 60}})
    card = await scene.ask()
    assert "the new account gets level 60" in card["content"]["body"]
    assert "the bot, at level 60, cannot give more" in card["content"]["body"]
    summary = await scene.run_to_end(state="partial")
    assert await scene.level(scene.new) == 60
    assert _entry(summary)["left_to_do"] == ["raise_level", "old_keeps_place"]
    assert f"/op {scene.new.user_id} 100" in summary["content"]["body"]


async def test_an_ordinary_member_moves_without_a_change_of_power(make_scene: MakeScene) -> None:
    scene = await make_scene(levels={"bot": None})
    levels = await scene.carol.state_event(scene.room, POWER_LEVELS)
    card = await scene.ask(by=scene.dave)
    assert "any member of this room" in card["content"]["body"]
    summary = await scene.run_to_end(approver=scene.dave)
    assert (await scene.carol.state_event(scene.room, POWER_LEVELS))["event_id"] == levels["event_id"]
    assert await scene.membership(scene.new) == "join"
    assert _entry(summary)["level"] == 0


async def test_the_default_of_the_room_is_nobodys_to_give(make_scene: MakeScene) -> None:
    scene = await make_scene(levels={"bot": None}, power={"users_default": 10})
    await scene.ask(by=scene.dave)
    summary = await scene.run_to_end()
    assert await scene.level(scene.new) is None
    assert _entry(summary)["level"] == 10


async def test_one_who_is_held_below_the_default_is_told_what_the_new_account_would_have(
    make_scene: MakeScene,
) -> None:
    scene = await make_scene(levels={"dave": 3}, power={"users_default": 10})
    card = await scene.ask(by=scene.dave)
    assert "held below the room's default" in card["content"]["body"]
    assert "the new account would have the default, level 10" in card["content"]["body"]
    await scene.run_to_end()
    assert await scene.level(scene.new) is None


async def test_the_old_account_lost_power_after_the_approval_so_less_is_given(make_scene: MakeScene) -> None:
    scene = await make_scene(visibility="joined")
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.join_new()
    await scene.confirm_card()
    await scene.alice.set_power(scene.room, {scene.alice.user_id: 50})
    await scene.confirm()
    await scene.end()
    assert await scene.level(scene.new) == 50


@pytest.mark.parametrize("when", ["before the approval", "after it"])
async def test_the_old_account_gained_power_after_the_request_so_no_more_is_given(
    when: str, make_scene: MakeScene
) -> None:
    scene = await make_scene(levels={"alice": 20})
    await scene.ask()
    if when == "before the approval":
        await scene.carol.set_power(scene.room, {scene.alice.user_id: 90})
    await scene.approve(scene.carol)
    await scene.join_new()
    await scene.confirm_card()
    if when == "after it":
        await scene.carol.set_power(scene.room, {scene.alice.user_id: 90})
    await scene.confirm()
    summary = await scene.end("partial")
    assert await scene.level(scene.new) == 20
    assert "raise_level" in _entry(summary)["left_to_do"]


async def test_a_creator_of_version_12_is_told_what_cannot_move(make_scene: MakeScene) -> None:
    scene = await make_scene(version="12", creator="alice")
    card = await scene.ask()
    assert "the new account gets level 100 (admin)" in card["content"]["body"]
    assert "creatorship itself cannot be moved" in card["content"]["body"]
    summary = await scene.run_to_end(state="partial")
    levels = await scene.carol.state(scene.room, POWER_LEVELS)
    assert levels["users"][scene.new.user_id] == 100
    assert scene.alice.user_id not in levels["users"]
    assert (await scene.carol.state(scene.room, "m.room.create")).get("additional_creators") is None
    assert "creatorship" in _entry(summary)["left_to_do"]
    assert f"/op {scene.new.user_id} 100" not in summary["content"]["body"]  # it has that already
    assert "/deop" not in summary["content"]["body"]  # nothing lowers a creator


@pytest.mark.parametrize("new_level", [None, 40])
async def test_an_account_that_is_in_the_room_already_is_only_promoted(
    new_level: int | None, make_scene: MakeScene
) -> None:
    scene = await make_scene(visibility="joined", levels={"new": new_level})
    await _new_is_in(scene)
    before = await scene.state()
    card = await scene.ask()
    assert "Invite: not needed" in card["content"]["body"]
    await scene.approve(scene.carol)
    await scene.confirm()
    summary = await scene.end()
    after = await scene.state()
    assert {key for key in after if after[key] != before.get(key)} == {(POWER_LEVELS, "")}
    assert await scene.level(scene.new) == 100
    assert _entry(summary)["history"] == "as_member"


async def test_an_account_that_was_invited_already_only_has_to_join(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.carol.invite(scene.room, scene.new.user_id)
    card = await scene.ask()
    assert "has been invited already" in card["content"]["body"]
    invite = await scene.invited()
    await scene.approve(scene.carol)
    await scene.enter()
    await scene.confirm()
    await scene.end()
    sent = await scene.sent_by_bot(since=invite["event_id"])
    assert not [event for event in sent if event["type"] == "m.room.member"]
    assert await scene.level(scene.new) == 100


async def test_a_step_that_a_person_did_by_hand_is_not_done_again(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.ask()
    await scene.carol.invite(scene.room, scene.new.user_id)
    await scene.join_new()
    await scene.carol.set_power(scene.room, {scene.new.user_id: 100})
    await scene.approve(scene.carol)
    await scene.confirm()
    await scene.end()
    sent = await scene.sent_by_bot(since=scene.card)
    assert {event["type"] for event in sent} == {"m.reaction", "m.room.message"}
