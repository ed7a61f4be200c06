# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a scene consists of, and what is left of it when it was played."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from scripts.demo.paper import Paper
from scripts.demo.snapshot import Snapshot
from scripts.demo.stage import SetUp, Stage, stage
from scripts.demo.teller import Entry
from tests.support.scene import Scene


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The room in which it plays. Alice, Carol and Dave are in it when the bot comes."""

    name: str = "Reading group"
    version: str = "11"
    visibility: str = "shared"
    encrypted: bool = False  # which takes a bot that has encryption set up
    creator: str = "carol"  # or "alice"
    levels: Mapping[str, int] = field(default_factory=lambda: {"alice": 100, "carol": 100})  # by role
    power: Mapping[str, int] = field(default_factory=dict)  # more keys of m.room.power_levels
    bot_level: int | None = 100  # which Carol gives to the bot; None: she does not
    silent_days: int = 0  # how long ago Alice was last seen there; else than 0, it takes a stage with a past


@dataclass(frozen=True, kw_only=True)
class Script:
    """A scene: where it plays, who does what, and what has to come of it."""

    opening: str  # what it is about; {old} and {new} are the names of the homeservers
    roles: Mapping[str, str]  # what each one is, by role
    play: Callable[[Scene], Awaitable[None]]  # nobody goes on before the room shows what they wait for
    outcome: Callable[[Take, Paper], Awaitable[None]]  # writes it down; raises WentWrong
    setting: Setting = field(default_factory=Setting)
    legend: str = ""  # more about how to read it
    set_up: SetUp = stage


@dataclass(frozen=True, kw_only=True)
class Take:
    """One performance."""

    script: Script
    stage: Stage
    scene: Scene  # of the room in which it ended: the first one, or what follows it
    entries: tuple[Entry, ...]  # what people saw, in order
    before: Snapshot
    after: Snapshot
