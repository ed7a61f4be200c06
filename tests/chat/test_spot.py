# SPDX-License-Identifier: AGPL-3.0-or-later
"""Cards that stand in another chat than the room they speak of: each names that room."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from migrationbot.chat import answers, cards
from migrationbot.chat.card import Card
from migrationbot.chat.cards import Venue
from migrationbot.chat.spot import HERE, spot, title
from migrationbot.core.approval import Hint
from migrationbot.core.errors import Refused
from migrationbot.core.reasons import Mishap, Reason
from tests.chat.answer_gallery import outlook
from tests.chat.builders import (
    CAST,
    DAY,
    NOW,
    ROOM_ID,
    WAITS,
    approvers,
    ending,
    event,
    migration,
    move,
    room,
)
from tests.chat.gallery import ENDINGS, creators_room, progress, refusals, request

CHAT = "!chat:old.org"
AWAY = spot(ROOM_ID, "The garden", at=CHAT)
NAMED = f"the room The garden ({ROOM_ID})"
SEALED = room(event("m.room.encryption", {}))

# What is meant of the chat in which the card stands.
OF_THE_CHAT = ("Reactions here no longer count", "to react here", "retry 7 here")


def about_the_room(card: Card) -> str:
    """What the card says, without what it says of its own chat."""
    text = card.text
    for phrase in OF_THE_CHAT:
        text = text.replace(phrase, "")
    return text


@pytest.mark.parametrize("venue", [Venue.AWAY, Venue.SILENT])
@pytest.mark.parametrize("state", [room(), SEALED, creators_room()], ids=["usual", "encrypted", "creator"])
def test_a_request_for_another_room_names_it(venue: Venue, state: object) -> None:
    card = request(state, CAST.admin, venue=venue, spot=AWAY)  # type: ignore[arg-type]
    assert f"to the new account @alice:new.org in {NAMED}?" in card.text
    assert not re.search(r"\bthis room\b", card.text)
    assert not re.search(r"\bhere\b", about_the_room(card).replace("asked in that room", ""))


def test_it_says_who_is_asked_where() -> None:
    away = request(room(), CAST.admin, venue=Venue.AWAY, spot=AWAY).text
    assert "Those who can answer are asked in that room, too. An answer counts in either place." in away
    silent = request(SEALED, CAST.admin, venue=Venue.SILENT, spot=AWAY).text
    assert "it is encrypted, and the bot is not set up for encryption." in silent
    assert (
        "!migrate approve 7 or !migrate refuse 7 in a direct chat with @bot:old.org that is not encrypted"
        in (silent)
    )
    muted = request(room(), CAST.admin, venue=Venue.SILENT, spot=AWAY).text
    assert "The bot cannot say anything in that room. So you have to tell" in muted
    assert "not encrypted" not in muted


def test_the_card_in_the_room_says_that_it_was_asked_elsewhere() -> None:
    mine = request(room(), CAST.admin, venue=Venue.THERE, spot=HERE).text
    assert "in this room? It was asked in another chat." in mine
    other = migration(requester=CAST.admin)
    theirs = request(room(), CAST.admin, venue=Venue.THERE, spot=HERE, migration=other).text
    assert "@carol:old.org asks for it, in another chat." in theirs


def test_the_new_account_is_told_what_to_type() -> None:
    card = cards.confirm(migration(), move(SEALED), SEALED, now=NOW, spot=AWAY, command="umzug")
    for verb in ("approve", "refuse"):
        assert f"!umzug {verb} 7 in a direct chat with @bot:old.org that is not encrypted" in card.text
    assert NAMED in card.text
    assert card.mentions == (CAST.new, CAST.old)
    open_room = cards.confirm(migration(), move(room()), room(), now=NOW, spot=AWAY, command="umzug")
    assert "encrypted" not in open_room.text


@pytest.mark.parametrize("reason", WAITS)
def test_a_wait_says_there(reason: Reason) -> None:
    card = progress(reason, move(room()), spot=AWAY)
    assert not re.search(r"\b(here|this room|this thread)\b", card.text)


def test_the_rest_names_it_too() -> None:
    current = move(room())
    found = [
        cards.hint(migration(), Hint.TOO_LOW, CAST.admin, has=0, asked=100, spot=AWAY),
        cards.mishap(migration(), Mishap.POWER_CHANGE_LOST, CAST.admin, spot=AWAY),
        answers.not_entitled(migration(), approvers(CAST.admin), spot=AWAY),
        answers.not_entitled(migration(), approvers(anyone=True), spot=AWAY),
        answers.status(migration(), current, outlook(current, room()), command="migrate", spot=AWAY),
    ]
    for card in found:
        assert not re.search(r"\b(here|this room)\b", about_the_room(card))
    assert all(NAMED in card.text for card in found[1:])


@pytest.mark.parametrize("reason", ENDINGS)
def test_so_does_how_it_ended(reason: Reason) -> None:
    end = ending(ENDINGS[reason], reason, by=CAST.admin)
    current = move(creators_room())
    over = replace(current, ending=end)
    for card in (
        cards.summary(migration(), current, creators_room(), end, spot=AWAY),
        cards.closed(migration(), end, spot=AWAY),
        answers.ended(migration(), over, command="migrate", now=NOW, spot=AWAY),
    ):
        assert NAMED in card.text
        assert not re.search(r"\b(here|this room)\b", about_the_room(card), re.IGNORECASE)


def test_the_card_in_the_room_promises_no_summary_in_its_thread() -> None:
    assert "The summary is in this thread." in cards.closed(migration(), ending()).text
    assert "summary" not in cards.closed(migration(), ending(), in_thread=False).text


@pytest.mark.parametrize(("name", "refused"), tuple(refusals()), ids=[name for name, _ in refusals()])
def test_a_refusal_of_another_room_does_not_speak_of_this_one(name: str, refused: Refused) -> None:
    away = Refused(refused.code, **{**refused.details, "away": "#garden:old.org"})
    text = cards.refusal(away, command="migrate").text
    if name not in ("usage", "upgraded to nothing"):
        assert not re.search(r"\b(this room|here)\b", text, re.IGNORECASE), text


def test_a_room_without_a_name_is_told_by_its_id() -> None:
    card = cards.closed(migration(), ending(), spot=spot(ROOM_ID, None, at=CHAT))
    assert f"in the room {ROOM_ID}." in card.text


def test_in_the_room_itself_it_is_this_one() -> None:
    assert spot(ROOM_ID, "The garden", at=ROOM_ID).here


def test_a_name_shows_all_that_it_holds_and_nothing_else() -> None:
    assert title("a\u202e\u200bb  c" + "d" * 90) == "a b c" + "d" * 55


def test_the_old_account_is_asked_to_invite() -> None:
    for where, place in ((HERE, "here, outside this thread"), (AWAY, f"in {NAMED}")):
        card = cards.ask_old(migration(), move(SEALED), until=NOW + DAY, now=NOW, spot=where)
        assert card.mentions == (CAST.old,)
        assert f"write /invite @alice:new.org {place}." in card.text
        assert "The bot waits for you until 2026-11-23 14:03 UTC (in 1 day), then it invites." in card.text
        assert "react to this message with \u23ed\ufe0f for skip." in card.text
        assert card.fields == {
            "v": 1,
            "card": "progress",
            "migration": "7",
            "state": "running",
            "asks": "invite",
            "room_id": ROOM_ID,
        }
