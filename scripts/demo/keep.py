# SPDX-License-Identifier: AGPL-3.0-or-later
"""`make demo KEEP=1`: how to log in to what is running, until somebody has seen enough."""

from __future__ import annotations

import asyncio
import signal
import sys

from scripts.demo.paper import Paper, Style
from scripts.demo.script import Take


async def keep(take: Take, paper: Paper) -> None:
    """Say how to log in, and return when Enter or Ctrl-C is pressed."""
    stage, scene = take.stage, take.scene
    # Somebody who can move next.
    carol = await stage.homeservers.new.register("carol")
    paper.blank()
    paper.text("Everything is still running: log in with any Matrix client", style=Style.HEADING)
    people = (stage.alice, stage.carol, stage.dave, stage.new)
    accounts = [*(person.account for person in people), carol]
    paper.table(
        [
            ("homeserver URL", "user ID", "password"),
            *((each.homeserver_url, each.user_id, each.password) for each in accounts),
        ]
    )
    paper.blank()
    paper.text(
        f"The room is “{take.script.setting.name}”, {scene.room}. The homeservers answer this computer only."
    )
    paper.text(
        f"To try it yourself: write “!migrate {carol.user_id}” there as {stage.carol.user_id}, "
        f"react with ✅, log in as {carol.user_id}, accept the invite, and answer the question."
    )
    paper.blank()
    paper.text("Press Enter here to end it (or Ctrl-C). Then all of it is deleted.")
    await _enough()


async def _enough() -> None:
    """Wait for Enter or Ctrl-C. Where nobody can press Enter, nothing is read."""
    enough, loop = asyncio.Event(), asyncio.get_running_loop()

    def read() -> None:
        sys.stdin.readline()
        enough.set()

    if sys.stdin.isatty():
        loop.add_reader(sys.stdin, read)
    loop.add_signal_handler(signal.SIGINT, enough.set)
    await enough.wait()
    loop.remove_signal_handler(signal.SIGINT)
