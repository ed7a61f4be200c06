# SPDX-License-Identifier: AGPL-3.0-or-later
"""What happens next, from asking to arriving."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrationbot.core.approval import Evidence
from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Finish, Turned, Wait
from migrationbot.core.history import Visibility
from migrationbot.core.levels import level_now
from migrationbot.core.move import Phase, Rules
from migrationbot.core.reasons import Outcome, Reason, Trouble
from migrationbot.core.room import RoomState
from migrationbot.core.steps import Record, Step
from migrationbot.core.turns import Turn
from tests.core.worlds import (
    ASKED_NEW,
    BOT,
    CAROL,
    DAVE,
    ERIN,
    HOUR,
    NEW,
    NOW,
    OLD,
    SOON,
    done,
    evidence,
    intended,
    member,
    move,
    moving,
    opening,
    plan,
    room,
    state,
    with_levels,
)

YES = evidence(yes=(CAROL,))
ALL_YES = evidence(yes=(CAROL,), confirm=(NEW,))
JOINED = member(NEW, "join")
INVITED = state("m.room.member", {"membership": "invite"}, key=NEW, sender=BOT, event_id="$invite")
UNTIL = NOW + 168 * HOUR
OPENED = state("m.room.history_visibility", {"history_visibility": "shared"}, sender=BOT, event_id="$open")
OPEN = done(Step.OPEN_HISTORY, "$open")


def failed(step: Step, *, since: int = NOW - HOUR, retry_at: int = SOON) -> Trouble:
    return Trouble(step=step, reason=Reason.NOT_ALLOWED, since=since, attempts=3, retry_at=retry_at)


def test_a_request_waits_for_those_who_may_approve() -> None:
    waits = Wait(reason=Reason.APPROVAL, until=UNTIL)
    assert decide(move(), room(), evidence(), NOW) == waits
    assert decide(move(), room(), evidence(yes=(DAVE, ERIN)), NOW) == waits


def test_an_approval_records_who_gave_it_and_what_the_old_account_was_worth() -> None:
    levels = with_levels({OLD: 70})
    decision = decide(move(), room(levels=levels), evidence(yes=(CAROL, OLD)), NOW)
    assert decision == Turned(by=Turn.APPROVED, approvers=(CAROL, OLD), approved_level=70)


def test_as_many_have_to_agree_as_the_operator_asks_for() -> None:
    two = move(rules=Rules(approvals_needed=2))
    assert isinstance(decide(two, room(), YES, NOW), Wait)
    assert isinstance(decide(two, room(), evidence(yes=(CAROL, OLD)), NOW), Turned)
    assert isinstance(decide(two, room(), evidence(yes=(CAROL, OLD), no=(DAVE,)), NOW), Turned)


def test_an_approved_move_goes_from_goal_to_goal() -> None:
    plans = {"plan": opening(Visibility.INVITED)}
    hidden, shared = room(visibility="invited"), room(OPENED)
    invited, joined = room(OPENED, INVITED), room(OPENED, JOINED)
    asked = moving(OPEN, done(Step.RESTORE_HISTORY), *ASKED_NEW, **plans)
    closed = room(JOINED, visibility="invited")
    assert decide(moving(**plans), hidden, YES, NOW) == Act(step=Step.OPEN_HISTORY)
    assert decide(moving(OPEN, **plans), shared, YES, NOW) == Act(step=Step.INVITE)
    assert decide(moving(OPEN, **plans), invited, YES, NOW) == Wait(reason=Reason.JOIN, until=UNTIL)
    assert decide(moving(OPEN, **plans), joined, YES, NOW) == Act(step=Step.RESTORE_HISTORY)
    carded = moving(OPEN, done(Step.RESTORE_HISTORY), *ASKED_NEW[:2], **plans)
    assert decide(moving(OPEN, **plans), closed, YES, NOW) == Act(step=Step.CONFIRM_CARD)
    assert decide(carded, closed, YES, NOW) == Act(step=Step.SEED_CONFIRM)
    assert decide(asked, closed, YES, NOW) == Wait(reason=Reason.CONFIRM, until=UNTIL)
    assert decide(asked, closed, ALL_YES, NOW) == Act(step=Step.PROMOTE, level=100)


def test_what_a_person_did_by_hand_is_not_done_again() -> None:
    raised = room(JOINED, levels=with_levels({NEW: 100}))
    decision = decide(moving(*ASKED_NEW), raised, ALL_YES, NOW)
    assert isinstance(decision, Finish)
    assert decision.ending.outcome is Outcome.DONE


def test_history_that_somebody_has_changed_since_is_not_opened() -> None:
    other = room(visibility="joined")
    assert decide(moving(plan=opening(Visibility.INVITED)), other, YES, NOW) == Act(step=Step.INVITE)


def test_history_that_somebody_has_set_since_it_was_opened_is_left_to_them() -> None:
    theirs = state("m.room.history_visibility", {"history_visibility": "shared"}, sender=CAROL, event_id="$h")
    moved = moving(OPEN, plan=opening())
    assert decide(moved, room(theirs, JOINED), YES, NOW) == Act(step=Step.CONFIRM_CARD)
    assert decide(moved, room(visibility="invited"), YES, NOW) == Act(step=Step.INVITE)


def test_no_history_is_opened_for_one_who_came_in_the_meantime() -> None:
    inside = room(JOINED, visibility="invited")
    assert decide(moving(plan=opening()), inside, YES, NOW) == Act(step=Step.CONFIRM_CARD)


def test_a_promoted_account_has_arrived_whatever_is_said_afterwards() -> None:
    whole, less = room(JOINED, levels=with_levels({NEW: 100})), room(JOINED, levels=with_levels({NEW: 50}))
    for phase in (Phase.ASKING, Phase.MOVING, Phase.BLOCKED):
        moved = moving(*ASKED_NEW, done(Step.PROMOTE), phase=phase)
        for now, outcome in ((whole, Outcome.DONE), (less, Outcome.PARTIAL)):
            decision = decide(moved, now, evidence(no=(CAROL, OLD, NEW), command_stands=False), UNTIL)
            assert isinstance(decision, Finish)
            assert (decision.by, decision.ending.outcome) == (Turn.ARRIVED, outcome)


def test_an_account_that_left_right_after_it_was_promoted_is_not_called_moved() -> None:
    gone = room(member(NEW, "leave"), levels=with_levels({NEW: 100}))
    decision = decide(moving(*ASKED_NEW, done(Step.PROMOTE)), gone, ALL_YES, NOW)
    assert isinstance(decision, Finish)
    assert decision.ending.outcome is Outcome.PARTIAL


def test_an_opening_that_shows_itself_only_after_the_promotion_is_still_put_back() -> None:
    moved = moving(OPEN, *ASKED_NEW, done(Step.PROMOTE), plan=opening())
    stuck = replace(moved, trouble=failed(Step.RESTORE_HISTORY))
    assert decide(moved, room(OPENED, JOINED), ALL_YES, NOW) == Act(step=Step.RESTORE_HISTORY)
    assert decide(stuck, room(OPENED, JOINED), ALL_YES, NOW) == Wait(reason=Reason.NOT_ALLOWED, until=SOON)
    powerless = room(OPENED, JOINED, levels=with_levels({BOT: 49}))
    assert isinstance(decide(moved, powerless, ALL_YES, NOW), Finish)


@pytest.mark.parametrize(
    ("now", "answers"),
    [
        (room(member(CAROL, "leave")), YES),
        (room(member(CAROL, "ban", by=OLD)), YES),
        (room(levels=with_levels({CAROL: 99})), YES),
        (room(), evidence()),
    ],
    ids=["left", "banned", "lost the level", "took the reaction back"],
)
@pytest.mark.parametrize("phase", [Phase.MOVING, Phase.BLOCKED])
def test_an_approver_who_is_none_any_more_stops_the_move_until_another_agrees(
    now: RoomState, answers: Evidence, phase: Phase
) -> None:
    assert decide(moving(phase=phase), now, answers, NOW) == Turned(by=Turn.LOST)
    again = moving(phase=Phase.ASKING)
    assert decide(again, now, answers, NOW) == Wait(reason=Reason.APPROVAL_LOST, until=UNTIL)
    assert decide(again, now, evidence(yes=(CAROL, OLD)), NOW) != Wait(
        reason=Reason.APPROVAL_LOST, until=UNTIL
    )


def test_history_does_not_stay_open_without_an_approval() -> None:
    asking = moving(OPEN, phase=Phase.ASKING, plan=opening())
    waits = Wait(reason=Reason.APPROVAL_LOST, until=UNTIL)
    assert decide(asking, room(OPENED), evidence(), NOW) == Act(step=Step.RESTORE_HISTORY)
    assert decide(asking, room(OPENED, levels=with_levels({BOT: 49})), evidence(), NOW) == waits
    restored = moving(OPEN, done(Step.RESTORE_HISTORY), phase=Phase.ASKING, plan=opening())
    assert decide(restored, room(visibility="invited"), evidence(), NOW) == waits
    assert decide(replace(restored, phase=Phase.MOVING), room(visibility="invited"), YES, NOW) == Act(
        step=Step.OPEN_HISTORY
    )


@pytest.mark.parametrize(
    ("planned", "approved", "now", "given"),
    [(100, 100, 100, 100), (60, 100, 100, 60), (100, 60, 100, 60), (100, 100, 60, 60)],
)
def test_the_least_of_plan_approval_and_present_is_given(
    planned: int, approved: int, now: int, given: int
) -> None:
    moved = moving(*ASKED_NEW, plan=plan(level=planned), approved_level=approved)
    decision = decide(moved, room(JOINED, levels=with_levels({OLD: now})), ALL_YES, NOW)
    assert decision == Act(step=Step.PROMOTE, level=given)


def test_a_lost_approval_binds_no_new_one() -> None:
    asking = moving(phase=Phase.ASKING, approved_level=50)
    assert level_now(asking, room()) == 100
    assert isinstance(decide(asking, room(), evidence(yes=(DAVE,)), NOW), Wait)


@pytest.mark.parametrize("step", [Step.INVITE, Step.PROMOTE])
def test_an_intent_that_was_not_carried_out_counts_as_nothing(step: Step) -> None:
    record: Record = intended(step)
    assert decide(moving(record), room(), YES, NOW) == Act(step=Step.INVITE)
