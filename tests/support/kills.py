# SPDX-License-Identifier: AGPL-3.0-or-later
"""Killing the bot at random moments, again and again, while people move house."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from tests.support.fault import Fault
from tests.support.lane import Lane, unforeseen
from tests.support.reference import carry_through
from tests.support.scene import RoomOptions, usual_room

# A bot that is left alone does a migration in this time, about; in seconds.
_ONE_MIGRATION = 1.5


@dataclass(frozen=True, kw_only=True)
class Survival:
    """How it went."""

    kills: int
    migrations: int
    wrong: tuple[str, ...]  # sentences; empty when every migration ended right


async def survive(where: Lane, *, kills: int, seed: int, at_once: int = 3) -> Survival:
    """Migrations side by side and one after the other, to their ends, while the bot is killed so often."""
    run = _Run(where, kills, random.Random(seed))  # noqa: S311 - picks moments, guards nothing
    results = await asyncio.gather(run.kill(), *(run.migrate() for _ in range(at_once)))
    wrong = [sentence for sentences in results for sentence in sentences]
    wrong += unforeseen(where.bot.log_text())
    return Survival(kills=where.deaths, migrations=run.migrations, wrong=tuple(wrong))


class _Run:
    def __init__(self, where: Lane, kills: int, dice: random.Random) -> None:
        self.migrations = 0
        self._where = where
        self._kills = kills
        self._dice = dice

    async def kill(self) -> list[str]:
        while self._where.deaths < self._kills:
            await self._where.up()
            await asyncio.sleep(self._dice.uniform(0, _ONE_MIGRATION))
            self._where.end_bot(Fault.KILLED_BEFORE)
        return []

    async def migrate(self) -> list[str]:
        wrong: list[str] = []
        while self._where.deaths < self._kills:
            wrong += await self._one()
            self.migrations += 1
        return wrong

    async def _one(self) -> list[str]:
        where = self._where
        async with usual_room(where.homeservers, where.bot, RoomOptions(visibility="joined")) as scene:
            return [f"{scene.room}: {sentence}" for sentence in await carry_through(where, scene)]
