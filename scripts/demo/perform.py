# SPDX-License-Identifier: AGPL-3.0-or-later
"""From an empty folder to a performance, and back."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from scripts.demo.keep import keep
from scripts.demo.move import move
from scripts.demo.outcome import Take
from scripts.demo.paper import Paper
from scripts.demo.stage import Stage, stage

Play: TypeAlias = Callable[[Stage, Paper], Awaitable[Take]]

# What `make demo SCENE=NAME` shows; the first one when nobody says.
SCENES: Mapping[str, Play] = {"move": move}

STOPPED = 130  # the exit code of what was stopped with Ctrl-C


async def perform(play: Play, paper: Paper, *, keep_up: bool = False) -> Take:
    """Set the stage, play, and clear it away."""
    began = time.monotonic()
    paper.text("Starting two homeservers and the bot …")
    async with stage() as made:
        paper.blank()
        take = await play(made, paper)
        took = time.monotonic() - began
        if keep_up:
            await keep(take, paper)
    paper.blank()
    paper.text(f"All as it should be. It took {took:.0f} s; nothing is left running.")
    return take
