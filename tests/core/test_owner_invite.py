# SPDX-License-Identifier: AGPL-3.0-or-later
"""In an encrypted room the old account is given some time to send the invite itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrationbot.core.approval import Answer, Evidence, answer_of
from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Decision, Turned, Wait
from migrationbot.core.move import RoomMove, Rules
from migrationbot.core.reasons import Outcome, Reason
from migrationbot.core.room import RoomState, StateEvent
from migrationbot.core.steps import Record, Step
from tests.core.worlds import (
    BOT,
    CAROL,
    ERIN,
    NEW,
    NOW,
    OLD,
    done,
    evidence,
    member,
    migration,
    moving,
    room,
    said,
    state,
    with_levels,
)

MINUTE = 60_000
ENCRYPTED = state("m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
PATIENT = Rules(wait_for_owner_invite=10 * MINUTE)
ASKED = replace(done(Step.ASK_OLD), at=NOW)
WAITING = moving(ASKED, done(Step.SEED_SKIP), rules=PATIENT)
AGREED = evidence(yes=(CAROL,))
WAIT = Wait(reason=Reason.OWNER_INVITE, until=NOW + 10 * MINUTE)
INVITE = Act(step=Step.INVITE)


def decision(
    move: RoomMove = WAITING, here: RoomState | None = None, shown: Evidence = AGREED, now: int = NOW
) -> Decision:
    return decide(move, here or room(ENCRYPTED), shown, now)


def test_it_is_asked_and_waited_for() -> None:
    assert decision(moving(rules=PATIENT)) == Act(step=Step.ASK_OLD)
    assert decision(moving(ASKED, rules=PATIENT)) == Act(step=Step.SEED_SKIP)
    assert decision() == WAIT
    assert decision(now=NOW + 10 * MINUTE - 1) == WAIT
    assert decision(now=NOW + 10 * MINUTE) == INVITE


def test_nothing_is_waited_for_longer_than_the_request_is_open() -> None:
    assert decision(replace(WAITING, expires_at=NOW + 1)) == replace(WAIT, until=NOW + 1)


@pytest.mark.parametrize(
    ("move", "here"),
    [
        (moving(rules=Rules()), room(ENCRYPTED)),  # the operator wants no wait
        (replace(WAITING, rules=Rules()), room(ENCRYPTED)),  # since a moment ago
        (moving(rules=PATIENT), room()),  # there are no keys
        (moving(rules=PATIENT), room(ENCRYPTED, levels=with_levels({OLD: 0, CAROL: 100}, invite=50))),
    ],
)
def test_the_bot_invites_where_the_old_account_need_not_or_cannot(move: RoomMove, here: RoomState) -> None:
    assert decision(move, here) == INVITE


@pytest.mark.parametrize("who", [OLD, CAROL])
def test_those_who_may_say_so_make_the_bot_invite_at_once(who: str) -> None:
    assert decision(shown=replace(AGREED, skips=said(Answer.SKIP, who))) == INVITE


@pytest.mark.parametrize("who", [ERIN, NEW, BOT])
def test_others_do_not(who: str) -> None:
    assert decision(shown=replace(AGREED, skips=said(Answer.SKIP, who))) == WAIT


def test_no_other_sign_means_it() -> None:
    assert decision(shown=replace(AGREED, skips=said(Answer.YES, OLD))) == WAIT


@pytest.mark.parametrize("key", ["\u23ed", "\u23ed\ufe0f"])
def test_the_sign_is_known_with_and_without_a_selector(key: str) -> None:
    assert answer_of(key) is Answer.SKIP


def test_an_invite_of_the_old_accounts_is_as_good_as_the_bots() -> None:
    invited = room(ENCRYPTED, member(NEW, "invite", by=OLD))
    assert decision(here=invited) == Wait(reason=Reason.JOIN, until=WAITING.expires_at)


def test_whoever_declines_it_is_not_invited_again() -> None:
    declined = decision(here=room(ENCRYPTED, state_of_new("leave", "$declined")))
    assert isinstance(declined, Turned)
    assert declined.ending is not None
    assert (declined.ending.outcome, declined.ending.reason) == (Outcome.REFUSED, Reason.DECLINED)


def test_whoever_had_left_before_is_still_to_be_invited() -> None:
    asked = replace(WAITING, records={**WAITING.records, Step.ASK_OLD: replace(ASKED, base="$left")})
    assert decision(asked, room(ENCRYPTED, state_of_new("leave", "$left"))) == WAIT


def test_a_card_knows_its_room() -> None:
    record = Record(step=Step.CONFIRM_CARD, done=True, event_id="$card", room_id="!room:old.org")
    asked = migration(record, done(Step.SUMMARY), home_room="!chat:old.org")
    assert asked.room_of(Step.CONFIRM_CARD) == "!room:old.org"
    assert asked.room_of(Step.SUMMARY) == "!chat:old.org"
    assert asked.room_of(Step.REQUEST_CARD) == "!chat:old.org"


def state_of_new(membership: str, event_id: str) -> StateEvent:
    return state("m.room.member", {"membership": membership}, key=NEW, sender=NEW, event_id=event_id)
