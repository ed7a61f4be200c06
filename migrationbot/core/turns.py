# SPDX-License-Identifier: AGPL-3.0-or-later
"""The table of phases: which follows which, and what carries a room move there."""

from __future__ import annotations

from enum import Enum

from .move import Phase


class Turn(Enum):
    """What carries a room move from one phase to the next."""

    APPROVED = "approved"  # enough entitled members said yes
    LOST = "lost"  # the approval no longer stands
    BLOCKED = "blocked"  # a person has to mend something
    MENDED = "mended"  # it was mended
    STOPPED = "stopped"  # it will not happen
    ARRIVED = "arrived"  # every goal is met
    UNDONE = "undone"  # all that could be put back is back


TABLE: dict[Phase, dict[Turn, Phase]] = {
    Phase.ASKING: {
        Turn.APPROVED: Phase.MOVING,
        Turn.STOPPED: Phase.UNDOING,
        Turn.ARRIVED: Phase.ENDED,  # promoted, then crashed or lost the approval: there is nothing to ask
    },
    Phase.MOVING: {
        Turn.LOST: Phase.ASKING,
        Turn.BLOCKED: Phase.BLOCKED,
        Turn.STOPPED: Phase.UNDOING,
        Turn.ARRIVED: Phase.ENDED,
    },
    Phase.BLOCKED: {
        Turn.MENDED: Phase.MOVING,
        Turn.LOST: Phase.ASKING,
        Turn.STOPPED: Phase.UNDOING,
        Turn.ARRIVED: Phase.ENDED,
    },
    Phase.UNDOING: {
        Turn.UNDONE: Phase.ENDED,
    },
    Phase.ENDED: {},
}


class WrongTurn(Exception):
    """A turn that the table does not list: a mistake in the code, never in a room."""


def turn(phase: Phase, by: Turn) -> Phase:
    """The phase that follows. Raises WrongTurn for a turn that is not in the table."""
    try:
        return TABLE[phase][by]
    except KeyError:
        raise WrongTurn(f"{by.value} while {phase.value}") from None
