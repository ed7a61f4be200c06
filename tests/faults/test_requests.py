# SPDX-License-Identifier: AGPL-3.0-or-later
"""A fault at one request of the reference migration changes nothing about what it comes to.

Here each act is struck in the ways that leave the bot in doubt whether it happened, the invite in every way,
and what decisions rest on is withheld. `make faults` does everything at every request, on both databases.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support.fault import Case, Fault
from tests.support.lane import Lane
from tests.support.reference import ARRIVAL, TAKEN_BACK, Course, try_case
from tests.support.sweep import try_all

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
KILLS = (Fault.KILLED_BEFORE, Fault.KILLED_AFTER)
IN_DOUBT = (*KILLS, Fault.CUT_OFF)

# What decisions rest on, each read before each act. A refusal to show it is no answer to it.
READ = (
    "GET event",
    "GET relations/m.annotation",
    "GET state/m.room.power_levels",
    "GET state/m.room.history_visibility",
    "GET state/m.room.member/alice",
    "GET state/m.room.member/carol",
    "GET state/m.room.member/new",
)

# What else can happen is tried at the invite.
OTHERS = tuple(fault for fault in Fault if fault not in IN_DOUBT)

# What undoes a move that is taken back after the invite.
UNDOING = (
    ("POST kick", 1),  # the invite is withdrawn
    ("PUT state/m.room.history_visibility", 2),  # put back
    ("PUT send/m.room.message", 2),  # the summary
    ("PUT send/m.room.message", 3),  # the request card's final state
)


def cases(requests: Sequence[tuple[str, int]], *faults: Fault) -> list[Case]:
    """Each of these faults at each of these requests."""
    return [
        Case(label=label, occurrence=occurrence, fault=fault)
        for label, occurrence in requests
        for fault in faults
    ]


async def all_is_well(where: Lane, tried: Sequence[Case], course: Course = ARRIVAL) -> None:
    """In a room of its own, each case strikes, and comes to what it must come to."""
    for case, result in await try_all(where, tried, course):
        assert result.fired, f"the request never came: {case}"
        assert result.wrong == (), f"{case}: {result.wrong}"


async def test_the_reference_migration_sends_what_is_listed_here(shared_lane: Lane) -> None:
    result = await try_case(shared_lane, None)
    assert result.wrong == ()
    assert [each for each in result.requests if not each[0].startswith("GET")] == list(SENT)


@pytest.mark.parametrize("fault", IN_DOUBT)
async def test_the_move_ends_as_it_should_when_an_act_is_in_doubt(fault: Fault, shared_lane: Lane) -> None:
    await all_is_well(shared_lane, cases(SENT, fault))


async def test_a_refusal_to_show_something_is_no_answer_to_it(shared_lane: Lane) -> None:
    asked = [(label, 3) for label in READ]
    await all_is_well(shared_lane, cases(asked, Fault.FORBIDDEN))


async def test_the_move_ends_as_it_should_whatever_happens_to_the_invite(shared_lane: Lane) -> None:
    await all_is_well(shared_lane, cases([("POST invite", 1)], *OTHERS))


@pytest.mark.parametrize("faults", [KILLS, (Fault.CUT_OFF,)], ids=["killed", "cut off"])
async def test_a_move_that_is_taken_back_leaves_the_room_as_it_was(
    faults: tuple[Fault, ...], shared_lane: Lane
) -> None:
    await all_is_well(shared_lane, cases(UNDOING, *faults), TAKEN_BACK)
