# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bot says that belongs to no migration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrationbot.chat import notices
from migrationbot.chat.card import Card
from migrationbot.chat.notices import OpenMove, Paused, Stats
from migrationbot.core.move import Phase
from migrationbot.core.reasons import Outcome, Reason
from tests.chat.builders import DAY, HOUR, MINUTE, NOW, WAITS

OPERATOR = "@operator:old.org"
BY_OPERATOR = Paused(by=OPERATOR, at=NOW - HOUR)
QUIET = Stats(open=0, moves={}, ended={}, limited=0, may_send_at=NOW, since=NOW - 2 * DAY, paused=None)
MOVE = OpenMove(
    number=7,
    old="@alice:old.org",
    new="@alice:new.org",
    room_id="!room:old.org",
    phase=Phase.MOVING,
    reason=None,
    until=NOW + DAY,
)


def sentences(text: str) -> int:
    """How many sentences these are; an ID or a command holds no full stop with a space after it."""
    return text.count(". ") + text.endswith(".")


def test_a_bot_that_has_its_level_asks_for_none() -> None:
    text = notices.greeting(command="move-me", bot="@bot:old.org", able=True).text
    assert sentences(text) == 2
    assert "/op" not in text
    assert "It has the level here that it needs" in text


def test_the_greeting_says_in_two_sentences_what_the_bot_does_and_needs() -> None:
    card = notices.greeting(command="move-me", bot="@bot:old.org", able=False)
    assert sentences(card.text) == 2
    assert "!move-me help" in card.text
    assert "/op @bot:old.org 100" in card.text
    assert card.fields == {"v": 1, "card": "answer"}
    assert card.mentions == ()


def test_a_bot_with_nothing_to_do_says_so() -> None:
    text = notices.stats(QUIET, now=NOW).text
    assert "0 requests are open." in text
    assert "Rooms that have ended: none." in text
    assert "it has met the homeserver's rate limit 0 times." in text
    assert "paused" not in text
    assert "told to wait" not in text


def test_what_is_counted_is_told() -> None:
    busy = replace(
        QUIET,
        open=1,
        moves={Phase.ASKING: 2, Phase.BLOCKED: 1},
        ended={Outcome.DONE: 5, Outcome.EXPIRED: 1},
        limited=1,
        may_send_at=NOW + 5 * MINUTE,
        paused=BY_OPERATOR,
    )
    text = notices.stats(busy, now=NOW).text
    assert "1 request is open." in text
    assert "2 waiting for approval, 1 waiting for an admin to give the bot its level back." in text
    assert "Rooms that have ended: 5 done, 1 out of time." in text
    assert "rate limit 1 time. It sends nothing before" in text
    assert "The bot is paused since" in text
    assert OPERATOR in text


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_words(outcome: Outcome) -> None:
    assert "Rooms that have ended: 3 " in notices.stats(replace(QUIET, ended={outcome: 3}), now=NOW).text


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.ENDED])
def test_every_phase_has_its_words(phase: Phase) -> None:
    assert "Rooms in them: 3 " in notices.stats(replace(QUIET, moves={phase: 3}), now=NOW).text
    assert _listed(replace(MOVE, phase=phase)).text.endswith("UTC (in 1 day) at the latest.")


def test_nothing_open_is_said_in_words() -> None:
    assert notices.open_moves([], more=0, paused=None, now=NOW).text == "Nothing is open."


def test_an_open_move_is_told_with_its_number_its_accounts_and_its_room() -> None:
    card = _listed(MOVE)
    assert card.text == (
        "- Request 7, @alice:old.org to @alice:new.org in !room:old.org, is under way, until "
        "2026-11-23 14:03 UTC (in 1 day) at the latest."
    )
    for linked in (MOVE.old, MOVE.new, MOVE.room_id):
        assert f'<a href="https://matrix.to/#/{linked}">{linked}</a>' in card.html


@pytest.mark.parametrize("reason", WAITS)
def test_everything_that_is_waited_for_has_its_words(reason: Reason) -> None:
    assert ", waits for " in _listed(replace(MOVE, reason=reason)).text


def test_a_long_list_is_cut_and_says_so() -> None:
    text = notices.open_moves([MOVE], more=3, paused=BY_OPERATOR, now=NOW).text
    assert text.startswith("The bot is paused since")
    assert text.endswith("And in 3 more rooms.")


def test_a_pause_says_how_it_ends() -> None:
    text = notices.paused(BY_OPERATOR, open_count=2, command="migrate", now=NOW).text
    assert "2 requests are open." in text
    assert "!migrate operator resume" in text


@pytest.mark.parametrize(("was", "said"), [(BY_OPERATOR, "The bot goes on"), (None, "was not paused")])
def test_resuming_says_whether_there_was_a_pause(was: Paused | None, said: str) -> None:
    assert said in notices.resumed(was=was, open_count=0, now=NOW).text


@pytest.mark.parametrize(
    ("is_operator", "said"),
    [(True, "Ask that in a direct chat"), (False, "Only those who run this bot")],
)
def test_nobody_else_and_nowhere_else(is_operator: bool, said: str) -> None:
    card = notices.not_for_you(is_operator=is_operator)
    assert card.fields == {"v": 1, "card": "answer", "error": "not_yours"}
    assert said in card.text


def _listed(move: OpenMove) -> Card:
    return notices.open_moves([move], more=0, paused=None, now=NOW)
