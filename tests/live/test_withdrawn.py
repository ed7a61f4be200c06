# SPDX-License-Identifier: AGPL-3.0-or-later
"""A move that is taken back, or that the room no longer allows, leaves the room as it was."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.scene import HISTORY, Scene

Act = Callable[[Scene], Awaitable[object]]

WAYS = {
    "no": lambda scene: scene.refuse(scene.alice),
    "command": lambda scene: scene.cancel(),
    "redaction": lambda scene: scene.alice.redact(scene.room, scene.command),
    "redaction by an admin": lambda scene: scene.carol.redact(scene.room, scene.command),
}


async def _as_it_was(scene: Scene, history: str) -> None:
    """No power was given, nobody is invited, and the history setting is this one again."""
    assert await scene.level(scene.new) is None
    assert await scene.membership(scene.new) in (None, "leave")
    assert await scene.carol.state(scene.room, HISTORY) == {"history_visibility": history}


@pytest.mark.parametrize("way", WAYS)
async def test_taken_back_before_anyone_agreed(way: str, make_scene: MakeScene) -> None:
    scene = await make_scene(visibility="joined")
    await scene.ask()
    before = await scene.state()
    await WAYS[way](scene)
    await scene.end("cancelled")
    assert await scene.state() == before


@pytest.mark.parametrize("way", WAYS)
async def test_taken_back_after_the_invite(way: str, make_scene: MakeScene) -> None:
    scene = await make_scene(visibility="joined")
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.invited()
    assert await scene.carol.state(scene.room, HISTORY) == {"history_visibility": "shared"}
    await WAYS[way](scene)
    summary = await scene.end("cancelled")
    assert "The unanswered invite was withdrawn." in summary["content"]["body"]
    await _as_it_was(scene, "joined")
    # The new homeserver has been told.
    is_gone = match.membership(scene.new.user_id, "leave")
    await scene.new.wait_for(scene.room, is_gone, "the end of the invite")


async def test_taken_back_after_the_join(make_scene: MakeScene) -> None:
    scene = await make_scene(visibility="invited")
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.join_new()
    await scene.confirm_card()
    await scene.cancel()
    summary = await scene.end("cancelled")
    assert "was given no power" in summary["content"]["body"]
    assert await scene.membership(scene.new) == "join"  # it came by itself, and may leave by itself
    assert await scene.level(scene.new) is None
    assert await scene.carol.state(scene.room, HISTORY) == {"history_visibility": "invited"}
    await scene.confirm()  # too late
    await scene.nothing_more()
    assert await scene.level(scene.new) is None


async def test_taken_back_by_its_number_outside_the_thread(make_scene: MakeScene) -> None:
    scene = await make_scene()
    number = (match.card_of(await scene.ask()) or {})["migration"]
    await scene.command_is(f"cancel {number}")
    await scene.end("cancelled")


async def test_only_the_requester_takes_it_back(make_scene: MakeScene) -> None:
    scene = await make_scene()
    number = (match.card_of(await scene.ask()) or {})["migration"]
    command = await scene.cancel(by=scene.carol)
    await scene.in_thread(match.card("answer", error="not_yours"), "the refusal of Carol's command")
    await scene.answer_to(await scene.command_is(f"cancel {number}", by=scene.dave), error="not_yours")
    sent = await scene.sent_by_bot(since=command)
    assert {(match.card_of(event) or {}).get("error") for event in sent} == {"not_yours"}
    await scene.run_to_end()


async def test_another_rooms_request_is_none_of_this_rooms(make_scene: MakeScene) -> None:
    scene, elsewhere = await make_scene(), await make_scene()
    number = (match.card_of(await scene.ask()) or {})["migration"]
    command = await elsewhere.command_is(f"cancel {number}")
    await elsewhere.answer_to(command, error="no_such_migration")
    await scene.run_to_end()


async def test_an_ended_request_cannot_be_taken_back(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.ask()
    await scene.run_to_end()
    before = await scene.state()
    await scene.cancel()
    await scene.in_thread(match.card("answer", error="no_such_migration"), "the refusal")
    await scene.refuse(scene.carol)
    await scene.nothing_more()
    assert await scene.state() == before


# What the room, or the new account, does in between

ENDINGS: dict[str, tuple[Act, str]] = {
    "the new account declines": (lambda scene: scene.new.leave(scene.room), "declined the invite"),
    "an admin bans it": (lambda scene: scene.carol.ban(scene.room, scene.new.user_id), "removed"),
    "an admin takes the invite back": (
        lambda scene: scene.carol.kick(scene.room, scene.new.user_id),
        "removed",
    ),
    "the room shuts its server out": (
        lambda scene: scene.carol.set_state(
            scene.room, "m.room.server_acl", {"allow": ["*"], "deny": [scene.new.user_id.split(":")[1]]}
        ),
        "shuts out",
    ),
}


@pytest.mark.parametrize("what", ENDINGS)
async def test_an_end_that_the_room_shows(what: str, make_scene: MakeScene) -> None:
    act, sentence = ENDINGS[what]
    scene = await make_scene(visibility="joined")
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.invited()
    await act(scene)
    summary = await scene.end("refused")
    assert sentence in summary["content"]["body"]
    assert await scene.level(scene.new) is None
    assert await scene.membership(scene.new) in ("leave", "ban")
    assert await scene.carol.state(scene.room, HISTORY) == {"history_visibility": "joined"}


async def test_an_upgrade_of_the_room_ends_it(make_scene: MakeScene) -> None:
    scene = await make_scene()
    await scene.ask()
    await scene.carol.set_state(scene.room, "m.room.tombstone", {"body": "moved", "replacement_room": "!x:y"})
    summary = await scene.end("refused")
    assert "upgraded" in summary["content"]["body"]
