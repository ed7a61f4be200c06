# SPDX-License-Identifier: AGPL-3.0-or-later
"""Accounts that somebody else calls lost: who must agree, and what ends it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from migrationbot.core.approval import (
    Answer,
    Evidence,
    entitled,
    judge,
    missing,
    needed,
    qualified,
    who_may_approve,
)
from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Turned
from migrationbot.core.errors import Code, Refused
from migrationbot.core.guide import could_help, errands
from migrationbot.core.lost import in_use, last_seen, left_its_level, sees_since
from migrationbot.core.move import RoomMove, Rules
from migrationbot.core.plan import Wish, check_possible, make_plan
from migrationbot.core.reasons import Ending, Goal, Outcome, Reason
from migrationbot.core.room import RoomState, StateEvent
from migrationbot.core.standing import standing
from migrationbot.core.steps import Step
from migrationbot.core.turns import Turn
from tests.core.worlds import (
    BOT,
    CAROL,
    DAVE,
    ERIN,
    HOUR,
    NEW,
    NOW,
    OLD,
    evidence,
    member,
    move,
    moving,
    room,
    said,
    state,
    with_levels,
)

DAY = 24 * HOUR
MONTH = 30 * DAY
LONG_AGO = NOW - MONTH
TWO_ADMINS = room(levels=with_levels({DAVE: 100}))


def lost(requester: str = DAVE, **facts: Any) -> RoomMove:
    """A request for Old's place by somebody else, agreed to already."""
    return moving(requester=requester, **facts)


def more(agreed: tuple[str, ...], able: int | None, requester: str = NEW, now: RoomState = TWO_ADMINS) -> int:
    """How many more have to agree."""
    moved, seen = lost(requester), evidence(yes=agreed, able=able)
    return missing(moved, seen, judge(moved, now, seen, 100))


def ending(moved: RoomMove, answers: Evidence, now: RoomState = TWO_ADMINS) -> Ending | None:
    decision = decide(moved, now, answers, NOW)
    return decision.ending if isinstance(decision, Turned) and decision.by is Turn.STOPPED else None


# ---- Who must agree ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("able", "enough"),
    [(None, 2), (0, 1), (1, 1), (2, 2), (3, 2), (40, 2)],
)
def test_two_have_to_agree_or_all_that_there_are(able: int | None, enough: int) -> None:
    assert needed(lost(), able) == enough
    assert needed(lost(rules=Rules(approvals_needed=3)), able) == 3  # never less than usual
    assert needed(move(), able) == 1  # of the old account itself: as ever


def test_one_who_agrees_alone_is_enough_only_where_nobody_else_is_entitled() -> None:
    assert more((CAROL,), able=2) == 1
    assert more((CAROL,), able=None) == 1
    assert more((CAROL,), able=1) == 0
    assert more((CAROL, DAVE), able=2) == 0


def test_the_one_who_asks_is_never_enough_alone() -> None:
    for able in (None, 1, 2):
        assert more((DAVE,), able, requester=DAVE) == 1
    assert more((CAROL, DAVE), 2, requester=DAVE) == 0
    assert more((CAROL,), 2, requester=DAVE) == 1
    assert more((), 1, requester=DAVE) == 1


def test_neither_the_new_account_nor_the_old_one_is_entitled() -> None:
    now = room(member(NEW, "join"), levels=with_levels({NEW: 100, DAVE: 100}))
    for user, may in ((NEW, False), (OLD, False), (BOT, False), (DAVE, True), (CAROL, True)):
        assert entitled(user, lost(), now, 100) is may
    assert who_may_approve(lost(), now.power, 100) == (CAROL, DAVE)
    assert qualified((BOT, OLD, NEW, CAROL, DAVE, ERIN, ERIN), lost(), now.power, 0) == 3


def test_an_operator_can_keep_the_one_who_asks_from_answering() -> None:
    strict = lost(rules=Rules(requester_may_approve=False))
    assert not entitled(DAVE, strict, TWO_ADMINS, 100)


def test_the_status_says_how_many_are_missing() -> None:
    shown = standing(lost(DAVE), TWO_ADMINS, evidence(yes=(DAVE,), able=1))
    assert (shown.missing, shown.agreed) == (1, (DAVE,))
    assert Goal.APPROVED in shown.to_come


def test_an_approval_is_lost_when_one_more_becomes_entitled() -> None:
    alone, seen = lost(NEW), evidence(yes=(CAROL,), able=1)
    assert decide(alone, room(), seen, NOW) == Act(step=Step.INVITE)
    assert decide(alone, TWO_ADMINS, replace(seen, able=2), NOW) == Turned(by=Turn.LOST)


def test_one_that_is_lost_is_not_asked_to_do_anything_by_hand() -> None:
    powerless = room(levels=with_levels({BOT: 0}))
    for asks, helpers in ((move(), (OLD,)), (move(requester=DAVE), (CAROL,))):
        guided = replace(asks, plan=replace(asks.plan, guided=True))
        found = errands(guided, powerless, standing(guided, powerless, evidence()))
        assert {errand.goal: errand.by for errand in found}[Goal.PROMOTED] == helpers
    assert OLD not in could_help(move(requester=DAVE), powerless)
    alone = room(levels=with_levels({BOT: 0, CAROL: 0}))
    for lost_one in (True, False):
        wish = Wish(bot=BOT, old=OLD, new=NEW, lost=lost_one)
        planned = make_plan(wish, alone)
        if not lost_one:
            check_possible(wish, alone, planned)
            continue
        with pytest.raises(Refused) as refused:
            check_possible(wish, alone, planned)
        assert refused.value.code is Code.LACKS_POWER


def test_in_an_encrypted_room_nobody_waits_for_its_invite() -> None:
    sealed = room(state("m.room.encryption", {}), levels=with_levels({DAVE: 100}))
    rules = Rules(wait_for_owner_invite=HOUR)
    both = evidence(yes=(CAROL, DAVE), able=2)
    assert decide(lost(rules=rules), sealed, both, NOW) == Act(step=Step.INVITE)
    own = decide(moving(rules=rules), sealed, both, NOW)
    assert own == Act(step=Step.ASK_OLD)


# ---- What ends it -----------------------------------------------------------------------------------------

AGREED = evidence(yes=(CAROL, DAVE), able=2)


def test_a_sign_of_life_of_the_old_account_ends_it() -> None:
    goes_on = Act(step=Step.INVITE)
    assert decide(lost(), TWO_ADMINS, replace(AGREED, old_seen_at=LONG_AGO), NOW) == goes_on
    stopped = ending(lost(), replace(AGREED, old_seen_at=LONG_AGO + 1))
    assert stopped == Ending(outcome=Outcome.REFUSED, reason=Reason.OLD_IN_USE, by=OLD, at=NOW)


def test_of_its_own_request_it_is_no_sign_that_it_should_not_go_on() -> None:
    assert ending(moving(), replace(AGREED, old_seen_at=NOW)) is None


@pytest.mark.parametrize(
    "answers",
    [
        replace(AGREED, cancelled_by=OLD),
        replace(AGREED, reactions=(*AGREED.reactions, *said(Answer.NO, OLD))),
        replace(AGREED, confirmations=said(Answer.NO, OLD)),
        replace(AGREED, reactions=(*AGREED.reactions, *said(Answer.NO, OLD)), old_seen_at=NOW),
    ],
)
def test_a_no_of_the_old_account_ends_it_whatever_its_level(answers: Evidence) -> None:
    powerless = room(levels=with_levels({OLD: 0, DAVE: 100}))
    for now in (TWO_ADMINS, powerless):
        stopped = ending(lost(), answers, now)
        assert stopped == Ending(outcome=Outcome.REFUSED, reason=Reason.REFUSED_BY_OLD, by=OLD, at=NOW)


def test_the_one_who_asked_takes_it_back() -> None:
    for taken_back in (evidence(no=(DAVE,)), evidence(cancelled_by=DAVE)):
        stopped = ending(lost(), taken_back)
        assert stopped == Ending(outcome=Outcome.CANCELLED, reason=Reason.CANCELLED, by=DAVE, at=NOW)


def test_an_old_account_that_left_by_itself_long_ago_stops_nothing_but_one_that_is_removed_does() -> None:
    gone = room(member(OLD, "leave"), levels=with_levels({DAVE: 100}))
    assert ending(lost(), AGREED, gone) is None
    removed = room(member(OLD, "leave", by=CAROL), levels=with_levels({DAVE: 100}))
    stopped = ending(lost(), AGREED, removed)
    assert stopped == Ending(outcome=Outcome.REFUSED, reason=Reason.OLD_REMOVED, by=CAROL, at=NOW)


# ---- What can be known of it ------------------------------------------------------------------------------


def test_it_was_last_seen_by_what_it_said_or_by_its_own_coming() -> None:
    came = room().members[OLD]  # an hour ago
    assert last_seen(came, None) == NOW - HOUR
    assert last_seen(came, NOW - DAY) == NOW - HOUR
    assert last_seen(came, NOW - 1) == NOW - 1
    put_out = room(member(OLD, "leave", by=CAROL)).members[OLD]
    assert last_seen(put_out, None) is None
    assert last_seen(put_out, 5) == 5
    assert last_seen(None, None) is None


def test_it_is_in_use_until_it_was_silent_for_long_enough() -> None:
    assert not in_use(None, MONTH, NOW)
    assert not in_use(LONG_AGO, MONTH, NOW)
    assert in_use(LONG_AGO + 1, MONTH, NOW)
    assert in_use(NOW + DAY, MONTH, NOW)  # a clock that is wrong


def test_the_bot_sees_what_was_sent_since_it_came_or_since_it_may_be_read() -> None:
    def setting(value: str, at: int) -> StateEvent:
        event = state("m.room.history_visibility", {"history_visibility": value})
        return replace(event, sent_at=at)

    came = NOW - HOUR
    assert sees_since(room(setting("joined", NOW - DAY)), BOT) == came
    assert sees_since(room(setting("shared", NOW - DAY)), BOT) == NOW - DAY
    assert sees_since(room(setting("shared", NOW - 1)), BOT) == came
    assert sees_since(replace(room(), history_event=None), BOT) == 0
    assert sees_since(room(members={}), BOT) == 0


@pytest.mark.parametrize(
    ("events", "levels", "stands"),
    [
        ((member(OLD, "leave"),), {}, True),
        ((member(OLD, "leave"),), {OLD: 0}, False),  # nothing is left of it
        ((member(OLD, "leave", by=CAROL),), {}, False),
        ((member(OLD, "ban", by=CAROL),), {}, False),
        ((member(OLD, "knock"),), {}, False),
    ],
)
def test_one_who_left_by_itself_may_still_have_its_level(
    events: tuple[StateEvent, ...], levels: dict[str, int], stands: bool
) -> None:
    now = room(*events, levels=with_levels(levels))
    assert left_its_level(now, OLD) is stands
    wish = Wish(bot=BOT, old=OLD, new=NEW, lost=True)
    if stands:
        assert make_plan(wish, now).level == 100
        return
    with pytest.raises(Refused) as refused:
        make_plan(wish, now)
    assert refused.value.code is Code.NOT_JOINED


def test_one_that_was_never_here_has_no_place() -> None:
    nowhere = room(members={BOT: "join", CAROL: "join"})
    assert not left_its_level(nowhere, OLD)


def test_one_who_asks_for_itself_must_be_here() -> None:
    with pytest.raises(Refused) as refused:
        make_plan(Wish(bot=BOT, old=OLD, new=NEW), room(member(OLD, "leave")))
    assert refused.value.code is Code.NOT_JOINED
