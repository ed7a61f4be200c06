# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an upgrade leaves behind, and how the bot mends it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Wait
from migrationbot.core.following import history_lost
from migrationbot.core.reasons import Outcome, Reason
from migrationbot.core.steps import Step
from migrationbot.core.succession import Deed, Parent
from tests.core.successions import (
    AGREED,
    ASKED,
    JOINED,
    LISTED,
    NEXT,
    REPORTED,
    SPACE,
    after,
    assert_over,
    decided,
    seen,
    upgraded,
    with_deeds,
)
from tests.core.worlds import BOT, CAROL, NOW, state

REPAIRS: list[tuple[dict[str, Any], Step, str]] = [
    ({"parents": (LISTED,)}, Step.LIST_CHILD, SPACE),
    ({"parents": (replace(LISTED, lists_new=True),)}, Step.UNLIST_CHILD, SPACE),
    ({"stale": ("#a:old.org",)}, Step.MOVE_ALIAS, "#a:old.org"),
    ({"unnamed": ("#a:old.org",)}, Step.NAME_ALIAS, NEXT),
    ({"absent": (CAROL,)}, Step.INVITE_MEMBER, CAROL),
]


@pytest.mark.parametrize(("left", "step", "target"), REPAIRS)
def test_what_is_left_behind_is_mended_once(left: dict[str, Any], step: Step, target: str) -> None:
    assert decided(upgraded(), seen(**left)) == Act(step=step, target=target)
    tried = with_deeds((step, target, Deed(done=True)))
    assert_over(decided(upgraded(), seen(**left, deeds=tried)), Outcome.DONE)


@pytest.mark.parametrize(("left", "step", "target"), REPAIRS)
def test_what_is_refused_is_tried_three_times(left: dict[str, Any], step: Step, target: str) -> None:
    failed = with_deeds((step, target, Deed(failed=True, tries=2, at=NOW)))
    assert decided(upgraded(), seen(**left, deeds=failed)) == Wait(reason=Reason.REPAIR, until=NOW + 60_000)
    hopeless = with_deeds((step, target, Deed(failed=True, tries=3)))
    assert_over(decided(upgraded(), seen(**left, deeds=hopeless)), Outcome.DONE)


def test_one_refusal_keeps_nothing_else_from_being_mended() -> None:
    failed = with_deeds((Step.MOVE_ALIAS, "#a:old.org", Deed(failed=True, at=NOW)))
    left = seen(stale=("#a:old.org", "#b:old.org"), deeds=failed)
    assert decided(upgraded(), left) == Act(step=Step.MOVE_ALIAS, target="#b:old.org")


@pytest.mark.parametrize(
    "parent",
    [
        replace(LISTED, lists_old=False, lists_new=True),
        replace(LISTED, bot_may=False),
        replace(LISTED, agreed=False),
    ],
)
def test_a_space_is_changed_only_for_those_who_may_change_it(parent: Parent) -> None:
    assert_over(decided(upgraded(), seen(parents=(parent,), deeds=REPORTED)), Outcome.DONE)


def test_history_that_the_upgrade_did_not_carry_over_is_set_and_what_people_set_stays() -> None:
    old_room = upgraded(visibility="joined")
    kind = "m.room.history_visibility"
    assert decided(old_room, seen()) == Act(step=Step.CARRY_HISTORY, target=NEXT)
    theirs = replace(state(kind, {"history_visibility": "shared"}), replaces_state="$first")
    assert not history_lost(old_room, after(JOINED, theirs))
    weak = after(JOINED, state("m.room.power_levels", {"users": {BOT: 0}}))
    assert_over(decided(old_room, seen(weak, deeds=REPORTED)), Outcome.DONE)
    unset = replace(after(JOINED), history_event=None)
    assert history_lost(old_room, unset)


def test_invites_keep_to_what_homeservers_allow() -> None:
    invited = [(Step.INVITE_MEMBER, f"@{n}:old.org", Deed(done=True, at=NOW - n)) for n in range(8)]
    few = seen(absent=(CAROL,), deeds=with_deeds(*invited[1:]))
    assert decided(upgraded(), few) == Act(step=Step.INVITE_MEMBER, target=CAROL)
    many = seen(absent=(CAROL,), deeds=with_deeds(*invited))
    assert decided(upgraded(), many) == Wait(reason=Reason.REPAIR, until=NOW + 5_000)
    assert decide(ASKED, upgraded(), AGREED, NOW + 5_000, many) == Act(step=Step.INVITE_MEMBER, target=CAROL)


def test_the_people_there_are_told_once() -> None:
    assert decided(upgraded(), seen()) == Act(step=Step.SUCCESSOR_CARD, target=NEXT)
    assert_over(decided(upgraded(), seen(deeds=REPORTED)), Outcome.DONE)
