# SPDX-License-Identifier: AGPL-3.0-or-later
"""The request card: who is asked what, what will happen, and what the new account will read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from jinja2 import UndefinedError

from migrationbot.core.history import Reading, Visibility
from migrationbot.core.move import Options, Rules
from tests.chat.builders import (
    CAST,
    DAY,
    HISTORY,
    NOW,
    event,
    history,
    member,
    migration,
    move,
    room,
)
from tests.chat.gallery import creators_room, replan, request

OLDER = "older messages only where the room allowed it at the time. Its server may not fetch everything."


# ---- The question, and who may answer ---------------------------------------------------------------------


def test_the_request_begins_with_the_question_and_how_to_answer() -> None:
    first, second, *_ = request(room(), CAST.admin).text.split("\n")
    assert first == "Request 7: may @alice:old.org move to the new account @alice:new.org in this room?"
    assert second.startswith("To answer, react to this message with ✅ for yes or ❌ for no.")
    assert "level 100 (admin) or more: @carol:old.org." in second
    assert "One yes is enough, and one no ends the request." in second
    assert second.endswith("Open until 2026-11-29 14:03 UTC (in 7 days).")


def test_the_request_is_short_enough_for_a_phone() -> None:
    assert len(request(room(), CAST.admin).text) < 1200


def test_where_nothing_is_there_to_tap_the_words_to_type_are_named() -> None:
    typed = "or write !migrate approve 7 or !migrate refuse 7 here."
    assert typed not in request(room(), CAST.admin).text
    many = replace(migration(), options=Options(scope="space"))
    assert typed in request(room(), CAST.admin, migration=many).text


def test_programs_see_which_request_waits() -> None:
    card = request(room(), CAST.admin)
    assert card.fields == {"v": 1, "card": "request", "migration": "7", "state": "waiting"}


def test_who_asks_is_said_when_it_is_not_the_old_account() -> None:
    asked_by = migration(requester="@dave:old.org")
    assert "@dave:old.org asks for it." in request(room(), CAST.admin, migration=asked_by).text
    assert "asks for it" not in request(room(), CAST.admin).text


def test_those_who_may_approve_are_named_and_pinged_ten_at_most() -> None:
    admins = tuple(f"@admin{number}:old.org" for number in range(12))
    card = request(room(), *admins, more=3)
    assert card.mentions == admins[:10]
    assert "@admin9:old.org and 5 more." in card.text
    assert "@admin10" not in card.text


def test_where_anyone_may_approve_only_the_requester_is_pinged() -> None:
    card = request(room(), CAST.admin, anyone=True, asked=0)
    assert card.mentions == (CAST.old,)
    assert "any member of this room except the new account." in card.text


def test_a_requester_who_may_not_approve_is_not_pinged() -> None:
    shut_out = move(room(), rules=Rules(requester_may_approve=False))
    card = request(room(), CAST.admin, anyone=True, asked=0, move=shut_out)
    assert card.mentions == (CAST.admin,)
    assert "except the new account and the old one." in card.text


def test_where_nobody_may_approve_nobody_is_pinged_and_the_way_out_is_said() -> None:
    card = request(room())
    assert card.mentions == ()
    assert "Nobody here can answer at present: it takes level 100 (admin)." in card.text
    assert "Someone who can give that level has to give it to a member first." in card.text
    shut_out = move(room(), rules=Rules(requester_may_approve=False))
    assert "the old account's answer does not count" in request(room(), move=shut_out).text


@pytest.mark.parametrize(("more", "too_few"), [(0, True), (1, True), (2, False)])
def test_how_many_have_to_agree_and_whether_there_are_so_many(more: int, too_few: bool) -> None:
    text = request(room(), CAST.admin, needed=3, more=more).text
    assert "3 of them have to agree, and one no ends the request." in text
    assert ("They are too few at present" in text) is too_few
    assert "too few" not in request(room(), anyone=True, needed=3).text


def test_the_requester_learns_how_to_take_it_back() -> None:
    text = request(room(), CAST.admin, command="umzug").text
    assert "@alice:old.org can take the request back" in text
    assert "!umzug cancel in this thread" in text


# ---- What will happen -------------------------------------------------------------------------------------


def test_the_level_that_will_be_given_is_said() -> None:
    assert "the new account gets level 35." in request(room(levels={CAST.old: 35}), CAST.admin).text


def test_where_the_bot_can_give_less_it_says_who_can_give_the_rest() -> None:
    weak = room(levels={CAST.bot: 60}, events={"m.room.power_levels": 60})
    text = request(weak, CAST.admin).text
    assert "the new account gets level 60." in text
    assert "The old account has level 100 (admin); the bot, at level 60, cannot give more." in text
    assert "Someone with level 100 (admin) can do so afterwards." in text


def test_a_creator_learns_that_creatorship_itself_does_not_move() -> None:
    text = request(creators_room(), CAST.admin).text
    assert "the new account gets level 100 (admin)." in text
    assert "creatorship itself cannot be moved, it stays with the old account" in text
    assert "Some things here take level 150; the bot, at level 100 (admin), cannot give more." in text
    strong = request(creators_room(bot=150), CAST.admin).text
    assert "the new account gets level 150." in strong
    assert "cannot give more" not in strong


def test_an_ordinary_member_moves_without_power() -> None:
    text = request(room(levels={CAST.old: 0}), anyone=True, asked=0).text
    assert "nothing to give. The old account has level 0 (member)" in text
    assert "held below" not in text


def test_that_somebody_was_silenced_is_said_before_anyone_agrees() -> None:
    text = request(room(levels={CAST.old: -1}, users_default=10), anyone=True, asked=0).text
    assert "held below the room's default" in text
    assert "the new account would have the default, level 10." in text
    known = room(member(CAST.new, "invite"), levels={CAST.old: -5, CAST.new: 20})
    assert "the new account would have level 20." in request(known, anyone=True, asked=0).text


def test_an_invite_that_is_not_needed_is_said() -> None:
    inside = request(room(member(CAST.new)), CAST.admin).text
    assert "not needed, the new account is in the room already." in inside
    invited = request(room(member(CAST.new, "invite")), CAST.admin).text
    assert "not needed, the new account has been invited already. It has to join." in invited


@pytest.mark.parametrize(
    ("warning", "sentence"),
    [
        ("missing", "new.org, says that this account does not exist. Check the spelling"),
        ("unreachable", "new.org, cannot be reached at the moment. The invite may have to wait"),
    ],
)
def test_what_the_new_server_says_is_a_warning(warning: str, sentence: str) -> None:
    assert sentence in request(room(), CAST.admin, warnings=(warning,)).text


def test_a_warning_without_a_sentence_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        request(room(), CAST.admin, warnings=("haunted",))


def test_an_encrypted_room_needs_keys() -> None:
    encrypted = room(event("m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}))
    assert "only the old account's own client has" in request(encrypted, CAST.admin).text
    assert "encrypted" not in request(room(), CAST.admin).text


def test_a_dry_run_shows_the_same_and_asks_nobody() -> None:
    card = request(room(), CAST.admin, dry_run=True, migration=migration(number=0))
    assert card.fields == {"v": 1, "card": "answer"}
    assert card.mentions == ()
    assert card.text.startswith("Dry run: nobody is asked and nothing changes.")
    assert "the new account gets level 100 (admin)" in card.text
    for word in ("Request 0", "react", "Open until", "take the request back"):
        assert word not in card.text


# ---- What the new account will read ----------------------------------------------------------------------


def test_an_open_room_promises_no_more_than_since_the_setting_was_made() -> None:
    text = request(room(), CAST.admin).text
    since = "since 2026-11-19 14:03 UTC (3 days ago), when that setting was made; "
    assert (
        f"the room's setting is shared and stays so. The new account can read what was sent {since}" in text
    )
    assert OLDER in text


def test_a_room_that_never_set_it_is_readable_from_its_beginning() -> None:
    text = request(replace(room(), history_event=None), CAST.admin).text
    assert "since the beginning of the room. Its server may not fetch everything." in text


@pytest.mark.parametrize("sent_at", [0, -1, NOW + DAY, 2**53, 2**70])
def test_a_time_that_cannot_be_true_is_left_out(sent_at: int) -> None:
    text = request(room(history("shared", sent_at=sent_at)), CAST.admin).text
    assert "what was sent since that setting was made; older" in text


@pytest.mark.parametrize("setting", ["joined", "invited"])
def test_opening_is_announced_with_what_it_reveals_and_to_whom(setting: str) -> None:
    text = request(room(history(setting)), CAST.admin).text
    assert f"the room's setting is {setting}. The bot opens it to shared before the invite" in text
    assert "puts it back once the new account has joined" in text
    assert "can read what is sent from that opening on; nothing older is revealed" in text
    assert OLDER in text
    assert "Others who join later can read that stretch too" in text


@pytest.mark.parametrize(("setting", "since"), [("joined", "join"), ("invited", "invite")])
def test_history_that_stays_hidden_is_readable_from_the_newcomers_own_moment_on(
    setting: str, since: str
) -> None:
    hidden = room(history(setting))
    kept = request(
        hidden,
        CAST.admin,
        move=move(hidden, open_history=False),
        migration=migration(options=Options(keep_history=True)),
    ).text
    assert f"the room's setting is {setting} and stays so." in kept
    assert f"can read what is sent from its {since} on; {OLDER}" in kept
    assert "no right to open it" not in kept
    weak = request(room(history(setting), levels={CAST.bot: 50}, events={HISTORY: 60}), CAST.admin).text
    assert "The bot has no right to open it; an admin can, before the invite." in weak


def test_one_who_is_inside_reads_what_it_read() -> None:
    text = request(room(history("joined"), member(CAST.new)), CAST.admin).text
    assert "Nothing changes for what it can read." in text


@pytest.mark.parametrize("reading", Reading)
def test_every_reading_has_its_sentence(reading: Reading) -> None:
    planned = replan(move(room()), reading=reading, visibility=Visibility.JOINED)
    assert "- History: the " in request(room(), CAST.admin, move=planned).text
