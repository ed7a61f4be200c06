# SPDX-License-Identifier: AGPL-3.0-or-later
"""Another main address: who makes it, who chooses it, and what is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from migrationbot.core.address import PLACE, bot_makes_it, in_question, main_address, with_address
from migrationbot.core.approval import Evidence
from migrationbot.core.besides import read_besides
from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Decision, Finish, Wait
from migrationbot.core.levels import level_asked_now, level_missing, level_needed
from migrationbot.core.move import Options, RoomMove
from migrationbot.core.reasons import Goal, Outcome, Reason, Trouble
from migrationbot.core.report import Left, left_to_do
from migrationbot.core.room import CANONICAL_ALIAS, RoomState
from migrationbot.core.standing import standing
from migrationbot.core.steps import Step
from tests.core.worlds import (
    ASKED_NEW,
    BOT,
    CAROL,
    HOUR,
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

OURS, EARLIER, THIRD = "#room:new.org", "#room:old.org", "#other:old.org"
ADDRESS = Options(address=OURS)
AGREED = evidence(yes=(CAROL,), confirm=(NEW,))
LEADS = replace(AGREED, addresses=frozenset({OURS, EARLIER}))


def promoted(*more: Step, **facts: Any) -> RoomMove:
    """A move whose new account has its level, and which is asked for with an address."""
    records = (*ASKED_NEW, done(Step.PROMOTE), *(done(step) for step in more))
    return moving(*records, **{"options": ADDRESS, **facts})


def here(content: dict[str, Any] | None = None, **levels: Any) -> RoomState:
    """The room after the promotion, with this canonical alias."""
    alias = [state(CANONICAL_ALIAS, content)] if content is not None else []
    return room(member(NEW, "join"), *alias, levels=with_levels({NEW: 100}, **levels))


def decided(now: RoomState, shown: Evidence = LEADS, asked: RoomMove | None = None) -> Decision:
    return decide(asked or promoted(), now, shown, NOW)


def waits(reason: Reason) -> Wait:
    return Wait(reason=reason, until=promoted().expires_at, goal=Goal.ADDRESSED)


# ---- Reaching it ------------------------------------------------------------------------------------------


def test_an_alias_that_leads_here_becomes_the_main_one() -> None:
    assert decided(here()) == Act(step=Step.SET_ADDRESS, content={"alias": OURS})


def test_until_it_leads_here_the_new_account_is_waited_for() -> None:
    for shown in (AGREED, replace(AGREED, addresses=frozenset({EARLIER}))):
        assert decided(here(), shown) == waits(Reason.ADDRESS_MISSING)
    assert isinstance(decide(promoted(expires_at=NOW), here(), AGREED, NOW), Finish)


def test_where_the_bot_has_no_right_to_choose_it_others_do() -> None:
    held = here(events={CANONICAL_ALIAS: 101})
    assert decided(held) == waits(Reason.ADDRESS_UNSET)
    assert decided(held, AGREED) == waits(Reason.ADDRESS_MISSING)


def test_on_the_server_of_the_bot_and_the_new_account_the_bot_makes_it() -> None:
    neighbour = "@new:old.org"
    local = promoted(options=Options(address=THIRD), new=neighbour)
    assert bot_makes_it(local)
    for other in (promoted(), promoted(options=Options(address=THIRD)), moving()):
        assert not bot_makes_it(other)
    users = {"users": {BOT: 100, OLD: 100, CAROL: 100, neighbour: 100}}
    shown = evidence(yes=(CAROL,), confirm=(neighbour,))
    act = decide(local, room(member(neighbour, "join"), levels=users), shown, NOW)
    assert act == Act(step=Step.SET_ADDRESS, content={"alias": THIRD})


def test_what_is_there_is_not_done_again() -> None:
    assert isinstance(decided(here({"alias": OURS})), Finish)
    assert isinstance(decided(here({"alias": EARLIER}), asked=promoted(Step.SET_ADDRESS)), Finish)
    assert isinstance(decided(here(), asked=promoted(options=Options())), Finish)


def test_what_nobody_agrees_to_any_more_is_not_done() -> None:
    assert isinstance(decided(here(), replace(LEADS, reactions=())), Finish)


def test_one_who_takes_their_time_keeps_nobody_else_from_going_on() -> None:
    both = promoted(options=Options(address=OURS, step_down=True))
    now = room(member(NEW, "join"), levels=with_levels({NEW: 50, OLD: 50}))
    assert decide(both, now, AGREED, NOW) == Act(step=Step.STEP_DOWN, level=0)
    failed = Trouble(
        step=Step.SET_ADDRESS, reason=Reason.NOT_ALLOWED, since=NOW, attempts=1, retry_at=NOW + HOUR
    )
    held_up = replace(both, trouble=failed)
    assert decide(held_up, now, LEADS, NOW) == Act(step=Step.STEP_DOWN, level=0)
    stepped_down = room(member(NEW, "join"), levels=with_levels({NEW: 50, OLD: 0}))
    assert decide(held_up, stepped_down, LEADS, NOW) == Wait(reason=Reason.NOT_ALLOWED, until=NOW + HOUR)


# ---- What is written --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"alias": OURS}),
        ({"alias": EARLIER}, {"alias": OURS, "alt_aliases": [EARLIER]}),
        ({"alias": THIRD}, {"alias": OURS}),  # it leads elsewhere by now
        ({"alias": EARLIER, "alt_aliases": [THIRD]}, {"alias": OURS, "alt_aliases": [EARLIER, THIRD]}),
        ({"alias": EARLIER, "alt_aliases": [EARLIER]}, {"alias": OURS, "alt_aliases": [EARLIER]}),
        ({"alt_aliases": [OURS, THIRD]}, {"alias": OURS, "alt_aliases": [THIRD]}),
        ({"alt_aliases": [OURS]}, {"alias": OURS, "alt_aliases": []}),
        ({"alias": 7, "alt_aliases": "x", "more": 1}, {"alias": OURS, "alt_aliases": [], "more": 1}),
    ],
)
def test_the_earlier_one_stays_and_all_else_is_as_it_was(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    now = here(dict(before))
    assert with_address(promoted(), now, {OURS, EARLIER}) == after
    assert now.more[PLACE].content == before


def test_it_is_known_which_addresses_matter() -> None:
    now = here({"alias": EARLIER})
    assert main_address(now) == EARLIER
    assert main_address(here()) == ""
    assert in_question(promoted(), now) == (OURS, EARLIER)
    assert in_question(promoted(), here()) == (OURS,)
    assert in_question(promoted(Step.SET_ADDRESS), now) == ()
    assert in_question(moving(), now) == ()
    assert in_question(move(options=ADDRESS), room()) == ()  # nobody has come yet
    assert read_besides(promoted()) == (PLACE,)


# ---- What it means for people -----------------------------------------------------------------------------


def test_those_who_agree_must_be_able_to_choose_it_themselves() -> None:
    held = room(levels=with_levels({}, events={CANONICAL_ALIAS: 70}))
    assert level_asked_now(move(plan=plan(level=0), options=ADDRESS), held) == 70
    assert level_missing(Reason.ADDRESS_UNSET, move(options=ADDRESS), held) == 70
    assert level_missing(None, move(options=ADDRESS), held) == 100
    closed = room(levels=with_levels({}, events={CANONICAL_ALIAS: 110}))
    assert level_needed(move(options=ADDRESS), closed) == 110


def test_the_status_and_the_summary_tell_whether_it_is_there() -> None:
    arrived = decided(here({"alias": OURS}))
    assert isinstance(arrived, Finish)
    assert arrived.ending.outcome is Outcome.DONE
    assert Goal.ADDRESSED in standing(promoted(), here({"alias": OURS}), LEADS).met
    assert Goal.ADDRESSED in standing(promoted(Step.SET_ADDRESS), here(), LEADS).met
    assert Goal.ADDRESSED in standing(promoted(), here(), LEADS).to_come
    assert Left.SET_ADDRESS in left_to_do(promoted(), here(), arrived.ending)
    assert Left.SET_ADDRESS not in left_to_do(promoted(), here({"alias": OURS}), arrived.ending)
    assert Left.SET_ADDRESS not in left_to_do(moving(), here(), arrived.ending)
