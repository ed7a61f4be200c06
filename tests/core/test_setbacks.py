# SPDX-License-Identifier: AGPL-3.0-or-later
"""What happens while the bot lacks a level, or a homeserver refuses a step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrationbot.core.approval import Evidence
from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Turned, Wait
from migrationbot.core.move import Phase, RoomMove, Rules
from migrationbot.core.reasons import Goal, Outcome, Reason, Trouble
from migrationbot.core.room import RoomState
from migrationbot.core.steps import Step
from migrationbot.core.turns import Turn
from tests.core.worlds import (
    ASKED_NEW,
    BOT,
    CAROL,
    HOUR,
    NEW,
    NOW,
    SOON,
    done,
    evidence,
    member,
    moving,
    opening,
    room,
    state,
    with_levels,
)

YES = evidence(yes=(CAROL,), confirm=(NEW,))
JOINED = member(NEW, "join")
OPENED = state("m.room.history_visibility", {"history_visibility": "shared"}, sender=BOT, event_id="$open")
OPEN = done(Step.OPEN_HISTORY, "$open")
WEAK = with_levels({BOT: 40}, invite=50)
SHUT_OUT = member(BOT, "leave", by=CAROL)

CLOSING = moving(OPEN, *ASKED_NEW, plan=opening())

BLOCKS = {
    "opening": (Goal.HISTORY_OPEN, moving(plan=opening()), room(visibility="invited", levels=WEAK)),
    "inviting": (Goal.INVITED, moving(), room(levels=WEAK)),
    "closing": (
        Goal.HISTORY_RESTORED,
        moving(OPEN, *ASKED_NEW, plan=opening()),
        room(OPENED, JOINED, levels=WEAK),
    ),
    "promoting": (Goal.PROMOTED, moving(*ASKED_NEW), room(JOINED, levels=WEAK)),
    "opening, put out": (Goal.HISTORY_OPEN, moving(plan=opening()), room(SHUT_OUT, visibility="invited")),
    "inviting, put out": (Goal.INVITED, moving(), room(SHUT_OUT)),
    "closing, put out": (
        Goal.HISTORY_RESTORED,
        moving(OPEN, *ASKED_NEW, plan=opening()),
        room(SHUT_OUT, OPENED, JOINED),
    ),
    "promoting, put out": (Goal.PROMOTED, moving(*ASKED_NEW), room(SHUT_OUT, JOINED)),
}


def failed(step: Step, *, since: int = NOW, retry_at: int = SOON) -> Trouble:
    return Trouble(step=step, reason=Reason.SERVER_UNREACHABLE, since=since, attempts=3, retry_at=retry_at)


@pytest.mark.parametrize(("goal", "moved", "now"), BLOCKS.values(), ids=BLOCKS)
def test_a_bot_that_lacks_the_level_waits_until_it_is_mended(
    goal: Goal, moved: RoomMove, now: RoomState
) -> None:
    assert decide(moved, now, YES, NOW) == Turned(by=Turn.BLOCKED)
    waits = decide(replace(moved, phase=Phase.BLOCKED), now, YES, NOW)
    assert waits == Wait(reason=Reason.BOT_LACKS_POWER, until=moved.expires_at, goal=goal)


def test_it_goes_on_by_itself_once_the_level_is_mended() -> None:
    assert decide(moving(phase=Phase.BLOCKED), room(), YES, NOW) == Turned(by=Turn.MENDED)
    assert decide(moving(), room(), YES, NOW) == Act(step=Step.INVITE)


def test_a_person_can_do_the_blocked_step_instead() -> None:
    raised = room(JOINED, levels=with_levels({BOT: 0, NEW: 100}))
    assert decide(moving(*ASKED_NEW, phase=Phase.BLOCKED), raised, YES, NOW) == Turned(by=Turn.MENDED)


def test_no_step_is_done_while_the_phase_says_blocked() -> None:
    for step_due in (moving(phase=Phase.BLOCKED), moving(*ASKED_NEW, phase=Phase.BLOCKED)):
        assert decide(step_due, room(JOINED), YES, NOW) == Turned(by=Turn.MENDED)


def test_the_bot_never_raises_one_who_is_beyond_its_reach() -> None:
    level_with = room(JOINED, levels=with_levels({BOT: 60, NEW: 60}))
    assert decide(moving(*ASKED_NEW), level_with, YES, NOW) == Turned(by=Turn.BLOCKED)


def test_a_step_that_failed_is_tried_again_at_its_time_and_not_before() -> None:
    stuck = moving(trouble=failed(Step.INVITE))
    assert decide(stuck, room(), YES, SOON - 1) == Wait(reason=Reason.SERVER_UNREACHABLE, until=SOON)
    assert decide(stuck, room(), YES, SOON) == Act(step=Step.INVITE)


def test_a_step_that_goes_on_failing_is_given_up_in_the_end() -> None:
    stuck = moving(trouble=failed(Step.INVITE, retry_at=NOW + 49 * HOUR))
    assert decide(stuck, room(), YES, NOW) == Wait(reason=Reason.SERVER_UNREACHABLE, until=NOW + 48 * HOUR)
    decision = decide(stuck, room(), YES, NOW + 48 * HOUR)
    assert isinstance(decision, Turned)
    assert decision.ending is not None
    assert (decision.ending.outcome, decision.ending.reason) == (Outcome.EXPIRED, Reason.GAVE_UP)


def test_a_bot_that_was_away_tries_once_more_before_it_gives_up() -> None:
    long_ago = failed(Step.INVITE, since=NOW - 100 * HOUR, retry_at=NOW - 99 * HOUR)
    assert decide(moving(trouble=long_ago), room(), YES, NOW) == Act(step=Step.INVITE)


@pytest.mark.parametrize("answers", [YES, evidence(yes=(CAROL,))])
def test_trouble_with_a_step_that_somebody_else_has_done_is_forgotten(answers: Evidence) -> None:
    stuck = moving(*ASKED_NEW, trouble=failed(Step.INVITE), rules=Rules(give_up_after=HOUR))
    without = moving(*ASKED_NEW, rules=Rules(give_up_after=HOUR))
    later = NOW + 100 * HOUR
    assert decide(stuck, room(JOINED), answers, later) == decide(without, room(JOINED), answers, later)


def test_trouble_with_closing_the_history_does_not_keep_a_request_from_being_approved() -> None:
    asking = moving(OPEN, plan=opening(), phase=Phase.ASKING, trouble=failed(Step.RESTORE_HISTORY))
    unheard = evidence()
    assert decide(asking, room(OPENED), unheard, NOW) == Wait(reason=Reason.SERVER_UNREACHABLE, until=SOON)
    assert decide(asking, room(OPENED), unheard, SOON) == Act(step=Step.RESTORE_HISTORY)
    given_up = moving(
        OPEN,
        plan=opening(),
        phase=Phase.ASKING,
        trouble=failed(Step.RESTORE_HISTORY, since=NOW - 48 * HOUR),
    )
    waits = Wait(reason=Reason.APPROVAL_LOST, until=asking.expires_at)
    assert decide(given_up, room(OPENED), unheard, NOW) == waits
    decision = decide(asking, room(OPENED), YES, NOW)
    assert isinstance(decision, Turned)
    assert decision.by is Turn.APPROVED
