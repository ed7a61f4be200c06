# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two real homeservers, the bot, and one migration, live (`make demo`).

Exits with 0 when everything was as it should be, with 1 when it was not, with 2 when asked for what there is
not, and with 130 when it was stopped. In each case nothing is left running.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable

import aiohttp

from scripts.demo.outcome import WentWrong
from scripts.demo.paper import paper_for
from scripts.demo.perform import STOPPED, perform
from scripts.demo.scenes.registry import SCENES
from tests.support.api import MatrixError


def main() -> int:
    """Play the scene that is asked for; the exit code."""
    arguments = _arguments()
    if arguments.scene not in SCENES:
        print(f"There is no scene “{arguments.scene}”. There is: {', '.join(SCENES)}.", file=sys.stderr)
        return 2
    # A client that encrypts is loud about each message that was never meant for it.
    logging.getLogger("nio").addHandler(logging.NullHandler())
    paper = paper_for(sys.stdout)
    try:
        asyncio.run(_until_stopped(perform(SCENES[arguments.scene], paper, keep_up=arguments.keep)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("\nStopped. Nothing is left running.", file=sys.stderr)
        return STOPPED
    except (WentWrong, AssertionError, MatrixError, aiohttp.ClientError, OSError) as error:
        reason = str(error) or type(error).__name__
        print(f"\nThe demo did not get to its end: {reason}", file=sys.stderr)
        return 1
    return 0


async def _until_stopped(performance: Awaitable[object]) -> None:
    """Clear away, too, when a terminal closes or the program is asked to end."""
    task = asyncio.current_task()
    if task is not None:
        for request in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(request, task.cancel)
    await performance


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description="One migration, live.")
    parser.add_argument("--keep", action="store_true", help="leave everything up, and say how to log in")
    parser.add_argument("--scene", default=next(iter(SCENES)), help="which one to play")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
