# SPDX-License-Identifier: AGPL-3.0-or-later
"""The new account reads, from its own homeserver, exactly the messages that the cards said, and no others."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import pytest

from tests.conftest import People
from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import JsonObject
from tests.support.person import Person
from tests.support.scene import HISTORY, Scene
from tests.support.timeline import PATIENCE

PAUSE = 0.2  # seconds between two looks at what a homeserver has fetched

# When something is said.
BEFORE = "before the request"
ASKED = "before the approval"
OPEN = "between the invite and the join"
IN = "before the new account confirms"
AFTER = "after the end"


@dataclass
class Talk:
    """Everybody says something at each stage; which event was said when."""

    scene: Scene
    options: tuple[str, ...] = ()  # of the request
    said: dict[str, str] = field(default_factory=dict)  # event ID → stage

    async def at(self, stage: str, *more: Person) -> None:
        """Alice, Carol, Dave and others say something."""
        scene = self.scene
        for person in (scene.alice, scene.carol, scene.dave, *more):
            event_id = await person.say(scene.room, f"{stage}, says {person.user_id}")
            self.said[event_id] = stage

    async def whole_move(self) -> JsonObject:
        """The usual move, with talk at every stage; the summary."""
        scene = self.scene
        await self.at(BEFORE)
        await scene.ask(*self.options)
        await self.at(ASKED)
        await scene.approve(scene.carol)
        await scene.invited()
        await self.at(OPEN)
        await scene.enter()
        await scene.confirm_card()
        await self.at(IN, scene.new)
        await scene.confirm()
        summary = await scene.end()
        await self.at(AFTER, scene.new)
        return summary

    async def is_read_by(self, person: Person, *stages: str) -> None:
        """See that this person can read all that was said at these stages, and nothing else that was said.

        A homeserver fetches what was said before the join when it is asked for it, and may take its time.
        """
        wanted = {event_id for event_id, stage in self.said.items() if stage in stages}
        deadline = time.monotonic() + PATIENCE
        while True:
            there = {event["event_id"] for event in await person.messages(self.scene.room)}
            missing = [self.said[event_id] for event_id in wanted - there]
            if not missing:
                break
            assert time.monotonic() < deadline, f"{person.user_id} never got what was said {missing}"
            await asyncio.sleep(PAUSE)
        assert {self.said[event_id] for event_id in there & self.said.keys()} == set(stages)


def _setting(**content: object) -> JsonObject:
    return {"type": HISTORY, "state_key": "", "content": content}


@pytest.mark.parametrize("visibility", ["joined", "invited"])
async def test_hidden_history_is_opened_for_the_time_of_the_move(
    visibility: str, make_scene: MakeScene
) -> None:
    content = {"history_visibility": visibility, "org.example.kept": {"a": 1}}
    scene = await make_scene(state=(_setting(**content),))
    talk = Talk(scene)
    summary = await talk.whole_move()
    await talk.is_read_by(scene.new, OPEN, IN, AFTER)
    card = await scene.in_thread(match.card("request"), "the request card")
    assert "can read what is sent from that opening on; nothing older is revealed" in card["content"]["body"]
    assert (match.card_of(summary) or {})["rooms"][0]["history"] == "from_opening"
    assert f"The setting is back to {visibility}" in summary["content"]["body"]
    assert await scene.carol.state(scene.room, HISTORY) == content


@pytest.mark.parametrize("visibility", ["shared", "world_readable"])
async def test_open_history_is_left_alone(visibility: str, make_scene: MakeScene) -> None:
    scene = await make_scene(visibility=visibility)
    before = (await scene.state())[HISTORY, ""]
    talk = Talk(scene)
    summary = await talk.whole_move()
    await talk.is_read_by(scene.new, BEFORE, ASKED, OPEN, IN, AFTER)
    card = await scene.in_thread(match.card("request"), "the request card")
    assert f"the room's setting is {visibility} and stays so" in card["content"]["body"]
    assert (match.card_of(summary) or {})["rooms"][0]["history"] == "since_setting"
    assert (await scene.state())[HISTORY, ""] == before


@pytest.mark.parametrize(
    ("visibility", "reading", "sentence", "stages"),
    [
        ("joined", "from_join", "what is sent from its join on", (IN, AFTER)),
        ("invited", "from_invite", "what is sent from its invite on", (OPEN, IN, AFTER)),
    ],
)
@pytest.mark.parametrize("decided_by", ["requester", "operator"])
async def test_hidden_history_stays_so_when_somebody_says_so(
    visibility: str,
    reading: str,
    sentence: str,
    stages: tuple[str, ...],
    decided_by: str,
    make_scene: MakeScene,
) -> None:
    settings = {"open_history": False} if decided_by == "operator" else {}
    scene = await make_scene(visibility=visibility, settings=settings)
    before = (await scene.state())[HISTORY, ""]
    talk = Talk(scene, options=("--keep-history",) if decided_by == "requester" else ())
    summary = await talk.whole_move()
    await talk.is_read_by(scene.new, *stages)
    card = await scene.in_thread(match.card("request"), "the request card")
    assert sentence in card["content"]["body"]
    assert (match.card_of(summary) or {})["rooms"][0]["history"] == reading
    assert (await scene.state())[HISTORY, ""] == before


async def test_a_room_without_the_setting_counts_as_shared(make_scene: MakeScene) -> None:
    scene = await make_scene(state=(_setting(history_visibility="org.example.unknown"),))
    talk = Talk(scene)
    await talk.whole_move()
    await talk.is_read_by(scene.new, BEFORE, ASKED, OPEN, IN, AFTER)


async def test_what_was_said_while_the_room_was_closed_stays_hidden_in_an_open_room(
    make_scene: MakeScene,
) -> None:
    scene = await make_scene(visibility="joined")
    talk = Talk(scene)
    await talk.at("closed")
    await scene.carol.set_state(scene.room, HISTORY, {"history_visibility": "shared"})
    await talk.whole_move()
    await talk.is_read_by(scene.new, BEFORE, ASKED, OPEN, IN, AFTER)
    card = await scene.in_thread(match.card("request"), "the request card")
    assert "older messages only where the room allowed it at the time" in card["content"]["body"]


async def test_what_was_said_while_the_room_was_open_is_not_denied_in_a_closed_one(
    make_scene: MakeScene,
) -> None:
    scene = await make_scene(visibility="shared")
    talk = Talk(scene)
    await talk.at("long ago")
    await scene.carol.set_state(scene.room, HISTORY, {"history_visibility": "joined"})
    summary = await talk.whole_move()
    await talk.is_read_by(scene.new, "long ago", OPEN, IN, AFTER)
    # So no card may say that it reads nothing older.
    assert "nothing older." not in summary["content"]["body"]


async def test_whoever_joins_later_reads_the_open_stretch_too_and_the_card_says_so(
    make_scene: MakeScene, people: People
) -> None:
    scene = await make_scene(visibility="joined")
    talk = Talk(scene)
    await talk.whole_move()
    erin = await people("erin")
    await scene.carol.invite(scene.room, erin.user_id)
    await erin.join(scene.room)
    await talk.is_read_by(erin, OPEN)
    card = await scene.in_thread(match.card("request"), "the request card")
    assert "Others who join later can read that stretch too" in card["content"]["body"]


async def test_an_invited_account_in_an_invited_room_reads_from_its_invite(make_scene: MakeScene) -> None:
    scene = await make_scene(visibility="invited")
    talk = Talk(scene)
    await talk.at(BEFORE)
    await scene.carol.invite(scene.room, scene.new.user_id)
    await talk.at(ASKED)
    card = await scene.ask()
    assert "from its invite on" in card["content"]["body"]
    await scene.approve(scene.carol)
    await scene.enter()
    await scene.confirm()
    await scene.end()
    await talk.is_read_by(scene.new, ASKED)
    sent = await scene.sent_by_bot(since=scene.command)
    assert HISTORY not in {event["type"] for event in sent}


async def test_a_setting_that_somebody_changes_meanwhile_is_theirs(make_scene: MakeScene) -> None:
    scene = await make_scene(visibility="joined")
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.invited()
    theirs = await scene.carol.set_state(scene.room, HISTORY, {"history_visibility": "world_readable"})
    await scene.join_new()
    await scene.confirm()
    await scene.end()
    assert (await scene.state())[HISTORY, ""] == theirs


async def test_a_bot_that_may_not_open_the_history_says_from_when_on_the_new_account_reads(
    make_scene: MakeScene,
) -> None:
    scene = await make_scene(
        visibility="joined",
        levels={"alice": 20, "bot": 50},
        power={"events": {"m.room.power_levels": 50, HISTORY: 80}},
    )
    talk = Talk(scene)
    await talk.whole_move()
    await talk.is_read_by(scene.new, IN, AFTER)
    card = await scene.in_thread(match.card("request"), "the request card")
    assert "what is sent from its join on" in card["content"]["body"]
