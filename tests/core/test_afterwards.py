# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is done once the new account has its place: the old one steps down and leaves, the bot steps down."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from migrationbot.core.approval import Evidence
from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Decision, Finish, Wait
from migrationbot.core.move import Options, Phase, Rules
from migrationbot.core.reasons import Goal, Outcome, Reason, Trouble
from migrationbot.core.room import StateEvent
from migrationbot.core.steps import Step
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
    done,
    evidence,
    member,
    moving,
    room,
    with_levels,
)

JOINED = member(NEW, "join")
AGREED = evidence(yes=(CAROL,), confirm=(NEW,))
STEP_DOWN, LEAVE = Options(step_down=True), Options(leave=True)
BOTH = Options(step_down=True, leave=True)
PROMOTED = moving(*ASKED_NEW, done(Step.PROMOTE))
ARRIVED = {NEW: 50, OLD: 50}  # the bot outranks the old account
EQUAL = {NEW: 100, OLD: 100}  # the bot, at 100, may not touch it


def after(
    options: Options, levels: dict[str, int], *changes: StateEvent, shown: Evidence = AGREED, **facts: Any
) -> Decision:
    """What is decided after the promotion."""
    here = room(JOINED, *changes, levels=with_levels(levels))
    return decide(replace(PROMOTED, options=options, **facts), here, shown, NOW)


def waits(reason: Reason, goal: Goal) -> Wait:
    return Wait(reason=reason, until=PROMOTED.expires_at, goal=goal)


def assert_over(decision: Decision, outcome: Outcome = Outcome.DONE) -> None:
    assert isinstance(decision, Finish)
    assert decision.ending.outcome is outcome


def test_nobody_steps_down_who_did_not_ask_for_it() -> None:
    assert_over(after(Options(), ARRIVED))


def test_the_bot_lowers_and_removes_an_account_that_it_outranks() -> None:
    assert after(BOTH, ARRIVED) == Act(step=Step.STEP_DOWN, level=0)
    lowered = {NEW: 50, OLD: 0}
    assert after(BOTH, lowered) == Act(step=Step.REMOVE_OLD)
    assert_over(after(BOTH, lowered, member(OLD, "leave")))
    assert after(LEAVE, ARRIVED) == Act(step=Step.REMOVE_OLD)


def test_an_account_that_the_bot_does_not_outrank_does_it_itself() -> None:
    assert after(BOTH, EQUAL) == waits(Reason.STEP_DOWN, Goal.STEPPED_DOWN)
    assert after(LEAVE, EQUAL) == waits(Reason.LEAVE, Goal.LEFT)
    assert_over(after(BOTH, EQUAL, expires_at=NOW))


def test_nothing_is_taken_before_the_new_account_has_all_of_it() -> None:
    assert_over(after(BOTH, {NEW: 50, OLD: 100}), Outcome.PARTIAL)


def test_a_creator_keeps_what_cannot_be_taken() -> None:
    here = room(JOINED, version="12", creator=OLD, levels={"users": {BOT: 100, NEW: 100}})
    assert_over(decide(replace(PROMOTED, options=STEP_DOWN), here, AGREED, NOW))


@pytest.mark.parametrize("options", [STEP_DOWN, LEAVE])
def test_the_last_who_can_manage_the_room_stays(options: Options) -> None:
    """The room asks for more to change power levels than the new account was given."""
    others = {CAROL: 0, DAVE: 0, ERIN: 0}
    here = room(
        JOINED,
        levels=with_levels({BOT: 150, OLD: 60, NEW: 60, **others}, events={"m.room.power_levels": 60}),
    )
    asked = replace(PROMOTED, options=options)
    assert isinstance(decide(asked, here, evidence(), NOW), Finish | Wait)
    alone = room(
        member(NEW, "leave"),
        levels=with_levels({BOT: 150, OLD: 60, NEW: 60, **others}, events={"m.room.power_levels": 60}),
    )
    assert_over(decide(asked, alone, AGREED, NOW), Outcome.PARTIAL)


@pytest.mark.parametrize(
    "shown",
    [
        evidence(confirm=(NEW,)),
        evidence(yes=(CAROL,), no=(OLD,), confirm=(NEW,)),
        evidence(yes=(CAROL,), confirm=(NEW,), command_stands=False),
    ],
)
def test_what_nobody_agrees_to_any_more_is_not_done(shown: Evidence) -> None:
    assert_over(after(BOTH, ARRIVED, shown=shown))


def test_what_the_homeserver_forbids_is_tried_again_and_then_let_go() -> None:
    failed = Trouble(
        step=Step.STEP_DOWN, reason=Reason.NOT_ALLOWED, since=NOW - HOUR, attempts=1, retry_at=NOW + HOUR
    )
    assert after(STEP_DOWN, ARRIVED, trouble=failed) == Wait(reason=Reason.NOT_ALLOWED, until=NOW + HOUR)
    hopeless = replace(failed, since=NOW - 48 * HOUR)
    assert_over(after(STEP_DOWN, ARRIVED, trouble=hopeless))


def test_the_bot_gives_its_level_back_when_it_is_told_to() -> None:
    rules = Rules(step_down_after=True)
    assert after(Options(), EQUAL, rules=rules) == Act(step=Step.BOT_DOWN, level=0)
    assert_over(after(Options(), EQUAL, rules=rules, alone=False))
    assert_over(after(Options(), {**EQUAL, BOT: 0}, rules=rules))


def test_the_bot_keeps_what_it_takes_to_speak() -> None:
    here = room(JOINED, levels=with_levels(EQUAL, events_default=30))
    asked = replace(PROMOTED, rules=Rules(step_down_after=True))
    assert decide(asked, here, AGREED, NOW) == Act(step=Step.BOT_DOWN, level=30)


def test_a_move_done_by_hand_is_followed_up_too() -> None:
    asked = moving(*ASKED_NEW, options=BOTH, phase=Phase.MOVING)
    here = room(JOINED, levels=with_levels(EQUAL))
    assert decide(asked, here, AGREED, NOW) == waits(Reason.STEP_DOWN, Goal.STEPPED_DOWN)


def test_the_bot_that_alone_can_manage_a_room_does_not_abandon_it() -> None:
    nobody = dict.fromkeys((OLD, NEW, CAROL, DAVE, ERIN), 0)
    assert_over(after(Options(), nobody, rules=Rules(step_down_after=True)))


def test_the_old_accounts_own_yes_outlasts_the_level_that_it_gives_up() -> None:
    alone = evidence(yes=(OLD,), confirm=(NEW,))
    lowered = {NEW: 50, OLD: 0, CAROL: 0}
    assert after(BOTH, lowered, shown=alone, approved_level=50) == Act(step=Step.REMOVE_OLD)
    assert_over(after(BOTH, lowered, shown=alone, approved_level=49))
    assert_over(after(LEAVE, lowered, shown=alone, approved_level=50))
