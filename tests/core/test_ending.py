# SPDX-License-Identifier: AGPL-3.0-or-later
"""For which reasons a move must not go on, and whom the summary names for it."""

from __future__ import annotations

import pytest

from migrationbot.core.approval import Answer, Evidence
from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Turned
from migrationbot.core.move import Options, Phase, RoomMove
from migrationbot.core.reasons import Outcome, Reason
from migrationbot.core.room import RoomState, StateEvent
from migrationbot.core.steps import Step
from migrationbot.core.turns import Turn
from migrationbot.core.ways import Way
from tests.core.worlds import (
    ASKED_NEW,
    BOT,
    CAROL,
    DAVE,
    NEW,
    NOW,
    OLD,
    done,
    evidence,
    member,
    move,
    moving,
    plan,
    room,
    said,
    state,
    with_levels,
)

YES = evidence(yes=(CAROL,))
JOINED = member(NEW, "join")
INVITED = member(NEW, "invite", by=BOT)
OTHERS = room(JOINED)


def ending(moved: RoomMove, now: RoomState, answers: Evidence, at: int = NOW) -> tuple[Outcome, Reason, str]:
    """How the move stops. Fails when it does not."""
    decision = decide(moved, now, answers, at)
    assert isinstance(decision, Turned)
    assert decision.by is Turn.STOPPED
    assert decision.ending is not None
    assert decision.ending.at == at
    return decision.ending.outcome, decision.ending.reason, decision.ending.by


def goes_on(moved: RoomMove, now: RoomState, answers: Evidence = YES) -> bool:
    decision = decide(moved, now, answers, NOW)
    return not (isinstance(decision, Turned) and decision.by is Turn.STOPPED)


@pytest.mark.parametrize("phase", [Phase.ASKING, Phase.MOVING, Phase.BLOCKED])
@pytest.mark.parametrize(
    ("answers", "how"),
    [
        (evidence(yes=(CAROL,), cancelled_by=OLD), (Outcome.CANCELLED, Reason.CANCELLED, OLD)),
        (evidence(yes=(CAROL,), no=(OLD,)), (Outcome.CANCELLED, Reason.CANCELLED, OLD)),
        (evidence(yes=(CAROL,), command_stands=False), (Outcome.CANCELLED, Reason.COMMAND_REDACTED, "")),
        (evidence(yes=(CAROL,), card_stands=False), (Outcome.REFUSED, Reason.CARD_REMOVED, "")),
        (evidence(yes=(CAROL,), confirm_stands=False), (Outcome.REFUSED, Reason.CARD_REMOVED, "")),
        (evidence(yes=(OLD,), no=(CAROL,)), (Outcome.REFUSED, Reason.REFUSED_BY_ADMIN, CAROL)),
        (evidence(yes=(CAROL,), no=(NEW,)), (Outcome.REFUSED, Reason.REFUSED_BY_NEW, NEW)),
        (
            evidence(yes=(CAROL,), confirmations=said(Answer.NO, NEW)),
            (Outcome.REFUSED, Reason.REFUSED_BY_NEW, NEW),
        ),
    ],
)
def test_what_people_say_stops_the_move_at_any_time(
    phase: Phase, answers: Evidence, how: tuple[Outcome, Reason, str]
) -> None:
    assert ending(moving(phase=phase), room(), answers) == how


def test_a_no_of_someone_without_the_level_stops_nothing() -> None:
    assert goes_on(moving(), room(), evidence(yes=(CAROL,), no=(DAVE,)))


@pytest.mark.parametrize(
    ("change", "reason", "by"),
    [
        (state("m.room.tombstone", {"replacement_room": "!next:old.org"}), Reason.ROOM_UPGRADED, OLD),
        (member(OLD, "leave", by=CAROL), Reason.OLD_REMOVED, CAROL),
        (member(OLD, "ban", by=CAROL), Reason.OLD_REMOVED, CAROL),
        (member(OLD, "knock"), Reason.OLD_REMOVED, ""),
        (member(NEW, "ban", by=CAROL), Reason.NEW_REMOVED, CAROL),
        (state("m.room.server_acl", {"allow": ["old.org"]}), Reason.SERVER_DENIED, ""),
    ],
)
def test_a_door_that_somebody_closed_stops_the_move(change: StateEvent, reason: Reason, by: str) -> None:
    for moved in (move(), moving(), moving(phase=Phase.BLOCKED)):
        assert ending(moved, room(change), YES) == (Outcome.REFUSED, reason, by)


def test_an_old_account_that_was_never_here_vouches_for_nothing() -> None:
    nobody = room(members={BOT: "join", CAROL: "join"})
    assert ending(moving(), nobody, YES) == (Outcome.REFUSED, Reason.OLD_REMOVED, "")


@pytest.mark.parametrize("change", [member(OLD, "leave"), member(OLD, "invite", by=CAROL)])
def test_an_old_account_that_left_by_itself_or_is_asked_back_stops_nothing(change: StateEvent) -> None:
    assert goes_on(moving(), room(change))


@pytest.mark.parametrize("answer", [member(NEW, "leave"), member(NEW, "knock")])
def test_an_invite_that_was_declined_is_not_repeated(answer: StateEvent) -> None:
    declined = (Outcome.REFUSED, Reason.DECLINED, NEW)
    assert ending(moving(done(Step.INVITE)), room(answer), YES) == declined
    assert ending(moving(*ASKED_NEW), room(answer), YES) == declined
    assert ending(moving(plan=plan(way=Way.INVITED)), room(answer), YES) == declined
    assert decide(moving(), room(answer), YES, NOW) == Act(step=Step.INVITE)


def test_a_new_account_that_was_put_out_is_not_asked_back_in() -> None:
    kicked = room(member(NEW, "leave", by=DAVE))
    removed = (Outcome.REFUSED, Reason.NEW_REMOVED, DAVE)
    assert ending(moving(done(Step.INVITE)), kicked, YES) == removed
    assert ending(moving(plan=plan(way=Way.INVITED)), kicked, YES) == removed
    came_by_itself = moving(done(Step.CONFIRM_CARD), done(Step.SEED_CONFIRM))
    assert ending(came_by_itself, kicked, YES) == removed


@pytest.mark.parametrize("outside", [member(NEW, "leave"), member(NEW, "leave", by=DAVE)])
def test_of_many_rooms_the_question_in_one_says_nothing_about_the_others(outside: StateEvent) -> None:
    asked = moving(done(Step.CONFIRM_CARD), done(Step.SEED_CONFIRM), options=Options(scope="space"))
    assert decide(asked, room(outside), YES, NOW) == Act(step=Step.INVITE)
    assert decide(asked, room(), YES, NOW) == Act(step=Step.INVITE)


def test_a_new_account_that_was_put_out_long_ago_may_be_invited_by_those_who_agree() -> None:
    assert decide(moving(), room(member(NEW, "leave", by=DAVE)), YES, NOW) == Act(step=Step.INVITE)


@pytest.mark.parametrize(
    ("moved", "now", "reason"),
    [
        (move(), room(), Reason.NOT_APPROVED),
        (moving(phase=Phase.ASKING), room(INVITED), Reason.NOT_APPROVED),
        (moving(done(Step.INVITE)), room(INVITED), Reason.NOT_JOINED),
        (moving(*ASKED_NEW), OTHERS, Reason.NOT_CONFIRMED),
    ],
)
def test_time_runs_out_for_those_who_did_not_answer(moved: RoomMove, now: RoomState, reason: Reason) -> None:
    assert decide(moved, now, YES, moved.expires_at - 1) != decide(moved, now, YES, moved.expires_at)
    assert ending(moved, now, YES, moved.expires_at) == (Outcome.EXPIRED, reason, "")


@pytest.mark.parametrize(
    ("moved", "now"),
    [
        (moving(), room()),  # the invite did not get through
        (moving(phase=Phase.BLOCKED), room(INVITED)),  # the bot's level was not mended
        (moving(done(Step.INVITE)), OTHERS),  # it joined, but was not asked yet
        (moving(*ASKED_NEW), room(JOINED, levels=with_levels({BOT: 0}))),  # it has answered
    ],
)
def test_nobody_is_blamed_when_the_next_step_was_the_bots(moved: RoomMove, now: RoomState) -> None:
    all_yes = evidence(yes=(CAROL,), confirm=(NEW,))
    assert ending(moved, now, all_yes, moved.expires_at) == (Outcome.EXPIRED, Reason.GAVE_UP, "")
