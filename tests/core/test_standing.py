# SPDX-License-Identifier: AGPL-3.0-or-later
"""How far a move is: what is shown as met and as still to come, from the request to the end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrationbot.core.history import Visibility
from migrationbot.core.move import Options, Rules
from migrationbot.core.reasons import Goal
from migrationbot.core.standing import standing
from migrationbot.core.steps import Step
from migrationbot.core.ways import Way
from tests.core.worlds import (
    ASKED_NEW,
    BOT,
    CAROL,
    DAVE,
    MEMBERS,
    NEW,
    OLD,
    done,
    evidence,
    member,
    move,
    moving,
    opening,
    plan,
    room,
    state,
    undoing,
    with_levels,
)

HISTORY = "m.room.history_visibility"
OPENED = state(HISTORY, {"history_visibility": "shared"}, sender=BOT, event_id="$open_history")
RESTORED = state(HISTORY, {"history_visibility": "invited"}, sender=BOT, event_id="$restore_history")
JOINED, INVITED = member(NEW, "join"), member(NEW, "invite", by=BOT)
WHOLE = (
    Goal.APPROVED,
    Goal.HISTORY_OPEN,
    Goal.INVITED,
    Goal.JOINED,
    Goal.HISTORY_RESTORED,
    Goal.CONFIRMED,
    Goal.PROMOTED,
)
# One stage of a whole move after the other: its records, what the room shows, who said yes, how many are met.
STAGES = [
    ((), (), (), ()),
    ((), (), (CAROL,), (Goal.APPROVED,)),
    ((Step.OPEN_HISTORY,), (OPENED,), (CAROL,), (Goal.APPROVED, Goal.HISTORY_OPEN)),
    ((Step.OPEN_HISTORY, Step.INVITE), (OPENED, INVITED), (CAROL,), WHOLE[:3]),
    ((Step.OPEN_HISTORY, Step.INVITE), (OPENED, JOINED), (CAROL,), WHOLE[:4]),
    ((Step.OPEN_HISTORY, Step.INVITE, Step.RESTORE_HISTORY), (RESTORED, JOINED), (CAROL,), WHOLE[:5]),
]


@pytest.mark.parametrize(("steps", "events", "yes", "met"), STAGES)
def test_one_goal_after_the_other_is_met(
    steps: tuple[Step, ...], events: tuple, yes: tuple[str, ...], met: tuple[Goal, ...]
) -> None:
    current = moving(*map(done, steps), plan=opening(Visibility.INVITED))
    found = standing(current, room(*events, visibility="invited"), evidence(yes))
    assert found.met == met
    assert found.to_come == tuple(goal for goal in WHOLE if goal not in met)
    assert found.agreed == yes
    assert found.level == 100


def test_the_new_accounts_yes_is_the_last_but_one() -> None:
    records = (done(Step.OPEN_HISTORY), done(Step.RESTORE_HISTORY), *ASKED_NEW)
    current = moving(*records, plan=opening())
    found = standing(
        current, room(RESTORED, JOINED, visibility="invited"), evidence((CAROL,), confirm=(NEW,))
    )
    assert found.to_come == (Goal.PROMOTED,)


def test_once_promoted_everything_is_met_whoever_takes_a_yes_back() -> None:
    current = moving(*ASKED_NEW, done(Step.PROMOTE))
    found = standing(current, room(JOINED, levels=with_levels({NEW: 100})), evidence())
    assert found.to_come == ()
    assert Goal.APPROVED in found.met
    assert Goal.CONFIRMED in found.met
    assert Goal.PROMOTED in found.met


def test_what_the_plan_does_without_is_not_mentioned() -> None:
    found = standing(move(plan=plan(way=Way.INSIDE)), room(JOINED), evidence())
    assert found.met == (Goal.JOINED,)
    assert found.to_come == (Goal.APPROVED, Goal.CONFIRMED, Goal.PROMOTED)


def test_one_without_a_level_of_its_own_is_given_none() -> None:
    levels = with_levels({OLD: 0})
    found = standing(move(plan=plan(level=0, old_level=0)), room(levels=levels), evidence())
    assert Goal.PROMOTED not in (*found.met, *found.to_come)


def test_who_came_by_itself_needs_no_open_history_any_more() -> None:
    found = standing(moving(plan=opening()), room(JOINED, visibility="invited"), evidence((CAROL,)))
    assert not {Goal.HISTORY_OPEN, Goal.HISTORY_RESTORED} & {*found.met, *found.to_come}


def test_a_setting_that_somebody_else_has_changed_is_not_put_back() -> None:
    theirs = state(HISTORY, {"history_visibility": "shared"}, event_id="$theirs")
    found = standing(moving(done(Step.OPEN_HISTORY), plan=opening()), room(theirs), evidence((CAROL,)))
    assert Goal.HISTORY_OPEN in found.met
    assert Goal.HISTORY_RESTORED not in (*found.met, *found.to_come)


def test_as_many_have_to_agree_as_the_rules_say() -> None:
    current = replace(move(), rules=Rules(approvals_needed=2))
    one, two = evidence((CAROL,)), evidence((CAROL, OLD))
    assert Goal.APPROVED in standing(current, room(), one).to_come
    assert Goal.APPROVED in standing(current, room(), two).met
    assert standing(current, room(), evidence((DAVE,))).agreed == ()  # a moderator's level is not enough


def test_of_a_stopped_move_only_what_is_to_be_put_back_is_told() -> None:
    invited = member(NEW, "invite", by=BOT)
    records = (done(Step.OPEN_HISTORY), done(Step.INVITE, invited.event_id))
    current = undoing(*records, plan=opening())
    both = standing(current, room(OPENED, invited), evidence())
    assert (both.met, both.to_come) == ((), (Goal.HISTORY_RESTORED, Goal.INVITE_WITHDRAWN))
    neither = standing(current, room(members=MEMBERS, visibility="invited"), evidence())
    assert (neither.met, neither.to_come) == ((), ())


def test_nobodys_yes_is_waited_for_where_the_bot_may_do_nothing() -> None:
    asked = move(plan=plan(guided=True))
    powerless = room(JOINED, levels=with_levels({BOT: 0}))
    assert Goal.APPROVED not in standing(asked, powerless, evidence()).to_come
    assert Goal.APPROVED in standing(asked, powerless, evidence(yes=(CAROL,))).met
    assert Goal.APPROVED in standing(asked, room(levels=with_levels({BOT: 0})), evidence()).to_come


def test_an_old_account_that_is_to_go_is_a_goal_too() -> None:
    asked = move(options=Options(step_down=True, leave=True))
    found = standing(asked, room(JOINED), evidence())
    assert {Goal.STEPPED_DOWN, Goal.LEFT} <= set(found.to_come)
    gone = room(JOINED, member(OLD, "leave"), levels=with_levels({OLD: 0, NEW: 100}))
    assert {Goal.STEPPED_DOWN, Goal.LEFT} <= set(standing(asked, gone, evidence()).met)
    owned = room(JOINED, version="12", creator=OLD, levels={"users": {BOT: 100}})
    assert Goal.STEPPED_DOWN not in (*standing(asked, owned, evidence()).to_come,)
