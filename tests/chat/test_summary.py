# SPDX-License-Identifier: AGPL-3.0-or-later
"""The summary: what changed, what each account has now, what is left to do and by whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from jinja2 import UndefinedError

from migrationbot.chat import cards
from migrationbot.chat.card import Card
from migrationbot.core.history import Reading
from migrationbot.core.move import RoomMove
from migrationbot.core.reasons import Outcome, Reason
from migrationbot.core.report import Left
from migrationbot.core.room import RoomState
from migrationbot.core.steps import Step
from tests.chat.builders import (
    CAST,
    HOUR,
    MINUTE,
    NOW,
    WAITS,
    did,
    ending,
    event,
    history,
    member,
    migration,
    move,
    room,
)
from tests.chat.gallery import ENDINGS, creators_room, every_card, replan

NEW_IN = member(CAST.new)
OPENED, PUT_BACK = did(Step.OPEN_HISTORY), did(Step.RESTORE_HISTORY, ago=10 * MINUTE)
OLDER = "older messages only where the room allowed it at the time. Its server may not fetch everything."


def arrived(current: RoomMove | None = None, state: RoomState | None = None, **changes: Any) -> Card:
    """The summary of a move that arrived, in part or whole."""
    end = ending(changes.pop("outcome", Outcome.DONE), **changes)
    state = state or room(NEW_IN, levels={CAST.new: 100})
    return cards.summary(migration(), current or move(room()), state, end)


def stopped(
    reason: Reason, current: RoomMove | None = None, state: RoomState | None = None, *, by: str = CAST.admin
) -> Card:
    """The summary of a move that ended for another reason."""
    end = ending(ENDINGS[reason], reason, by=by)
    return cards.summary(migration(), current or move(room()), state or room(), end)


def entry(card: Card) -> dict[str, Any]:
    """What it says of the only room, for programs."""
    (only,) = card.fields["rooms"]
    found: dict[str, Any] = only
    return found


def hidden(*records: Any, **changes: Any) -> RoomMove:
    """A move in a room whose history was `joined`."""
    return move(room(history("joined")), *records, **changes)


# ---- Of a move that arrived ------------------------------------------------------------------------------


def test_the_summary_says_what_each_account_has_now() -> None:
    card = arrived(move(room(), approvers=(CAST.admin,)))
    assert card.mentions == (CAST.old,)
    assert "@alice:old.org, request 7: the move is done." in card.text
    assert "Agreed by @carol:old.org." in card.text
    assert "New account: @alice:new.org is in the room with level 100 (admin)." in card.text
    assert "Old account: @alice:old.org is in the room with level 100 (admin)." in card.text
    assert card.fields == {
        "v": 1,
        "card": "summary",
        "migration": "7",
        "state": "done",
        "rooms": [
            {
                "room_id": "!room:old.org",
                "state": "done",
                "level": 100,
                "history": "since_setting",
                "left_to_do": ["old_keeps_place"],
            }
        ],
    }


def test_no_more_than_ten_who_agreed_are_named() -> None:
    admins = tuple(f"@admin{number}:old.org" for number in range(12))
    assert "@admin9:old.org and 2 more." in arrived(move(room(), approvers=admins)).text


def test_an_account_that_has_left_since_is_not_said_to_be_there() -> None:
    gone = arrived(state=room(NEW_IN, member(CAST.old, "leave"))).text
    assert "Old account: @alice:old.org is not in the room." in gone
    assert "New account: @alice:new.org is not in the room." in arrived(state=room()).text


def test_history_that_was_opened_is_told_with_both_times() -> None:
    closed_again = room(history("joined", sender=CAST.bot, event_id=PUT_BACK.event_id), NEW_IN)
    card = arrived(hidden(OPENED, PUT_BACK), closed_again)
    assert "can read what was sent since 2026-11-22 13:03 UTC (1 hour ago), when the bot opened" in card.text
    assert OLDER in card.text
    assert "The setting is back to joined since 2026-11-22 13:53 UTC (10 minutes ago)." in card.text
    assert "Others who join later can read what was sent in between, too." in card.text
    assert entry(card)["history"] == "from_opening"


@pytest.mark.parametrize(
    "found",
    [
        history("invited"),
        history("shared", event_id="$later"),
        history("joined", sender=CAST.bot, event_id="$other"),
    ],
)
def test_what_others_did_to_the_setting_meanwhile_is_not_explained_away(found: Any) -> None:
    text = arrived(hidden(OPENED), room(found, NEW_IN)).text
    setting = found.content["history_visibility"]
    assert f"the setting was changed in the meantime, it is {setting} now." in text
    assert "depends on the setting at the time when each message was sent" in text
    assert "can be read by anyone who joins later" in text
    assert "back to" not in text


def test_a_setting_that_is_gone_is_not_called_put_back() -> None:
    gone = replace(room(NEW_IN), history_event=None)
    assert "changed in the meantime, it is shared now" in arrived(hidden(OPENED, PUT_BACK), gone).text


def test_a_change_by_others_is_told_where_the_bot_opened_nothing() -> None:
    text = arrived(move(room()), room(history("joined"), NEW_IN)).text
    assert "changed in the meantime, it is joined now." in text
    assert "had it open" not in text


@pytest.mark.parametrize(
    ("setting", "reading", "since"),
    [("joined", "from_join", "it joined"), ("invited", "from_invite", "its invite")],
)
def test_history_that_was_never_opened_is_not_said_to_have_been(
    setting: str, reading: str, since: str
) -> None:
    """Somebody let the new account in before anyone agreed, for example."""
    card = arrived(move(room(history(setting))), room(history(setting), NEW_IN))
    assert f"can read what was sent since {since}; {OLDER}" in card.text
    assert entry(card)["history"] == reading


@pytest.mark.parametrize("reading", Reading)
def test_every_reading_has_its_sentence(reading: Reading) -> None:
    back = history("joined", sender=CAST.bot, event_id=PUT_BACK.event_id)
    current = replan(hidden(OPENED, PUT_BACK), reading=reading)
    assert "- History: the new account " in arrived(current, room(back, NEW_IN)).text


# ---- Of one that did not ---------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ENDINGS)
def test_every_ending_has_its_sentence(reason: Reason) -> None:
    card = stopped(reason)
    heading, sentence, *_ = card.text.split("\n")
    assert heading.startswith("@alice:old.org, request 7: the move ")
    assert sentence.endswith(".")
    assert card.mentions == (CAST.old,)
    assert card.fields["state"] == ENDINGS[reason].value
    sentences = {stopped(each).text.split("\n")[1] for each in ENDINGS}
    assert len(sentences) == len(ENDINGS)


@pytest.mark.parametrize("reason", WAITS)
def test_an_ending_without_a_sentence_is_an_error(reason: Reason) -> None:
    with pytest.raises(UndefinedError):
        cards.summary(migration(), move(room()), room(), ending(Outcome.EXPIRED, reason))


def test_who_said_no_and_who_took_it_back_is_named() -> None:
    assert "@carol:old.org said no." in stopped(Reason.REFUSED_BY_ADMIN).text
    assert "@carol:old.org took the request back." in stopped(Reason.CANCELLED).text
    assert "@alice:new.org said no: @alice:old.org is not its account." in stopped(Reason.REFUSED_BY_NEW).text


def test_nobody_is_said_to_have_put_the_old_account_out() -> None:
    assert "no longer a member" in stopped(Reason.OLD_REMOVED, by="").text
    assert "@carol" not in stopped(Reason.OLD_REMOVED).text


def test_a_move_that_stopped_gave_nothing_and_says_so() -> None:
    card = stopped(Reason.NOT_CONFIRMED, state=room(NEW_IN))
    assert "is in the room with level 0 (member). It was given no power by this request." in card.text
    assert entry(card)["level"] is None
    assert entry(card)["history"] is None
    promoted = move(room(), did(Step.PROMOTE))
    assert "no power" not in stopped(Reason.NOT_CONFIRMED, promoted).text


def test_an_invite_that_was_withdrawn_is_told() -> None:
    withdrawn = move(room(), did(Step.INVITE), did(Step.WITHDRAW_INVITE))
    gone = room(member(CAST.new, "leave", by=CAST.bot))
    assert "The unanswered invite was withdrawn." in stopped(Reason.NOT_JOINED, withdrawn, gone).text


def test_history_that_was_put_back_leaves_a_stretch_that_is_not_concealed() -> None:
    back = room(history("joined", sender=CAST.bot, event_id=PUT_BACK.event_id))
    text = stopped(Reason.NOT_JOINED, hidden(OPENED, PUT_BACK), back).text
    assert "the setting is back to joined." in text
    assert "What was sent while it was open, until 2026-11-22 13:53 UTC, can be read by anyone" in text


def test_history_that_was_never_touched_is_not_mentioned() -> None:
    assert "History" not in stopped(Reason.NOT_APPROVED).text
    elsewhere = stopped(Reason.NOT_APPROVED, move(room()), room(history("joined"))).text
    assert "History" not in elsewhere


def test_an_opening_of_an_earlier_attempt_is_not_called_put_back() -> None:
    again = hidden(did(Step.OPEN_HISTORY, attempt=2), did(Step.RESTORE_HISTORY, ago=2 * HOUR))
    still_open = room(history("shared", sender=CAST.bot, event_id=OPENED.event_id))
    text = stopped(Reason.NOT_JOINED, again, still_open).text
    assert "back to joined." not in text
    assert "the setting is still shared. An admin can put it back to joined" in text


# ---- What is left to do ----------------------------------------------------------------------------------


def test_everything_that_can_be_left_has_its_sentence() -> None:
    summaries = [card for card in every_card().values() if card.fields["card"] == "summary"]
    said = {each for card in summaries for each in entry(card)["left_to_do"]}
    assert said == {each.value for each in Left}
    for card in summaries:
        lines = card.text.partition("Left to do:\n")[2].split("\n")
        assert len([line for line in lines if line]) == len(entry(card)["left_to_do"])


def test_the_old_account_can_give_the_rest_itself() -> None:
    text = arrived(outcome=Outcome.PARTIAL, state=room(NEW_IN, levels={CAST.new: 60})).text
    assert "the new account has level 60, and the old account has level 100 (admin)." in text
    assert "The old account itself can give it that by writing /op @alice:new.org 100 here." in text
    assert "Keep it until the new account has its level." in text


def test_somebody_else_gives_the_rest_where_the_old_account_cannot() -> None:
    left = room(NEW_IN, member(CAST.old, "leave"), levels={CAST.new: 60})
    text = arrived(outcome=Outcome.PARTIAL, state=left).text
    assert (
        "Someone with at least level 100 (admin) can give it that by writing /op @alice:new.org 100" in text
    )


def test_a_creator_learns_what_moves_creatorship_and_is_not_told_to_step_down() -> None:
    state = creators_room(NEW_IN, new=100)
    text = arrived(move(creators_room()), state, outcome=Outcome.PARTIAL).text
    assert "is in the room with the unlimited level of a creator." in text
    assert "some things here take level 150." in text
    assert "/op @alice:new.org 150 here" in text
    assert "@alice:old.org stays a creator of this room" in text
    assert "names @alice:new.org as a creator (in additional_creators)" in text
    assert "/deop" not in arrived(move(creators_room()), creators_room(NEW_IN, new=150)).text


def test_the_old_account_is_told_how_to_step_down_where_it_has_a_level() -> None:
    assert "/deop @alice:old.org here" in arrived().text
    ordinary = room(NEW_IN, levels={CAST.old: 0})
    assert "/deop" not in arrived(move(room(levels={CAST.old: 0})), ordinary).text


def test_an_invite_that_the_bot_may_not_withdraw_is_an_admins() -> None:
    invited = member(CAST.new, "invite", by=CAST.bot, event_id="$invite")
    text = stopped(Reason.NOT_JOINED, move(room(), did(Step.INVITE)), room(invited)).text
    assert "is invited and not in the room." in text
    assert "/remove @alice:new.org here" in text


def test_keys_of_an_encrypted_room_are_for_the_person_to_carry() -> None:
    encrypted = room(NEW_IN, event("m.room.encryption", {}), levels={CAST.new: 100})
    assert "Export the room keys in the old account's client" in arrived(state=encrypted).text


def test_a_time_in_the_past_is_told_from_the_end_on() -> None:
    text = arrived(at=NOW + HOUR).text
    assert "(3 days ago), when that setting was made" in text
