# SPDX-License-Identifier: AGPL-3.0-or-later
"""The table of phases: what it lists, and that it lists all that `decide` can ask for."""

from __future__ import annotations

import pytest

from migrationbot.core.decide import decide
from migrationbot.core.move import Phase
from migrationbot.core.reasons import Ending, Outcome, Reason
from migrationbot.core.turns import TABLE, Turn, WrongTurn, turn
from tests.core.worlds import NOW, evidence, move, room

LISTED = [
    (Phase.ASKING, Turn.APPROVED, Phase.MOVING),
    (Phase.ASKING, Turn.STOPPED, Phase.UNDOING),
    (Phase.ASKING, Turn.ARRIVED, Phase.ENDED),
    (Phase.MOVING, Turn.LOST, Phase.ASKING),
    (Phase.MOVING, Turn.BLOCKED, Phase.BLOCKED),
    (Phase.MOVING, Turn.STOPPED, Phase.UNDOING),
    (Phase.MOVING, Turn.ARRIVED, Phase.ENDED),
    (Phase.BLOCKED, Turn.MENDED, Phase.MOVING),
    (Phase.BLOCKED, Turn.LOST, Phase.ASKING),
    (Phase.BLOCKED, Turn.STOPPED, Phase.UNDOING),
    (Phase.BLOCKED, Turn.ARRIVED, Phase.ENDED),
    (Phase.UNDOING, Turn.UNDONE, Phase.ENDED),
]
UNLISTED = [
    (phase, by)
    for phase in Phase
    for by in Turn
    if (phase, by) not in {(before, listed) for before, listed, _ in LISTED}
]


@pytest.mark.parametrize(("before", "by", "after"), LISTED)
def test_a_listed_turn_leads_where_the_table_says(before: Phase, by: Turn, after: Phase) -> None:
    assert turn(before, by) is after


@pytest.mark.parametrize(("phase", "by"), UNLISTED)
def test_any_other_turn_is_a_mistake_and_changes_nothing(phase: Phase, by: Turn) -> None:
    before = {each: dict(turns) for each, turns in TABLE.items()}
    with pytest.raises(WrongTurn, match=f"{by.value} while {phase.value}"):
        turn(phase, by)
    assert before == TABLE


def test_every_phase_is_listed_and_can_be_reached_from_the_first() -> None:
    reached, before = {Phase.ASKING}, set[Phase]()
    while reached != before:
        before = set(reached)
        reached |= {after for phase in before for after in TABLE[phase].values()}
    assert reached == set(Phase) == set(TABLE)


def test_every_phase_leads_to_the_end_and_nothing_leads_on_from_there() -> None:
    ending, before = {Phase.ENDED}, set[Phase]()
    while ending != before:
        before = set(ending)
        ending |= {phase for phase in TABLE if before & set(TABLE[phase].values())}
    assert ending == set(Phase)
    assert TABLE[Phase.ENDED] == {}


def test_an_ended_move_is_not_decided_again() -> None:
    over = Ending(outcome=Outcome.DONE, reason=Reason.ARRIVED, at=NOW)
    with pytest.raises(WrongTurn):
        decide(move(phase=Phase.ENDED, ending=over), room(), evidence(), NOW)
