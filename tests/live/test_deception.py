# SPDX-License-Identifier: AGPL-3.0-or-later
"""People who try to fool the bot, and keys and contents that no honest client sends."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import MatrixError
from tests.support.person import Person, in_thread
from tests.support.scene import YES, Scene


async def nothing_came_of_it(scene: Scene) -> None:
    """The bot has seen all that was said, and invited nobody."""
    await scene.nothing_more()
    assert await scene.membership(scene.new) is None


async def forged_card(scene: Scene, person: Person) -> str:
    """A message that looks like the bot's request card in every way but its sender."""
    events = await scene.carol.messages(scene.room)
    content = next(event["content"] for event in events if event["event_id"] == scene.card)
    return await person.send(scene.room, "m.room.message", content)


async def test_a_yes_under_a_forged_card_counts_nothing(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.ask()
    await scene.carol.react(scene.room, await forged_card(scene, scene.dave), YES)
    await nothing_came_of_it(scene)


async def test_a_yes_under_another_rooms_card_counts_nothing(make_scene: MakeScene) -> None:
    scene, other = await make_scene(), await make_scene()
    await scene.ask()
    await other.ask()
    await other.approve(other.carol)
    await other.invited()
    # The same event ID, named from the wrong room.
    relation = {"rel_type": "m.annotation", "event_id": scene.card, "key": YES}
    with pytest.raises(MatrixError):
        await other.carol.send(other.room, "m.reaction", {"m.relates_to": relation})
    await nothing_came_of_it(scene)


@pytest.mark.parametrize(
    "key",
    ["✅✅", "✅ ", "yes", "👍", "✔️", "\u202e✅", "✅" * 400, "", "❓"],
    ids=lambda key: ascii(key)[:20],
)
async def test_another_key_counts_nothing(make_scene: MakeScene, key: str) -> None:
    scene = await make_scene()
    await scene.ask()
    await scene.carol.react(scene.room, scene.card, key)
    await nothing_came_of_it(scene)


@pytest.mark.parametrize("key", ["✅\ufe0f", "✅\U0001f3fd"])
async def test_a_yes_with_a_variant_of_the_sign_counts(make_scene: MakeScene, key: str) -> None:
    scene = await make_scene()
    await scene.ask()
    await scene.carol.react(scene.room, scene.card, key)
    await scene.invited()


@pytest.mark.parametrize(
    "relation",
    [
        {"rel_type": "m.annotation"},
        {"rel_type": "m.annotation", "event_id": 7, "key": YES},
        {"rel_type": "m.reference", "key": YES},
        {"rel_type": ["m.annotation"], "key": {"✅": True}},
        {"rel_type": "m.annotation", "key": 1},
        "✅",
        None,
        [],
    ],
    ids=lambda relation: ascii(relation)[:30],
)
async def test_a_malformed_reaction_does_no_harm(make_scene: MakeScene, relation: Any) -> None:
    scene = await make_scene()
    await scene.ask()
    if isinstance(relation, dict):
        relation = {"event_id": scene.card, **relation}
    with suppress(MatrixError):  # some of them the homeserver itself does not take
        await scene.carol.send(scene.room, "m.reaction", {"m.relates_to": relation})
    await nothing_came_of_it(scene)
    await scene.approve(scene.carol)
    await scene.invited()


async def test_a_new_account_in_the_room_cannot_approve_its_own_move(make_scene: MakeScene) -> None:
    scene = await make_scene(levels={"new": 50})
    await scene.carol.invite(scene.room, scene.new.user_id)
    await scene.enter()
    await scene.ask()
    await scene.approve(scene.new)
    await scene.nothing_more()
    events = await scene.carol.messages(scene.room)
    assert not [event for event in events if match.card("confirm")(event)]


async def test_who_plainly_meant_well_is_told_once_what_counts(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.ask()
    await scene.dave.react(scene.room, scene.card, YES)
    told = await scene.in_thread(match.says("does not count"), "a hint for Dave")
    assert told["content"]["m.mentions"] == {"user_ids": [scene.dave.user_id]}
    await scene.carol.react(scene.room, scene.card, "👍")
    await scene.in_thread(match.says("please react to the request with ✅"), "a hint for Carol")
    await scene.alice.react(scene.room, scene.card, "👍")
    await scene.nothing_more()
    hints = [each for each in await scene.carol.messages(scene.room) if match.card("progress")(each)]
    assert len(hints) == 2


async def test_a_yes_to_a_forged_confirm_card_gives_nothing(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.join_new()
    confirm = await scene.confirm_card()
    forged = await scene.dave.send(scene.room, "m.room.message", confirm["content"])
    await scene.new.react(scene.room, forged, YES)
    await scene.dave.react(scene.room, confirm["event_id"], YES)
    await scene.nothing_more()
    assert await scene.level(scene.new) is None


async def test_machine_readable_fields_in_other_peoples_messages_are_not_read(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.ask()
    for state in ("done", "running", "cancelled"):
        fields = {"v": 1, "card": "request", "migration": "1", "state": state}
        await scene.dave.say(
            scene.room,
            "done",
            **{"io.github.migrationbot": fields, "m.relates_to": in_thread(scene.command)},
        )
    await nothing_came_of_it(scene)
    await scene.run_to_end()


async def test_a_person_may_have_only_so_many_open_requests(make_scene: MakeScene) -> None:
    settings = {"open_requests_per_person": 1}
    scene, other = await make_scene(settings=settings), await make_scene(settings=settings)
    await other.carol.invite(other.room, scene.alice.user_id)
    await scene.alice.join(other.room)
    await scene.ask()
    second = await other.command_is(scene.new.user_id, by=scene.alice)
    await other.answer_to(second, error="too_many_open")
    await scene.cancel()
    await scene.end("cancelled")
    await other.ask(by=scene.alice, to=scene.new.user_id)


async def test_hostile_names_stay_text(make_scene: MakeScene) -> None:
    name = "</a><script>alert(1)</script>\u202e"
    scene = await make_scene(state=({"type": "m.room.name", "state_key": "", "content": {"name": name}},))
    answer = await scene.answer_to(await scene.command_is("@<script>:new.org"), error="bad_user_id")
    assert "<script>" not in answer["content"]["formatted_body"]
    card = await scene.ask()
    assert "<script>" not in card["content"]["formatted_body"]
    assert name not in scene.bot.log_text()
