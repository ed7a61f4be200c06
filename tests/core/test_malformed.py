# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whatever comes out of a room or a homeserver: the bot answers or is silent, and grants nothing by mistake.

In none of these worlds has anybody agreed to anything who may.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrationbot.chat import wishes
from migrationbot.chat.commands import parse
from migrationbot.core import approval
from migrationbot.core.errors import Refused
from migrationbot.matrix.inbox import read_sync
from migrationbot.matrix.rooms import message_of, state_event_of
from migrationbot.moves.statements import answer_in
from tests.core.fake_client import Answer, Complaints, RunningBot, running_bot
from tests.core.malformed import MALLORY, REACTION, VALUES, event, events, messages, rooms, spoiled, syncs
from tests.core.worlds import BOT, ROOM

# What says something, or comes and goes. Everything else changes a room.
HARMLESS = {"PUT send/m.room.message", "PUT send/m.reaction", "POST join", "POST leave"}
YESES = spoiled([event("m.reaction", REACTION, sender=MALLORY)])


class Homeserver:
    """Shows a room that is spoiled, in which the latest command and some reactions were said."""

    def __init__(self, room: Mapping[str, Any], said: Any, yeses: Any, sync: Any) -> None:
        self._room = room
        self._said = said
        self._yeses = yeses
        self._sync = sync

    def __call__(self, parts: list[str]) -> Answer:
        match parts:
            case ["rooms", _, "state", kind, key]:
                return _shown(self._room.get(key if kind == "m.room.member" else kind))
            case ["rooms", _, "event", event_id] if event_id.startswith("$sent"):
                return 200, event("m.room.message", {"body": "a card"}, sender=BOT, event_id=event_id)
            case ["rooms", _, "event", _]:
                return _shown(self._said)
            case ["rooms", _, "relations", _, "m.annotation", _]:
                return 200, {"chunk": self._yeses}
            case ["rooms", _, ("relations" | "messages"), *_]:
                return 200, {"chunk": [self._said], "end": self._yeses}
        return 200, self._sync if parts == ["sync"] else self._room


def _shown(what: object) -> Answer:
    return (404, {"errcode": "M_NOT_FOUND"}) if what is None else (200, what)


async def heard(bot: RunningBot, said: Any, others: list[Any], sync: Any) -> None:
    """Be told of all of it."""
    await bot.hear(said)
    await bot.hear(*others)
    await bot.sync(sync)
    await bot.quiet()


@given(
    room=rooms(),
    said=messages(),
    yeses=YESES,
    others=st.lists(events(), max_size=4),
    sync=syncs(),
    old=syncs(),
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
async def test_nothing_comes_of_malformed_events_but_answers(
    room: Mapping[str, Any], said: Any, yeses: Any, others: list[Any], sync: Any, old: Any
) -> None:
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    try:
        async with running_bot(Homeserver(room, said, yeses, old)) as bot:
            await heard(bot, said, others, sync)
        assert complaints.heard == []
        assert set(bot.writes) <= HARMLESS
    finally:
        logging.getLogger().removeHandler(complaints)


@given(said=messages() | VALUES)
def test_any_message_is_a_command_or_refused_or_none_of_ours(said: Any) -> None:
    message = message_of(said if isinstance(said, dict) else {"content": said})
    assert answer_in(message, 1, command="migrate") in (None, approval.Answer.YES, approval.Answer.NO)
    with suppress(Refused):
        assert isinstance(parse(message.content), wishes.Command | None)


@given(value=VALUES)
def test_any_key_of_a_reaction_is_an_answer_or_none(value: Any) -> None:
    assert approval.answer_of(value) in (None, *approval.Answer)


@given(raw=events())
def test_any_state_event_can_be_read(raw: Any) -> None:
    read = state_event_of(raw)
    assert isinstance(read.content, dict)


@given(answer=syncs())
def test_any_sync_can_be_read(answer: Any) -> None:
    post = read_sync(answer, since="s0")
    assert all(isinstance(each, dict) for each in post.messages)


async def test_what_comes_after_an_event_that_mautrix_stumbles_over_is_heard_all_the_same() -> None:
    reply = {"m.in_reply_to": {"event_id": "$x"}}
    poison = event(
        "m.room.message", {"msgtype": "m.text", "body": [], "m.relates_to": reply}, event_id="$poison"
    )
    command = event("m.room.message", {"msgtype": "m.text", "body": "!migrate help"})
    missed = {"next_batch": "s9", "rooms": {"join": {ROOM: {"timeline": {"events": [poison, command]}}}}}
    async with running_bot(Homeserver({}, command, [], missed)) as bot:
        await bot.quiet()
        await bot.hear(poison, command)
        await bot.quiet()
        assert bot.writes == ["PUT send/m.room.message"]
