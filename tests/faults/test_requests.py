# SPDX-License-Identifier: AGPL-3.0-or-later
"""A fault at one request of the reference migration changes nothing about what it comes to.

Here each act is struck in the ways that leave the bot in doubt whether it happened, the invite in every way,
and what decisions rest on is withheld. `make faults` does everything at every request, on both databases.
"""

from __future__ import annotations

import pytest

from tests.support.fault import Case, Fault
from tests.support.lane import Lane
from tests.support.reference import TAKEN_BACK, insist, try_case

# What the reference migration sends. A homeserver lets a bot send 10 events and then one in 5 s.
SENT = (
    ("PUT send/m.room.message", 1),  # the request card
    ("PUT send/m.reaction", 1),
    ("PUT send/m.reaction", 2),
    ("PUT state/m.room.history_visibility", 1),  # opened
    ("POST invite", 1),
    ("PUT state/m.room.history_visibility", 2),  # put back
    ("PUT send/m.room.message", 2),  # the confirm card
    ("PUT send/m.reaction", 3),
    ("PUT state/m.room.power_levels", 1),
    ("PUT send/m.room.message", 3),  # the summary
    ("PUT send/m.room.message", 4),  # the request card's final state
)
IN_DOUBT = (Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.CUT_OFF)

# What decisions rest on, each read before each act. A refusal to show it is no answer to it.
READ = (
    "GET event",
    "GET relations/m.annotation",
    "GET state/m.room.create",
    "GET state/m.room.power_levels",
    "GET state/m.room.history_visibility",
    "GET state/m.room.member/alice",
    "GET state/m.room.member/carol",
    "GET state/m.room.member/new",
)

CASES = (
    *(
        Case(label=label, occurrence=occurrence, fault=fault)
        for label, occurrence in SENT
        for fault in IN_DOUBT
    ),
    *(Case(label=label, occurrence=3, fault=Fault.FORBIDDEN) for label in READ),
    *(Case(label="POST invite", occurrence=1, fault=fault) for fault in Fault if fault not in IN_DOUBT),
)


# What undoes a move that is taken back after the invite.
UNDOING = (
    ("POST kick", 1),  # the invite is withdrawn
    ("PUT state/m.room.history_visibility", 2),  # put back
    ("PUT send/m.room.message", 2),  # the summary
    ("PUT send/m.room.message", 3),  # the request card's final state
)
CASES_OF_UNDOING = tuple(
    Case(label=label, occurrence=occurrence, fault=fault)
    for label, occurrence in UNDOING
    for fault in IN_DOUBT
)


async def test_the_reference_migration_sends_what_is_listed_here(shared_lane: Lane) -> None:
    result = await try_case(shared_lane, None)
    assert result.wrong == ()
    assert [each for each in result.requests if not each[0].startswith("GET")] == list(SENT)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_the_move_ends_as_it_should_when(case: Case, shared_lane: Lane) -> None:
    result = await insist(shared_lane, case)
    assert result.fired, f"the request never came: {case}"
    assert result.wrong == ()


@pytest.mark.parametrize("case", CASES_OF_UNDOING, ids=str)
async def test_a_move_that_is_taken_back_leaves_the_room_as_it_was_when(
    case: Case, shared_lane: Lane
) -> None:
    result = await insist(shared_lane, case, TAKEN_BACK)
    assert result.fired, f"the request never came: {case}"
    assert result.wrong == ()
