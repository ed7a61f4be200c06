# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people do because the bot may not; templates/errands.html puts it into words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from migrationbot.core.guide import Errand

_NAMED = 1  # people for one errand: any of them can do it, and a card must stay small


def by_hand(errands: Iterable[Errand]) -> Mapping[str, Mapping[str, Any]]:
    """What the templates need of each errand, by the value of its goal."""
    return {
        errand.goal.value: {
            "asked": errand.asked,
            "level": errand.level,
            "by": errand.by[:_NAMED],
            "more": len(errand.by[_NAMED:]),
        }
        for errand in errands
    }
