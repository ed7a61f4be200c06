# SPDX-License-Identifier: AGPL-3.0-or-later
"""What carries room moves on works with, put together once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from logging import Logger

from migrationbot.config import Settings
from migrationbot.moves.acts import Acts
from migrationbot.moves.announcing import Announcing
from migrationbot.moves.checklist import Checklist
from migrationbot.moves.crowd import Crowd
from migrationbot.moves.following import Following
from migrationbot.moves.invites import Invites
from migrationbot.moves.lanes import Lanes
from migrationbot.moves.setbacks import Setbacks
from migrationbot.moves.steps import Steps
from migrationbot.moves.tell import Tell
from migrationbot.moves.voice import Voice
from migrationbot.moves.watch import Watch
from migrationbot.moves.witness import Witness
from migrationbot.store.migrations import Migrations
from migrationbot.store.stated import Stated
from migrationbot.upkeep.oversight import Oversight


class Locks:
    """One thing at a time: in each room, and about each migration as a whole."""

    def __init__(self) -> None:
        self.rooms: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.migrations: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the runner, and those who work for it, work with."""

    store: Migrations
    witness: Witness
    acts: Acts
    following: Following
    voice: Voice
    announcing: Announcing
    crowd: Crowd
    lanes: Lanes
    invites: Invites
    stated: Stated
    tell: Tell
    checklist: Checklist
    setbacks: Setbacks
    steps: Steps
    watch: Watch
    oversight: Oversight
    settings: Callable[[], Settings]
    log: Logger
