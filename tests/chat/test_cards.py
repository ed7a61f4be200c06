# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is said while a move is under way and when it has ended, as people read it and as programs do."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from migrationbot.chat import cards
from migrationbot.core.move import Phase
from migrationbot.core.reasons import Outcome, Reason
from tests.chat.builders import CAST, NOW, WAITS, ending, history, migration, move, room
from tests.chat.gallery import ENDINGS, progress

# ---- The question to the new account ---------------------------------------------------------------------


def test_the_new_account_alone_is_asked_whether_both_are_its_own() -> None:
    card = cards.confirm(migration(), move(room(), approvers=(CAST.admin,)), room(), now=NOW)
    assert card.fields == {"v": 1, "card": "confirm", "migration": "7", "state": "waiting"}
    assert card.mentions == (CAST.new,)
    assert "is @alice:old.org your account, too?" in card.text.split("\n")[0]
    assert "@carol:old.org agreed" in card.text
    assert "react to this message with ✅ for yes. You then get level 100 (admin) in this room." in card.text
    assert "Open until 2026-11-29 14:03 UTC (in 7 days). Without your yes nothing is given." in card.text


def test_a_stranger_understands_that_no_is_the_answer() -> None:
    text = cards.confirm(migration(), move(room()), room(), now=NOW).text
    assert "is not yours, or if you do not know what this is about, react with ❌ for no." in text
    assert "Then you get nothing and lose nothing." in text
    assert "A yes would tell everyone here that both accounts are the same person's." in text


def test_no_level_is_promised_where_none_is_given() -> None:
    ordinary = room(levels={CAST.old: 0})
    assert "level" not in cards.confirm(migration(), move(ordinary), ordinary, now=NOW).text


def test_the_level_promised_is_the_one_that_would_be_given_now() -> None:
    fallen = room(levels={CAST.old: 50})
    assert "level 50 (moderator)" in cards.confirm(migration(), move(room()), fallen, now=NOW).text


# ---- What a move waits for -------------------------------------------------------------------------------


def test_every_reason_is_one_to_wait_or_one_to_end() -> None:
    assert sorted(each.value for each in (*WAITS, *ENDINGS)) == sorted(each.value for each in Reason)


@pytest.mark.parametrize("reason", WAITS)
def test_every_wait_has_its_sentence_and_a_time(reason: Reason) -> None:
    card = progress(reason, move(room()))
    assert "request 7:" in card.text.lower()
    assert card.text.endswith("until 2026-11-23 14:03 UTC (in 1 day).")


@pytest.mark.parametrize("reason", ENDINGS)
def test_a_wait_without_a_sentence_is_an_error(reason: Reason) -> None:
    with pytest.raises(UndefinedError):
        progress(reason, move(room()))


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (Reason.APPROVAL_LOST, "waiting"),
        (Reason.BOT_LACKS_POWER, "blocked"),
        (Reason.SERVER_UNREACHABLE, "running"),
        (Reason.INVITE_BLOCKED, "running"),
        (Reason.NOT_ALLOWED, "running"),
    ],
)
def test_programs_see_how_it_stands(reason: Reason, state: str) -> None:
    card = progress(reason, move(room()))
    assert card.fields == {"v": 1, "card": "progress", "migration": "7", "state": state}


def test_the_bots_level_can_be_given_back_by_those_who_agreed() -> None:
    card = progress(Reason.BOT_LACKS_POWER, move(room(), approvers=(CAST.admin, CAST.old)))
    assert card.mentions == (CAST.old, CAST.admin)
    assert "An admin who has it can give it to the bot by writing /op @bot:old.org 100 here" in card.text
    assert "The move then goes on by itself." in card.text


def test_a_history_that_cannot_be_put_back_is_told_as_such() -> None:
    stuck = move(room(history("joined")), phase=Phase.UNDOING)
    text = progress(Reason.BOT_LACKS_POWER, stuck).text
    assert "the move has stopped, but the history is still open" in text
    assert "put the setting back to joined" in text
    assert "goes on by itself" not in text


def test_what_nobody_in_the_room_can_mend_pings_nobody() -> None:
    card = progress(Reason.PAUSED, move(room()))
    assert card.mentions == ()
    assert card.text.startswith("Request 7: ")


def test_the_requester_is_told_how_to_let_invites_in() -> None:
    card = progress(Reason.INVITE_BLOCKED, move(room()))
    assert card.mentions == (CAST.old,)
    assert card.text.startswith("@alice:old.org, request 7: @alice:new.org accepts no invites")
    assert "Please allow invites in the settings of that account." in card.text


# ---- The request card in its final state -----------------------------------------------------------------


@pytest.mark.parametrize("reason", ENDINGS)
def test_the_closed_request_says_how_it_ended_and_pings_nobody(reason: Reason) -> None:
    outcome = ENDINGS[reason]
    card = cards.closed(migration(), ending(outcome, reason, by=CAST.admin))
    assert card.fields == {"v": 1, "card": "request", "migration": "7", "state": outcome.value}
    assert card.mentions == ()
    assert card.text.startswith("Request 7: the move ")
    assert "@alice:old.org to the new account @alice:new.org" in card.text
    assert "Reactions here no longer count." in card.text


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_heading(outcome: Outcome) -> None:
    headings = {cards.closed(migration(), ending(each)).text.split("\n")[0] for each in Outcome}
    assert len(headings) == len(Outcome)
    assert cards.closed(migration(), ending(outcome)).fields["state"] == outcome.value


def test_the_closed_request_still_says_who_asked() -> None:
    of_another = migration(requester="@dave:old.org")
    assert "@dave:old.org asked for it." in cards.closed(of_another, ending()).text


# ---- Help ------------------------------------------------------------------------------------------------


def test_help_shows_the_commands_with_the_operators_own_word() -> None:
    card = cards.usage(command="umzug")
    assert card.fields == {"v": 1, "card": "answer"}
    assert card.mentions == ()
    for typed in ("@you:new.server", "@you:new.server --dry-run", "@you:new.server --keep-history", "cancel"):
        assert f"!umzug {typed}" in card.text
