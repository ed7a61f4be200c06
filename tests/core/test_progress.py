# SPDX-License-Identifier: AGPL-3.0-or-later
"""How much there is still to send."""

from __future__ import annotations

from migrationbot.core.move import Phase
from migrationbot.core.progress import sends_left
from migrationbot.core.steps import Step
from migrationbot.core.ways import Way
from tests.core.worlds import done, move, moving, opening, plan


def test_what_is_left_to_send_is_what_was_agreed_to_and_is_not_done() -> None:
    assert sends_left([move(), moving(phase=Phase.ENDED)]) == 0
    summing_up = sends_left([moving(done(Step.INVITE), done(Step.PROMOTE))])
    assert summing_up == 3
    assert sends_left([moving(), moving()]) - summing_up == 4
    assert sends_left([moving(phase=Phase.BLOCKED)]) - summing_up == 2
    assert sends_left([moving(done(Step.INVITE))]) - summing_up == 1
    assert sends_left([moving(plan=plan(way=Way.PUBLIC))]) - summing_up == 1
    opened = moving(done(Step.OPEN_HISTORY), plan=opening())
    assert sends_left([opened]) - summing_up == 3
