# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every fault at every request of the reference migration, on both databases, and 200 kills (`make faults`).

    make faults                                      all of it, in about an hour on two cores
    make faults FAULTS="--database sqlite"           one database
    make faults FAULTS="--only 'POST invite'"        the cases whose name holds that, and no kills
    make faults FAULTS="--part 2/4"                  the second quarter of the cases, and no kills
    make faults FAULTS="--minutes 10"                as many cases as fit in, drawn from all, and the kills

The order is always the same, and so is what is drawn for `--minutes`. It ends with 1 when anything failed,
and names each case as `--only` takes it. With `--keep`, what it came to is kept in docs/faults.json, whose
figures the README quotes.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

from scripts.figures import Figures, keep
from scripts.run import ROOT
from tests.support.fault import Case
from tests.support.homeserver import HomeserverPair, homeserver_pair
from tests.support.kills import Survival, survive
from tests.support.lane import Lane, lane
from tests.support.postgres import Postgres
from tests.support.reference import ARRIVAL, TAKEN_BACK, Course, Result, try_case
from tests.support.sweep import batches_of, cases_of, try_batch
from tests.support.synapse_config import ServerOptions

DATABASES = ("sqlite", "postgres")
KILLS = 200
SEED = 20

# Side by side, each with homeservers of its own. A case keeps one core busy for about a second.
LANES = min(4, os.cpu_count() or 1)

# For how many batches one bot serves: what it has done must not slow down what it does.
A_SHIFT = 6

# How many undisturbed migrations show what the requests are: how often the bot looks depends a little on when
# it hears of what.
REFERENCE_RUNS = 3

# What people do, and the kinds of request that are struck then: of a move that is taken back, what it sends.
COURSES = (
    ("a move that arrives", ARRIVAL, ("GET", "PUT", "POST")),
    ("a move that is taken back", TAKEN_BACK, ("PUT", "POST")),
)


@dataclass(kw_only=True)
class Tally:
    """What came out so far."""

    planned: int
    tried: int = 0
    failed: list[Case] = field(default_factory=list)
    never_came: list[Case] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def add(self, case: Case, result: Result) -> None:
        """Count a case, and tell of it when it failed."""
        if not result.fired:
            self.never_came.append(case)
            return
        self.tried += 1
        if result.wrong:
            self.failed.append(case)
            print(f"FAILED {case}", *result.wrong, sep="\n    ", flush=True)
        if self.tried % 100 == 0:
            minutes = (time.monotonic() - self.began) / 60
            print(f"{self.tried} of {self.planned} cases in {minutes:.1f} minutes", flush=True)


class Sweep:
    """All cases on one database."""

    def __init__(
        self, pairs: Sequence[HomeserverPair], folder: Path, plugin: Path, postgres: Postgres | None
    ) -> None:
        """`plugin` is the folder of the plugin. Without `postgres` the bots have SQLite."""
        self._pairs = pairs
        self._folder = folder
        self._plugin = plugin
        self._postgres = postgres
        self._bots = 0

    async def requests(self, course: Course) -> list[tuple[str, int]]:
        """What the bot asks its homeserver for when nothing goes wrong, in order."""
        async with await self._lane(self._pairs[0]) as where:
            runs = [await try_case(where, None, course) for _ in range(REFERENCE_RUNS)]
        wrong = [sentence for result in runs for sentence in result.wrong]
        if wrong:
            sys.exit("\n".join(("Without any fault, this is wrong already:", *wrong)))
        return list(dict.fromkeys(request for result in runs for request in result.requests))

    async def run(self, cases: Sequence[Case], course: Course, until: float) -> Tally:
        """Try them all, as far as the time goes; `until` on the monotonic clock."""
        tally, batches = Tally(planned=len(cases)), batches_of(cases)
        shifts = iter([batches[at : at + A_SHIFT] for at in range(0, len(batches), A_SHIFT)])
        await asyncio.gather(*(self._work(pair, shifts, tally, course, until) for pair in self._pairs))
        return tally

    async def kills(self) -> Survival:
        """The kills at random moments."""
        async with await self._lane(self._pairs[0]) as where:
            return await survive(where, kills=KILLS, seed=SEED)

    async def _work(
        self,
        pair: HomeserverPair,
        shifts: Iterator[Sequence[Sequence[Case]]],
        tally: Tally,
        course: Course,
        until: float,
    ) -> None:
        for shift in takewhile(lambda _: time.monotonic() < until, shifts):
            async with await self._lane(pair) as where:
                for batch in shift:
                    for case, result in await try_batch(where, batch, course):
                        tally.add(case, result)

    async def _lane(self, pair: HomeserverPair) -> AbstractAsyncContextManager[Lane]:
        """One more bot."""
        self._bots += 1
        folder = self._folder / f"bot-{self._bots}"
        url = (
            f"sqlite:{folder / 'bot.db'}" if self._postgres is None else await self._postgres.fresh_database()
        )
        return lane(pair, folder, url, plugin_folder=self._plugin)


async def sweep(database: str, options: argparse.Namespace, folder: Path, plugin: Path) -> Figures:
    """All of it on one database, in this folder."""
    postgres, forgetful = Postgres() if database == "postgres" else None, ServerOptions(forgetful=True)
    made = (homeserver_pair(folder / f"pair-{number}", forgetful, forgetful) for number in range(LANES))
    try:
        async with AsyncExitStack() as stack:
            pairs = [await stack.enter_async_context(pair) for pair in made]
            work = Sweep(pairs, folder, plugin, postgres)
            figures = Figures(
                day=datetime.now(UTC).date().isoformat(),
                part=options.part,
                only=options.only,
                minutes=options.minutes,
            )
            for name, course, methods in COURSES:
                requests = [each for each in await work.requests(course) if each[0].startswith(methods)]
                every = cases_of(requests)
                cases = chosen(every, options)
                print(f"{database}, {name}: {len(cases)} cases", flush=True)
                tally = await work.run(cases, course, _until(options.minutes))
                tell(f"{database}, {name}", tally)
                figures.add(len(every), tally.tried, len(tally.failed))
            if options.only is None and options.part is None:
                survival = await work.kills()
                tell_kills(database, survival)
                figures.survived(survival)
            return figures
    finally:
        if postgres is not None:
            await postgres.stop()


def chosen(cases: Sequence[Case], options: argparse.Namespace) -> Sequence[Case]:
    """The cases that were asked for."""
    part, parts = part_of(options.part or "1/1")
    size = -(-len(cases) // parts)
    some = cases[(part - 1) * size : part * size]
    if options.minutes is not None:
        some = random.Random(SEED).sample(some, len(some))  # noqa: S311 - draws cases, guards nothing
    return [case for case in some if options.only is None or options.only in str(case)]


def _until(minutes: int | None) -> float:
    """When to stop, on the monotonic clock: each course has half of the time."""
    return math.inf if minutes is None else time.monotonic() + minutes * 60 / len(COURSES)


def tell(what: str, tally: Tally) -> None:
    """Say how the cases went."""
    print(f"{what}: {tally.tried} cases tried, {len(tally.failed)} failed")
    for case in tally.never_came:
        print(f"  the request never came: {case}")
    for case in tally.failed:
        print(f"  failed: {case}")
    sys.stdout.flush()


def tell_kills(database: str, survival: Survival) -> None:
    """Say how the kills went."""
    print(f"{database}: {survival.kills} kills over {survival.migrations} migrations,", end=" ")
    print(f"{len(survival.wrong)} things wrong", *survival.wrong, sep="\n    ", flush=True)


def snapshot(folder: Path) -> Path:
    """A copy of the plugin as it is now: the checkout may change in the hours that this takes."""
    shutil.copytree(ROOT / "migrationbot", folder / "migrationbot")
    for name in ("maubot.yaml", "base-config.yaml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def part_of(text: str) -> tuple[int, int]:
    """Reads 2/4. Raises ValueError."""
    part, _, parts = text.partition("/")
    if not 1 <= int(part) <= int(parts):
        raise ValueError(text)
    return int(part), int(parts)


def main() -> None:
    """Try what is asked for; exit with 1 when anything failed."""
    parser = argparse.ArgumentParser(prog="make faults", description="Faults at every request.")
    parser.add_argument("--database", choices=DATABASES, help="this one only")
    parser.add_argument("--only", metavar="TEXT", help="the cases whose name holds that")
    parser.add_argument("--part", metavar="2/4", help="a part of the cases")
    parser.add_argument("--minutes", type=int, metavar="10", help="so many of the cases as fit in")
    parser.add_argument("--keep", action="store_true", help="keep the figures for the README")
    options = parser.parse_args()
    part_of(options.part or "1/1")
    well = True
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        plugin = snapshot(Path(folder) / "plugin")
        for database in [options.database] if options.database else DATABASES:
            figures = asyncio.run(sweep(database, options, Path(folder) / database, plugin))
            well &= figures.well
            if options.keep:
                keep(database, figures)
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
