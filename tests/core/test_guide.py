# SPDX-License-Identifier: AGPL-3.0-or-later
"""A move in which the bot may not do all of it: people do what it may not, and it watches them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrationbot.core.approval import Evidence
from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Decision, Finish, Turned, Wait
from migrationbot.core.guide import could_help
from migrationbot.core.history import Visibility
from migrationbot.core.move import Phase, RoomMove
from migrationbot.core.reasons import Goal, Outcome, Reason
from migrationbot.core.room import RoomState
from migrationbot.core.steps import Step
from migrationbot.core.turns import Turn
from tests.core.worlds import (
    ASKED_NEW,
    BOT,
    CAROL,
    DAVE,
    ERIN,
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
    state,
    with_levels,
)

GUIDED = plan(guided=True, bot_level=0)
ASKED = move(plan=GUIDED)
CONFIRMING = move(*ASKED_NEW[1:], plan=GUIDED)
POWERLESS = with_levels({BOT: 0}, invite=50)
INVITED, JOINED = member(NEW, "invite", by=CAROL), member(NEW, "join")
NOBODY_YET, CONFIRMED = evidence(), evidence(confirm=(NEW,))
OVER = replace(ASKED, expires_at=NOW)


def decision(asked: RoomMove, here: RoomState, shown: Evidence = NOBODY_YET) -> Decision:
    return decide(asked, here, shown, NOW)


def by_hand(goal: Goal) -> Wait:
    return Wait(reason=Reason.BOT_LACKS_POWER, until=ASKED.expires_at, goal=goal)


def test_people_go_through_all_of_it_without_a_yes_to_the_bot() -> None:
    assert decision(ASKED, room(levels=POWERLESS)) == by_hand(Goal.INVITED)
    assert decision(ASKED, room(INVITED, levels=POWERLESS)) == Wait(
        reason=Reason.JOIN, until=ASKED.expires_at
    )
    assert decision(ASKED, room(JOINED, levels=POWERLESS)) == Act(step=Step.CONFIRM_CARD)
    here = room(JOINED, levels=POWERLESS)
    assert decision(CONFIRMING, here) == Wait(reason=Reason.CONFIRM, until=ASKED.expires_at)
    assert decision(CONFIRMING, here, CONFIRMED) == by_hand(Goal.PROMOTED)
    raised = room(JOINED, levels=with_levels({BOT: 0, NEW: 100}, invite=50))
    finished = decision(CONFIRMING, raised, CONFIRMED)
    assert isinstance(finished, Finish)
    assert (finished.by, finished.ending.outcome) == (Turn.ARRIVED, Outcome.DONE)


def test_what_the_bot_may_do_it_does_once_somebody_agrees() -> None:
    may_invite = room(levels=with_levels({BOT: 0}))
    assert decision(ASKED, may_invite) == Wait(reason=Reason.APPROVAL, until=ASKED.expires_at)
    assert decision(ASKED, may_invite, evidence(yes=(CAROL,))) == Turned(
        by=Turn.APPROVED, approvers=(CAROL,), approved_level=100
    )
    assert decision(moving(plan=GUIDED), may_invite, evidence(yes=(CAROL,))) == Act(step=Step.INVITE)


def test_a_bot_that_gets_its_level_takes_over_once_somebody_agrees() -> None:
    here = room(JOINED)
    assert decision(CONFIRMING, here, CONFIRMED) == Wait(reason=Reason.TAKE_OVER, until=ASKED.expires_at)
    agreed = evidence(yes=(CAROL,), confirm=(NEW,))
    assert decision(moving(*ASKED_NEW, plan=GUIDED), here, agreed) == Act(step=Step.PROMOTE, level=100)


def test_what_it_opened_is_put_back_also_when_the_approval_is_lost() -> None:
    opened = state(
        "m.room.history_visibility", {"history_visibility": "shared"}, sender=BOT, event_id="$opened"
    )
    hidden = replace(GUIDED, open_from=Visibility.JOINED)
    asked = move(done(Step.OPEN_HISTORY, "$opened"), plan=hidden, approved_level=100)
    assert decision(asked, room(opened, levels=with_levels({BOT: 60}))) == Act(step=Step.RESTORE_HISTORY)


@pytest.mark.parametrize(
    ("asked", "here", "reason"),
    [
        (OVER, room(levels=POWERLESS), Reason.GAVE_UP),
        (OVER, room(INVITED, levels=POWERLESS), Reason.NOT_JOINED),
        (replace(CONFIRMING, expires_at=NOW), room(JOINED, levels=POWERLESS), Reason.NOT_CONFIRMED),
    ],
)
def test_when_time_runs_out_it_is_said_what_was_missing(
    asked: RoomMove, here: RoomState, reason: Reason
) -> None:
    stopped = decision(asked, here)
    assert isinstance(stopped, Turned)
    assert stopped.ending is not None
    assert stopped.ending.reason is reason


def test_a_new_account_that_comes_and_goes_has_declined() -> None:
    stopped = decision(CONFIRMING, room(member(NEW, "leave"), levels=POWERLESS))
    assert isinstance(stopped, Turned)
    assert stopped.ending is not None
    assert stopped.ending.reason is Reason.DECLINED


def test_the_old_account_may_go_before_all_is_done() -> None:
    gone = room(member(OLD, "leave"), JOINED, levels=POWERLESS)
    assert decision(CONFIRMING, gone, CONFIRMED) == by_hand(Goal.PROMOTED)
    assert ASKED.phase is Phase.ASKING


def test_those_who_could_help_are_looked_for_among_the_powerful() -> None:
    here = room(levels=with_levels({BOT: 0, DAVE: 50, ERIN: 10}, invite=50))
    assert could_help(ASKED, here) == (CAROL, OLD, DAVE)
