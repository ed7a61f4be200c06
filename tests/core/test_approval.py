# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whose yes counts, at this moment and on which evidence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrationbot.core.approval import (
    Answer,
    answer_of,
    confirmed,
    disowned,
    entitled,
    judge,
    who_may_approve,
)
from migrationbot.core.move import Rules
from tests.core.worlds import (
    BOT,
    CAROL,
    DAVE,
    ERIN,
    EVERYONE,
    NEW,
    OLD,
    evidence,
    member,
    move,
    room,
    said,
    with_levels,
)

STRICT = Rules(requester_may_approve=False)
SELECTORS = "\ufe0e\ufe0f"
SKIN_TONES = "".join(chr(point) for point in range(0x1F3FB, 0x1F400))


@pytest.mark.parametrize("answer", Answer)
@given(decoration=st.text(SELECTORS + SKIN_TONES, max_size=6))
def test_a_tick_or_cross_counts_in_any_dress(answer: Answer, decoration: str) -> None:
    assert answer_of(answer.value + decoration) is answer
    assert answer_of(decoration + answer.value) is answer


@pytest.mark.parametrize(
    "key",
    ["", "\ufe0f", "✓", "👎", "❎", "✖️", "❌❌", "✅ ", "no", "yes, do", "✅" + "\ufe0f" * 32],
)
def test_any_other_key_says_nothing(key: str) -> None:
    assert answer_of(key) is None


@pytest.mark.parametrize("key", [None, 1, True, 1.5, b"\xe2\x9c\x85", ["✅"], {"✅": "✅"}, ("✅",)])
def test_a_key_that_is_no_text_says_nothing(key: Any) -> None:
    assert answer_of(key) is None


@given(st.text() | st.text("✅❌👍" + SELECTORS + SKIN_TONES, max_size=4))
def test_a_key_is_never_an_error_and_only_the_two_signs_count(key: str) -> None:
    plain = "".join(each for each in key if each not in SELECTORS + SKIN_TONES)
    counts = {"✅": Answer.YES, "❌": Answer.NO}.get(plain)
    assert answer_of(key) in (counts, None if counts else Answer.MEANT_YES)


def test_only_a_member_with_the_level_is_entitled() -> None:
    assert entitled(CAROL, move(), room(), 100)
    assert not entitled(DAVE, move(), room(), 51)
    assert entitled(DAVE, move(), room(), 50)
    assert not entitled("@stranger:old.org", move(), room(), 0)


@pytest.mark.parametrize("membership", ["leave", "ban", "invite", "knock"])
def test_an_admin_who_is_not_in_the_room_is_not_entitled(membership: str) -> None:
    assert not entitled(CAROL, move(), room(member(CAROL, membership, by=DAVE)), 0)


def test_neither_the_bot_nor_the_new_account_ever_approves() -> None:
    both = room(member(NEW, "join"), levels=with_levels({NEW: 100}))
    assert not entitled(BOT, move(), both, 0)
    assert not entitled(NEW, move(), both, 0)


def test_the_requester_counts_unless_the_operator_forbids_it() -> None:
    assert entitled(OLD, move(), room(), 100)
    assert not entitled(OLD, move(rules=STRICT), room(), 0)
    assert not entitled(ERIN, move(rules=STRICT, requester=ERIN), room(), 0)
    assert not entitled(OLD, move(rules=STRICT, requester=ERIN), room(), 0)
    assert entitled(CAROL, move(rules=STRICT), room(), 100)


def test_a_creator_of_a_version_12_room_is_entitled_to_anything() -> None:
    levels = {"users": {BOT: 100, OLD: 100}, "events": {"m.room.power_levels": 10_000}}
    assert entitled(CAROL, move(), room(version="12", levels=levels), 10_000)
    assert not entitled(CAROL, move(), room(version="11", levels=levels), 10_000)


def test_a_yes_counts_for_those_who_are_entitled() -> None:
    consent = judge(move(), room(), evidence(yes=(ERIN, OLD, CAROL, BOT, DAVE)), 100)
    assert consent.approvers == (CAROL, OLD)
    assert (consent.refused_by, consent.cancelled_by) == ("", "")


def test_a_sign_that_was_meant_as_a_yes_is_none() -> None:
    meant = evidence(reactions=said(Answer.MEANT_YES, CAROL, OLD), confirmations=said(Answer.MEANT_YES, NEW))
    assert judge(move(), room(), meant, 0) == judge(move(), room(), evidence(), 0)
    assert not confirmed(move(), room(member(NEW, "join")), meant)


def test_a_no_outweighs_the_same_persons_yes() -> None:
    consent = judge(move(), room(), evidence(yes=(CAROL, OLD), no=(CAROL,)), 100)
    assert consent.approvers == (OLD,)
    assert consent.refused_by == CAROL


def test_a_no_of_someone_without_the_level_refuses_nothing_but_undoes_their_yes() -> None:
    consent = judge(move(), room(), evidence(yes=(DAVE, CAROL), no=(DAVE, ERIN, BOT)), 50)
    assert consent.approvers == (CAROL,)
    assert consent.refused_by == DAVE
    assert judge(move(), room(), evidence(yes=(DAVE,), no=(DAVE, ERIN, BOT)), 100).refused_by == ""


def test_a_no_of_the_requester_takes_the_request_back_whatever_its_level() -> None:
    for asked in (0, 100, 101):
        consent = judge(move(), room(), evidence(yes=(OLD, CAROL), no=(OLD,)), asked)
        assert (consent.cancelled_by, consent.refused_by) == (OLD, "")
    assert judge(move(rules=STRICT), room(), evidence(no=(OLD,)), 0).cancelled_by == OLD


def test_reactions_under_a_card_that_is_not_ours_any_more_amount_to_nothing() -> None:
    consent = judge(move(), room(), evidence(yes=(CAROL,), no=(DAVE, OLD), card_stands=False), 0)
    assert consent == judge(move(), room(), evidence(), 0)


def test_only_the_new_account_itself_confirms_and_only_from_within_the_room() -> None:
    inside = room(member(NEW, "join"))
    assert confirmed(move(), inside, evidence(confirm=(NEW,)))
    assert not confirmed(move(), inside, evidence(confirm=(OLD, CAROL, BOT)))
    assert not confirmed(move(), inside, evidence(yes=(NEW,)))
    assert not confirmed(move(), room(member(NEW, "invite", by=BOT)), evidence(confirm=(NEW,)))
    assert not confirmed(move(), inside, evidence(confirm=(NEW,), confirm_stands=False))


def test_the_new_account_disowns_the_move_by_a_no_on_either_card() -> None:
    inside = room(member(NEW, "join"))
    on_request = evidence(no=(NEW,), confirm=(NEW,))
    on_confirm = evidence(confirmations=said(Answer.YES, NEW) + said(Answer.NO, NEW))
    for answers in (on_request, on_confirm):
        assert disowned(move(), answers)
        assert not confirmed(move(), inside, answers)
    assert not disowned(move(), evidence(no=(CAROL,), confirm=(NEW,)))


def test_those_who_may_approve_are_named_the_most_powerful_first() -> None:
    power = room(version="12", creator=ERIN, levels=with_levels({CAROL: 90, NEW: 100})).power
    assert who_may_approve(move(), power, 60) == (ERIN, OLD, CAROL)
    assert who_may_approve(move(rules=STRICT), power, 60) == (ERIN, CAROL)
    assert who_may_approve(move(), power, 101) == (ERIN,)


@given(st.sets(st.sampled_from(EVERYONE)), st.integers(-1, 101), st.booleans())
def test_whoever_is_named_is_entitled_once_in_the_room(absent: set[str], asked: int, may: bool) -> None:
    asking = move(rules=Rules(requester_may_approve=may))
    now = room(*(member(user, "leave") for user in absent), levels=with_levels({DAVE: 50, ERIN: 0, NEW: 100}))
    named = {user for user in who_may_approve(asking, now.power, asked) if now.joined(user)}
    assert named == {user for user in EVERYONE if entitled(user, asking, now, asked)}
