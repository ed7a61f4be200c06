# SPDX-License-Identifier: AGPL-3.0-or-later
"""The record that a room keeps of a move, and `!migrate whereis`, which says only what can be proved."""

from __future__ import annotations

import pytest

from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import JsonObject
from tests.support.person import Person
from tests.support.scene import Scene

MOVED = "io.github.migrationbot.moved"
PUBLISH = {"publish_record": True}


def key_of(person: Person) -> str:
    return person.user_id.removeprefix("@")


async def whereis(scene: Scene, *, error: str | None = None, by: Person | None = None) -> JsonObject:
    """Ask where Alice is; the answer."""
    asked = await scene.command_is(f"whereis {scene.alice.user_id}", by=by or scene.dave)
    return await scene.answer_to(asked, error=error)


async def is_unknown(scene: Scene) -> None:
    """See that nothing is told of where Alice is."""
    answer = await whereis(scene, error="no_such_migration")
    assert scene.new.user_id not in answer["content"]["body"]


async def record_in(scene: Scene) -> JsonObject | None:
    """The room's record of Alice, if there is one."""
    if (MOVED, key_of(scene.alice)) not in await scene.state():
        return None
    return await scene.carol.state(scene.room, MOVED, key_of(scene.alice))


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_the_room_keeps_a_record_with_its_proof(database: str, make_scene: MakeScene) -> None:
    scene = await make_scene(database=database, settings=PUBLISH)
    card = await scene.ask()
    assert "Record: the bot writes into this room" in card["content"]["body"]
    await is_unknown(scene)
    approval = await scene.approve(scene.carol)
    await scene.join_new()
    asked = await scene.confirm_card()
    assert "The bot also writes it into this room" in asked["content"]["body"]
    confirmation = await scene.confirm()
    await scene.end()
    assert await record_in(scene) == {
        "v": 1,
        "migration": match.number_of(card),
        "old": scene.alice.user_id,
        "new": scene.new.user_id,
        "command": scene.command,
        "approvals": [approval],
        "confirmation": confirmation,
    }
    answer = await whereis(scene)
    shown = match.card_of(answer) or {}
    assert (shown["old"], shown["new"]) == (scene.alice.user_id, scene.new.user_id)
    assert shown["proof"] == [scene.command, approval, confirmation]
    assert f"{scene.alice.user_id} has moved to {scene.new.user_id}" in answer["content"]["body"]
    assert f"https://matrix.to/#/{scene.room}/%24" in answer["content"]["formatted_body"]


async def test_by_default_the_room_keeps_none_and_the_bot_answers_from_memory(make_scene: MakeScene) -> None:
    scene = await make_scene()
    card = await scene.ask()
    assert "Record:" not in card["content"]["body"]
    await scene.run_to_end()
    assert await record_in(scene) is None
    shown = match.card_of(await whereis(scene)) or {}
    assert shown["new"] == scene.new.user_id
    assert len(shown["proof"]) == 3


async def test_answers_in_words_are_proof_too(make_scene: MakeScene) -> None:
    scene = await make_scene(settings=PUBLISH)
    await scene.ask()
    agreed = await scene.command_is("approve", by=scene.carol, thread=scene.command)
    await scene.join_new()
    await scene.confirm_card()
    confirmed = await scene.command_is("approve", by=scene.new, thread=scene.command)
    await scene.end()
    record = await record_in(scene) or {}
    assert (record["approvals"], record["confirmation"]) == ([agreed], confirmed)
    await whereis(scene)


async def test_a_bot_that_may_not_write_it_keeps_to_its_memory(make_scene: MakeScene) -> None:
    scene = await make_scene(settings=PUBLISH, power={"events": {MOVED: 101}})
    card = await scene.ask()
    assert "Record:" not in card["content"]["body"]
    await scene.run_to_end()
    assert await record_in(scene) is None
    await whereis(scene)


async def test_nobody_gets_it_written_who_could_not_write_it(make_scene: MakeScene) -> None:
    scene = await make_scene(settings=PUBLISH, levels={"alice": None})
    card = await scene.ask()
    assert "if somebody with at least level 50 (moderator) agrees" in card["content"]["body"]
    await scene.run_to_end(approver=scene.dave)
    assert await record_in(scene) is None


# What is not told


@pytest.mark.parametrize("settings", [{}, PUBLISH])
@pytest.mark.parametrize("gone", ["the command", "the approval", "the confirmation"])
async def test_what_was_taken_back_is_no_proof(
    gone: str, settings: dict[str, bool], make_scene: MakeScene
) -> None:
    scene = await make_scene(settings=settings)
    await scene.ask()
    approval = await scene.approve(scene.carol)
    await scene.join_new()
    confirmation = await scene.confirm()
    await scene.end()
    await whereis(scene)
    if gone == "the command":
        await scene.alice.redact(scene.room, scene.command)
    elif gone == "the approval":
        await scene.carol.redact(scene.room, approval)
    else:
        await scene.new.redact(scene.room, confirmation)
        await scene.carol.wait_for(
            scene.room, match.of_type("m.room.redaction", sender=scene.new.user_id), "the redaction"
        )
    await is_unknown(scene)


async def test_what_an_admin_wrote_into_the_record_is_not_told(make_scene: MakeScene) -> None:
    scene = await make_scene(settings=PUBLISH)
    await scene.ask()
    await scene.run_to_end()
    record = await record_in(scene) or {}
    forged = {**record, "new": scene.dave.user_id}
    await scene.carol.set_state(scene.room, MOVED, forged, key_of(scene.alice))
    shown = match.card_of(await whereis(scene)) or {}
    assert shown["new"] == scene.new.user_id  # from the bot's own records


async def test_a_record_that_an_admin_made_up_is_not_told(make_scene: MakeScene) -> None:
    scene = await make_scene()
    said = await scene.carol.say(scene.room, "!migrate help")
    made_up = {
        "v": 1,
        "migration": "1",
        "old": scene.alice.user_id,
        "new": scene.new.user_id,
        "command": said,
        "approvals": [said],
        "confirmation": said,
    }
    await scene.carol.set_state(scene.room, MOVED, made_up, key_of(scene.alice))
    await is_unknown(scene)


async def test_other_rooms_are_told_nothing(make_scene: MakeScene) -> None:
    scene, elsewhere = await make_scene(), await make_scene()
    await scene.ask()
    await scene.run_to_end()
    asked = await elsewhere.command_is(f"whereis {scene.alice.user_id}", by=elsewhere.carol)
    answer = await elsewhere.answer_to(asked, error="no_such_migration")
    assert scene.new.user_id not in answer["content"]["body"]


async def test_a_move_that_did_not_happen_is_not_told(make_scene: MakeScene) -> None:
    scene = await make_scene(settings=PUBLISH)
    await scene.ask()
    await scene.refuse(scene.carol)
    await scene.end("refused")
    assert await record_in(scene) is None
    await is_unknown(scene)
