# SPDX-License-Identifier: AGPL-3.0-or-later
"""Following an upgrade into the new room, and the new account's way there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Wait
from migrationbot.core.reasons import Goal, Outcome, Reason
from migrationbot.core.steps import Step
from migrationbot.core.succession import Deed, Succession
from tests.core.successions import (
    ASKED,
    FOLLOWED,
    NEXT,
    REPORTED,
    after,
    assert_over,
    decided,
    seen,
    upgraded,
)
from tests.core.worlds import BOT, CAROL, NEW, NOW, OLD, evidence, member, state

# ---- Following -------------------------------------------------------------------------------------------


def test_the_bot_follows_and_asks_to_be_let_in_when_it_may_not_join() -> None:
    outside = Succession()
    assert decided(upgraded(), outside) == Act(step=Step.FOLLOW, target=NEXT)
    failed = replace(outside, deeds={(Step.FOLLOW, NEXT): Deed(failed=True, at=NOW)})
    waiting = Wait(reason=Reason.ENTER, until=NOW + 30_000, goal=Goal.SUCCEEDED)
    assert decided(upgraded(), failed) == waiting
    late = replace(outside, deeds={(Step.FOLLOW, NEXT): Deed(failed=True, at=NOW - 30_000)})
    assert decided(upgraded(), late) == Act(step=Step.FOLLOW, target=NEXT)
    often = replace(outside, deeds={(Step.FOLLOW, NEXT): Deed(failed=True, tries=20, at=NOW)})
    assert decided(upgraded(), often) == replace(waiting, until=NOW + 1_800_000)
    assert decided(upgraded(), often, expires_at=NOW + 5) == replace(waiting, until=NOW + 5)


def test_once_it_was_let_in_it_goes_on_at_once() -> None:
    deeds = {(Step.FOLLOW, NEXT): Deed(failed=True, at=NOW)}
    assert decided(upgraded(), seen(deeds=deeds)) == Act(step=Step.FOLLOW, target=NEXT)


def test_a_crash_while_joining_is_no_failure() -> None:
    deeds = {(Step.FOLLOW, NEXT): Deed(at=NOW)}
    assert decided(upgraded(), Succession(deeds=deeds)) == Act(step=Step.FOLLOW, target=NEXT)


def test_a_bot_that_was_put_out_again_does_not_come_back() -> None:
    assert_over(decided(upgraded(), Succession(deeds=FOLLOWED)), Outcome.PARTIAL)


def test_what_nobody_agrees_to_any_more_is_not_done() -> None:
    withdrawn = evidence(confirm=(NEW,))
    assert_over(decide(ASKED, upgraded(), withdrawn, NOW, Succession()), Outcome.PARTIAL)


def test_a_new_room_is_left_to_settle_first() -> None:
    just_now = {(Step.FOLLOW, NEXT): Deed(done=True, at=NOW)}
    waiting = Wait(reason=Reason.REPAIR, until=NOW + 3_000)
    assert decided(upgraded(), seen(stale=("#a:old.org",), deeds=just_now)) == waiting


# ---- The new account -------------------------------------------------------------------------------------

INVITE = Act(step=Step.INVITE_HEIR, target=NEW)
WAITS = Wait(reason=Reason.HEIR, until=ASKED.expires_at, goal=Goal.SUCCEEDED)
PUBLIC = state("m.room.join_rules", {"join_rule": "public"})


def test_the_new_account_is_invited_and_waited_for() -> None:
    assert decided(upgraded(), seen(after())) == INVITE
    invited = after(member(NEW, "invite", by=BOT))
    assert decided(upgraded(), seen(invited, deeds=REPORTED)) == WAITS
    assert_over(decided(upgraded(), seen(deeds=REPORTED)), Outcome.DONE)


def test_one_who_knocks_is_let_in() -> None:
    assert decided(upgraded(), seen(after(member(NEW, "knock")))) == INVITE


def test_a_public_room_needs_no_invite() -> None:
    assert decided(upgraded(), seen(after(PUBLIC), deeds=REPORTED)) == WAITS


def test_where_the_bot_may_not_invite_it_is_left_to_people() -> None:
    asks = state("m.room.power_levels", {"users": {BOT: 0}, "invite": 50})
    closed = seen(after(asks), absent=(CAROL,), unnamed=("#a:old.org",), deeds=REPORTED)
    assert decided(upgraded(), closed) == WAITS


@pytest.mark.parametrize("membership", ["leave", "ban"])
def test_a_new_account_that_is_out_again_is_not_asked_twice(membership: str) -> None:
    out = seen(after(member(NEW, membership, by=OLD)), deeds=REPORTED)
    assert_over(decided(upgraded(), out), Outcome.PARTIAL)
