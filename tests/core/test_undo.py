# SPDX-License-Identifier: AGPL-3.0-or-later
"""A move that will not happen leaves the room as it was, as far as the bot's level reaches."""

from __future__ import annotations

import pytest

from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Finish, Wait
from migrationbot.core.move import RoomMove
from migrationbot.core.reasons import Reason, Trouble
from migrationbot.core.room import RoomState, StateEvent
from migrationbot.core.steps import Record, Step
from migrationbot.core.turns import Turn
from tests.core.worlds import (
    BOT,
    CAROL,
    HOUR,
    NEW,
    NOW,
    SOON,
    done,
    evidence,
    intended,
    member,
    opening,
    room,
    state,
    undoing,
    with_levels,
)

OPENED = state("m.room.history_visibility", {"history_visibility": "shared"}, sender=BOT, event_id="$open")
INVITED = state("m.room.member", {"membership": "invite"}, key=NEW, sender=BOT, event_id="$invite")
OPEN, INVITE = done(Step.OPEN_HISTORY, "$open"), done(Step.INVITE, "$invite")
WITHDRAW, RESTORE = Act(step=Step.WITHDRAW_INVITE), Act(step=Step.RESTORE_HISTORY)
PATIENCE = NOW - HOUR + 48 * HOUR  # counted from the ending


def cancelled(*records: Record, trouble: Trouble | None = None) -> RoomMove:
    return undoing(*records, plan=opening(), trouble=trouble)


def failed(step: Step, *, retry_at: int = SOON) -> Trouble:
    return Trouble(step=step, reason=Reason.NOT_ALLOWED, since=NOW, attempts=3, retry_at=retry_at)


def is_over(moved: RoomMove, now: RoomState, at: int = NOW) -> bool:
    """Whether nothing more will be done, with the ending that stopped the move."""
    decision = decide(moved, now, evidence(yes=(CAROL,), confirm=(NEW,)), at)
    return decision == Finish(by=Turn.UNDONE, ending=moved.ending) if moved.ending else False


def decision(moved: RoomMove, now: RoomState, at: int = NOW) -> object:
    return decide(moved, now, evidence(), at)


def test_the_invite_is_withdrawn_then_the_history_put_back() -> None:
    assert decision(cancelled(OPEN, INVITE), room(OPENED, INVITED)) == WITHDRAW
    assert decision(cancelled(OPEN, INVITE), room(OPENED, member(NEW, "leave", by=BOT))) == RESTORE
    assert is_over(cancelled(OPEN, INVITE), room(member(NEW, "leave", by=BOT)))


def test_where_nothing_was_done_nothing_is_undone() -> None:
    assert is_over(cancelled(), room())
    assert is_over(cancelled(intended(Step.OPEN_HISTORY), intended(Step.INVITE)), room())


@pytest.mark.parametrize(
    "change",
    [
        member(NEW, "join"),
        member(NEW, "leave"),
        member(NEW, "invite", by=CAROL),
        member(NEW, "invite", by=BOT),  # another one than ours
        state("m.room.history_visibility", {"history_visibility": "shared"}, sender=CAROL),
        state("m.room.history_visibility", {"history_visibility": "shared"}, sender=BOT),  # not this move's
    ],
)
def test_what_is_not_ours_any_more_is_left_alone(change: StateEvent) -> None:
    assert is_over(cancelled(OPEN, INVITE), room(change))


def test_an_invite_that_somebody_else_sent_while_ours_was_on_its_way_is_theirs() -> None:
    theirs = state("m.room.member", {"membership": "invite"}, key=NEW, sender=CAROL, event_id="$invite")
    assert is_over(cancelled(INVITE), room(theirs))


@pytest.mark.parametrize("levels", [with_levels({BOT: 49}), with_levels({BOT: 60, NEW: 60})])
def test_an_invite_beyond_our_reach_is_left_to_people_at_once(levels: dict[str, object]) -> None:
    assert is_over(cancelled(INVITE), room(INVITED, levels=levels))


def test_history_beyond_our_reach_is_waited_for_a_while() -> None:
    weak = room(OPENED, levels=with_levels({BOT: 49}))
    assert decision(cancelled(OPEN), weak) == Wait(reason=Reason.BOT_LACKS_POWER, until=PATIENCE)
    assert decision(cancelled(OPEN), room(OPENED)) == RESTORE
    assert is_over(cancelled(OPEN), weak, PATIENCE)


def test_an_invite_within_reach_does_not_wait_for_history_beyond_it() -> None:
    levels = with_levels({BOT: 60}, events={"m.room.history_visibility": 100})
    assert decision(cancelled(OPEN, INVITE), room(OPENED, INVITED, levels=levels)) == WITHDRAW


def test_a_bot_that_was_put_out_does_not_try() -> None:
    out = room(OPENED, INVITED, member(BOT, "leave", by=CAROL))
    assert decision(cancelled(OPEN, INVITE), out) == Wait(reason=Reason.BOT_LACKS_POWER, until=PATIENCE)
    assert is_over(cancelled(INVITE), out)


def test_a_bot_that_was_away_for_long_still_puts_back_what_it_can() -> None:
    assert decision(cancelled(OPEN, INVITE), room(OPENED, INVITED), PATIENCE + HOUR) == WITHDRAW
    assert decision(cancelled(OPEN), room(OPENED), PATIENCE + HOUR) == RESTORE


def test_what_fails_is_tried_again_at_its_time_and_not_before() -> None:
    stuck = cancelled(OPEN, trouble=failed(Step.RESTORE_HISTORY))
    assert decision(stuck, room(OPENED), SOON - 1) == Wait(reason=Reason.NOT_ALLOWED, until=SOON)
    assert decision(stuck, room(OPENED), SOON) == RESTORE


def test_what_fails_keeps_nothing_else_from_being_put_back() -> None:
    both = room(OPENED, INVITED)
    assert decision(cancelled(OPEN, INVITE, trouble=failed(Step.WITHDRAW_INVITE)), both) == RESTORE
    waits = Wait(reason=Reason.NOT_ALLOWED, until=SOON)
    assert decision(cancelled(OPEN, INVITE, trouble=failed(Step.RESTORE_HISTORY)), both) == waits


def test_what_goes_on_failing_is_left_to_people_in_the_end() -> None:
    stuck = cancelled(OPEN, INVITE, trouble=failed(Step.RESTORE_HISTORY, retry_at=PATIENCE + HOUR))
    both = room(OPENED, INVITED)
    assert decision(stuck, both) == Wait(reason=Reason.NOT_ALLOWED, until=PATIENCE)
    assert is_over(stuck, both, PATIENCE)


def test_trouble_from_before_the_end_holds_nothing_back() -> None:
    assert decision(cancelled(OPEN, trouble=failed(Step.PROMOTE)), room(OPENED)) == RESTORE
