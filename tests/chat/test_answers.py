# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bot answers to those who ask how things are; every answer is also read in test_card.py."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from migrationbot.chat import answers, cards
from migrationbot.chat.commands import parse
from migrationbot.chat.wishes import Approve, Cancel, Check, List, Refuse, Retry, Status
from migrationbot.core.ability import abilities
from migrationbot.core.history import Visibility
from migrationbot.core.move import Phase
from migrationbot.core.reasons import Goal, Outcome, Reason
from migrationbot.core.room import JoinRule
from migrationbot.core.standing import Standing
from migrationbot.core.steps import Step
from tests.chat.answer_gallery import ENDED, every_answer, status
from tests.chat.builders import (
    CAST,
    DAY,
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

ANSWERS = every_answer()


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_pings_nobody_and_says_that_it_is_one(name: str) -> None:
    assert ANSWERS[name].mentions == ()
    assert ANSWERS[name].fields["card"] == "answer"


def test_the_gallery_is_whole() -> None:
    assert {f"status: {each.value}" for each in WAITS} <= ANSWERS.keys()
    assert set(ENDED) == set(Outcome)
    shown = "\n".join(card.text for name, card in ANSWERS.items() if name.startswith("check"))
    assert all(f"is {each.value}." in shown for each in Visibility)
    ways_in = set(re.findall("- Joining: .*", shown))
    assert len(ways_in) == len(JoinRule) - 1  # `private` means the same as `invite`


# ---- Status ----------------------------------------------------------------------------------------------


def test_the_status_says_who_asked_what_waits_and_what_comes() -> None:
    state = room(history("joined"))
    text = status(move(state), state, CAST.admin).text
    assert "Request 7: waiting for agreement." in text
    assert f"{CAST.old} asked to move {CAST.old} to the new account {CAST.new}" in text
    assert "2026-11-22 13:03 UTC (1 hour ago)" in text
    assert "until 2026-11-23 14:03 UTC (in 1 day)" in text
    assert f"Who can answer: {CAST.admin}." in text
    assert "Done:" not in text
    assert [line.split(":")[0] for line in text.splitlines() if line.startswith("- ")] == [
        "- Agreement",
        "- History",
        "- Invite",
        "- Joining",
        "- History",
        "- Confirmation",
        "- Power",
    ]


def test_what_the_bot_did_is_told_with_its_time() -> None:
    state = room(member(CAST.new, "invite", by=CAST.bot))
    current = move(room(), did(Step.INVITE, ago=3 * MINUTE), phase=Phase.MOVING)
    text = status(current, state, wait=Reason.JOIN).text
    assert "- Invite: the new account was invited, 2026-11-22 14:00 UTC (3 minutes ago)." in text
    assert "Request 7: agreed, and under way." in text


def test_what_somebody_else_did_is_told_without_a_time() -> None:
    state = room(member(CAST.new, "invite", by=CAST.admin))
    text = status(move(room(), phase=Phase.MOVING), state).text
    assert "- Invite: the new account was invited." in text


def test_a_retry_says_when_it_comes_and_how_to_have_it_at_once() -> None:
    state = room()
    text = status(move(state), state, wait=Reason.SERVER_UNREACHABLE, retry_at=NOW + 5 * MINUTE).text
    assert "The next try is 2026-11-22 14:08 UTC (in 5 minutes)." in text
    assert "!migrate retry 7" in text


def test_nothing_more_is_asked_for_than_is_missing() -> None:
    state = room()
    for missing, sentence in (
        (1, "1 more of those who may answer has"),
        (3, "3 more of those who may answer have"),
    ):
        goals = Standing(met=(), to_come=(Goal.APPROVED,), missing=missing, level=100)
        assert sentence in status(move(state), state, standing=goals).text


def test_ten_of_those_who_agreed_are_named() -> None:
    state, many = room(), tuple(f"@a{number}:old.org" for number in range(12))
    goals = Standing(met=(Goal.APPROVED,), to_come=(), agreed=many, level=100)
    text = status(move(state), state, standing=goals).text
    assert "@a9:old.org and 2 more said yes" in text


@pytest.mark.parametrize(
    ("phase", "state"),
    [
        (Phase.ASKING, "waiting"),
        (Phase.MOVING, "running"),
        (Phase.BLOCKED, "blocked"),
        (Phase.UNDOING, "running"),
    ],
)
def test_other_programs_read_the_state_of_an_open_move(phase: Phase, state: str) -> None:
    stopped = ending(Outcome.CANCELLED, Reason.CANCELLED, by=CAST.old) if phase is Phase.UNDOING else None
    current = move(room(), phase=phase, ending=stopped)
    assert status(current, room()).fields == {"v": 1, "card": "answer", "migration": "7", "state": state}


@pytest.mark.parametrize("outcome", Outcome)
def test_other_programs_read_how_it_ended(outcome: Outcome) -> None:
    over = move(
        room(), phase=Phase.ENDED, ending=ending(outcome, ENDED[outcome], by=CAST.admin, at=NOW - 3 * DAY)
    )
    card = answers.ended(migration(), over, command="umzug", now=NOW)
    assert card.fields["state"] == outcome.value
    assert "It ended 2026-11-19 14:03 UTC (3 days ago)." in card.text
    assert ("!umzug retry 7" in card.text) is (outcome is not Outcome.DONE)


# ---- List ------------------------------------------------------------------------------------------------


def listed(name: str | None, *, here: bool = False) -> str:
    current = move(room())
    line = answers.Listed(migration=migration(), move=current, room_name=name)
    where = current.room_id if here else "!elsewhere:old.org"
    return answers.listed([line], here=where, everywhere=not here, command="migrate", now=NOW).text


def test_a_room_is_named_with_its_id_beside() -> None:
    assert "in Gar\u00e7ons du caf\u00e9 (!room:old.org): waiting" in listed("Gar\u00e7ons du caf\u00e9")
    assert "in !room:old.org: waiting" in listed(None)
    assert "in this room: waiting" in listed("Tea", here=True)


def test_a_rooms_name_cannot_turn_the_text_or_fill_it() -> None:
    assert "in a b c (!room:old.org)" in listed("a\u202eb\n\n\u200bc")
    assert f"in {'x' * 60} (!room:old.org)" in listed("x" * 5_000)
    assert "in !room:old.org: waiting" in listed("\u2066 \u2069")


def test_a_rooms_name_is_no_markup() -> None:
    line = answers.Listed(migration=migration(), move=move(room()), room_name="<b>x</b>")
    html = answers.listed([line], here="", everywhere=True, command="migrate", now=NOW).html
    assert "&lt;b&gt;x&lt;/b&gt;" in html


def test_other_programs_read_the_list() -> None:
    assert ANSWERS["list"].fields["migrations"] == [
        {"migration": "7", "state": "waiting", "room_id": "!room:old.org"},
        {"migration": "7", "state": "done", "room_id": "!room:old.org"},
    ]


def test_where_others_read_along_it_is_said_that_there_may_be_more_elsewhere() -> None:
    for name in ("list: here", "list: none here"):
        assert "In a direct chat with the bot, !migrate list shows yours" in ANSWERS[name].text
    for name in ("list", "list: none"):
        assert "direct chat" not in ANSWERS[name].text
    assert "Your 10 latest requests in this room" in ANSWERS["list: full"].text


# ---- Check -----------------------------------------------------------------------------------------------


def test_each_lack_has_the_command_that_mends_it() -> None:
    state = room(levels={CAST.bot: 0}, invite=30, kick=40, events={"m.room.power_levels": 70})
    card = answers.check(state, abilities(state, CAST.bot), bot=CAST.bot)
    assert card.fields["lacks"] == ["invite", "promote", "open_history", "withdraw_invite"]
    lines = {line.split(":")[0]: line for line in card.text.splitlines()}
    assert f"/op {CAST.bot} 30 here." in lines["- Inviting"]
    assert f"/op {CAST.bot} 70 here." in lines["- Power levels"]
    assert f"/op {CAST.bot} 40 here." in lines["- Withdrawing an unanswered invite of its own"]
    assert "someone with at least level 100 (admin)" in card.text
    assert card.text.endswith(f"/op {CAST.bot} 100 here.")


def test_a_bot_that_can_do_everything_asks_for_nothing() -> None:
    state = room()
    card = answers.check(state, abilities(state, CAST.bot), bot=CAST.bot)
    assert card.fields["lacks"] == []
    assert "/op" not in card.text
    assert card.text.startswith("The bot can do here all that a move may need. It has level 100 (admin).")


def test_up_to_which_level_the_bot_can_give() -> None:
    state = room(levels={CAST.bot: 60})
    text = answers.check(state, abilities(state, CAST.bot), bot=CAST.bot).text
    assert (
        "- Power levels: only up to level 60. Somebody has more here. That takes level 100 (admin)." in text
    )
    assert f"/op {CAST.bot} 100 here." in text


def test_a_long_access_list_is_cut() -> None:
    content = {"allow": ["*"], "deny": [f"{number}.{'x' * 5_000}" for number in range(13)]}
    state = room(event("m.room.server_acl", content))
    text = answers.check(state, abilities(state, CAST.bot), bot=CAST.bot).text
    assert "and 3 more. Only an admin of the room can change that list." in text
    assert len(text) < 6_000


def test_a_long_name_of_the_next_room_is_cut() -> None:
    state = room(event("m.room.tombstone", {"replacement_room": "!" + "x" * 60_000}))
    assert len(answers.check(state, abilities(state, CAST.bot), bot=CAST.bot).html) < 5_000


# ---- Replies ---------------------------------------------------------------------------------------------


def test_a_command_that_an_answer_shows_is_one() -> None:
    text = " ".join(card.text for card in ANSWERS.values())
    shown = set(re.findall(r"!migrate \w+(?: \d+)?", text))
    assert shown == {"!migrate retry 7", "!migrate approve 7", "!migrate list"}
    read = [parse({"msgtype": "m.text", "body": each}) for each in sorted(shown)]
    assert read == [Approve(number=7), List(), Retry(number=7)]
    assert "7, 8" in ANSWERS["reply: several"].text


def test_help_names_every_command_that_is_served() -> None:
    text = cards.usage(command="umzug").text
    for kind in (Approve, Cancel, Check, List, Refuse, Retry, Status):
        word = kind.__name__.lower()
        assert f"!umzug {word}" in text
        assert parse({"msgtype": "m.text", "body": f"!umzug {word}"}, command="umzug") == kind()


def test_a_reply_that_refuses_has_its_code() -> None:
    codes = {name: card.fields.get("error") for name, card in ANSWERS.items() if name.startswith("reply")}
    assert codes["reply: enough"] is codes["reply: trying"] is None
    assert codes["reply: not entitled"] == codes["reply: too early"] == "not_yours"
    assert codes["reply: edited"] == codes["reply: several"] == "usage"


def test_an_ending_is_told_only_once_the_phase_says_so() -> None:
    stopped = move(room(), phase=Phase.UNDOING, ending=ending(Outcome.CANCELLED, Reason.CANCELLED))
    assert answers.state_of(stopped) == "running"
    assert answers.state_of(replace(stopped, phase=Phase.ENDED)) == "cancelled"
