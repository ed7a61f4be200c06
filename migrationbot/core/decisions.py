# SPDX-License-Identifier: AGPL-3.0-or-later
"""What can be decided about a room: act, wait, enter another phase, or finish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .reasons import Ending, Goal, Reason
from .steps import Step
from .turns import Turn


@dataclass(frozen=True, kw_only=True)
class Act:
    """The bot does this now."""

    step: Step
    level: int | None = None  # for a change of power levels: the one to set
    content: Mapping[str, Any] | None = None  # for a state event that says more: what it says
    target: str = ""  # for what is done after an upgrade: the account, room or alias that it is about


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Nothing to do until something changes, or until the given time."""

    reason: Reason
    until: int  # milliseconds since the epoch: look again then at the latest
    goal: Goal | None = None  # what a person has to reach, where the bot may not


@dataclass(frozen=True, kw_only=True)
class Turned:
    """The move has entered another phase; record it and look again."""

    by: Turn
    approvers: tuple[str, ...] = ()  # for APPROVED: whose yes it rests on
    approved_level: int | None = None  # for APPROVED: what the old account's level is worth now
    ending: Ending | None = None  # for STOPPED


@dataclass(frozen=True, kw_only=True)
class Finish:
    """Nothing more will be done in this room."""

    by: Turn
    ending: Ending


Decision = Act | Wait | Turned | Finish
