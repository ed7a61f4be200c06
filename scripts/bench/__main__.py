# SPDX-License-Identifier: AGPL-3.0-or-later
"""How fast and how frugal the bot is, on two real homeservers (`make bench`).

    make bench                              all of it, in some minutes
    make bench BENCH="noise start"          these only
    make bench BENCH="--no-fail"            exit with 0 even if a target is missed

Figures are ratios, counts, and times that the bot itself takes, because machines differ. It ends with 1
when a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from scripts.bench.big_room import big_room
from scripts.bench.figures import Figure, table
from scripts.bench.limits import limits
from scripts.bench.many import many
from scripts.bench.noise import noise
from scripts.bench.one_room import one_room
from scripts.bench.start import start
from scripts.demo.paper import paper_for

Benchmark: TypeAlias = Callable[[], Awaitable[list[Figure]]]

BENCHMARKS: Mapping[str, Benchmark] = {
    "noise": noise,
    "one-room": one_room,
    "big-room": big_room,
    "start": start,
    "limits": limits,
    "many": many,
}
STOPPED = 130  # the exit code of what was stopped with Ctrl-C


async def measure(names: list[str]) -> list[Figure]:
    """The figures of these benchmarks, one benchmark after the other."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    if task is not None:
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    found: list[Figure] = []
    for name in names:
        began = time.monotonic()
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            found += await BENCHMARKS[name]()
        except AssertionError as failure:
            found.append(Figure(benchmark=name, what=_first_line(failure), value=None, target=0))
            print(failure, file=sys.stderr)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return found


def main() -> int:
    """Measure what is asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="make bench", description="Benchmarks on two real homeservers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--no-fail", action="store_true", help="exit with 0 even if a target is missed")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no {unknown[0]}; there is: {', '.join(BENCHMARKS)}")
    try:
        figures = asyncio.run(measure(options.names or list(BENCHMARKS)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("\nStopped. Nothing is left running.", file=sys.stderr)
        return STOPPED
    paper_for(sys.stdout).table(table(figures))
    return int(any(figure.missed for figure in figures) and not options.no_fail)


def _first_line(failure: AssertionError) -> str:
    return str(failure).partition("\n")[0] or "it failed"


if __name__ == "__main__":
    sys.exit(main())
