# SPDX-License-Identifier: AGPL-3.0-or-later
"""Trying many cases with one bot, side by side, each in a room of its own with people of its own.

What a case costs is nearly all the homeserver's work, so little else is worth sparing. A start of the bot is:
one death strikes several rooms, each at another request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from tests.support.fault import ENDS_BOT, Case, Fault, Volley
from tests.support.lane import Lane
from tests.support.reference import ARRIVAL, Course, Result, insist

# Rooms at once with one bot: enough to keep a homeserver busy while one of them waits for a time-out.
AT_ONCE = 8

# For a request that only reads, these are the same to bot and homeserver as another fault that is tried: the
# answer did not come, and nothing was changed, whether or not the homeserver had made up an answer by then.
SAME_FOR_A_READ = frozenset({Fault.KILLED_AFTER, Fault.CUT_OFF})  # as KILLED_BEFORE and RESET

Tried: TypeAlias = tuple[Case, Result]


def cases_of(requests: Iterable[tuple[str, int]]) -> list[Case]:
    """Every fault at each of these requests. Only for an invite does a homeserver need another one."""
    return [
        Case(label=label, occurrence=occurrence, fault=fault)
        for label, occurrence in requests
        for fault in Fault
        if fault is not Fault.SERVER_UNREACHABLE or label == "POST invite"
        if fault not in SAME_FOR_A_READ or not label.startswith("GET")
    ]


def batches_of(cases: Sequence[Case]) -> list[Sequence[Case]]:
    """All of them in batches as `try_batch` takes them: the bot is killed in it, is stopped, or lives."""
    killed = [case for case in cases if case.fault in ENDS_BOT and case.fault is not Fault.STOPPED]
    stopped = [case for case in cases if case.fault is Fault.STOPPED]
    lives = [case for case in cases if case.fault not in ENDS_BOT]
    return [
        some[at : at + size]
        for some, size in ((killed, AT_ONCE), (stopped, AT_ONCE), (lives, 2 * AT_ONCE))
        for at in range(0, len(some), size)
    ]


async def try_all(where: Lane, cases: Sequence[Case], course: Course = ARRIVAL) -> list[Tried]:
    """Each case, and what came of it."""
    batches = [await try_batch(where, batch, course) for batch in batches_of(cases)]
    return [tried for batch in batches for tried in batch]


async def try_batch(where: Lane, batch: Sequence[Case], course: Course = ARRIVAL) -> list[Tried]:
    """Cases side by side; where they end the bot, it is one end for all."""
    volley, free = Volley(len(batch)), asyncio.Semaphore(AT_ONCE)

    async def tried(case: Case) -> Tried:
        async with free:
            return case, await insist(where, case, course, volley)

    return await asyncio.gather(*map(tried, batch))
