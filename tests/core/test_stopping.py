# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who stops the runner gets it back when nothing of it is under way any more."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import fields
from typing import Any, cast

from migrationbot.moves.parts import Parts
from migrationbot.moves.runner import Runner
from migrationbot.moves.watch import Watch
from tests.core.worlds import ROOM


class SlowStore:
    """A database that answers when it is let to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.answered = 0

    async def migration(self, _number: int) -> None:
        """There is none."""
        self.asked.set()
        await self.may_answer.wait()
        self.answered += 1


class NoCrowd:
    """No migration in many rooms."""

    def __init__(self) -> None:
        self.stopped = False

    async def stop(self) -> None:
        """Write nothing more."""
        self.stopped = True


def runner_on(store: SlowStore, crowd: NoCrowd) -> Runner:
    """A runner that needs nothing but the database."""
    needed = {"store": store, "crowd": crowd, "watch": Watch(), "log": logging.getLogger("runner")}
    return Runner(Parts(**{part.name: cast(Any, needed.get(part.name)) for part in fields(Parts)}))


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_stopping_waits_for_what_is_under_way_and_nothing_begins_any_more() -> None:
    store, crowd = SlowStore(), NoCrowd()
    runner = runner_on(store, crowd)
    runner.wake((1, ROOM))
    await store.asked.wait()
    stopping = asyncio.ensure_future(runner.stop())
    await settled()
    assert not stopping.done()
    assert not crowd.stopped  # what is under way may still have something to show
    runner.wake((1, ROOM))
    runner.wake((2, ROOM))
    store.may_answer.set()
    await stopping
    assert store.answered == 1
    assert crowd.stopped
    await settled()
    assert store.answered == 1
