# SPDX-License-Identifier: AGPL-3.0-or-later
"""How fast the bot may send: as fast as the homeserver lets it, and never while it was told to wait."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

_FIRST_GUESS = 5.0  # seconds: for a 429 that names no time
_LONGEST_GUESS = 300.0  # seconds


class Pace:
    """One for each bot account: the homeserver's limits count by sender, whatever the room."""

    def __init__(self, met: Callable[[], None] = lambda: None) -> None:
        """`met` is told of each 429."""
        self._met = met
        self._free_at = 0.0  # on the monotonic clock, seconds
        self._guess = _FIRST_GUESS
        self.limited = 0  # how many 429s were met

    @property
    def wait(self) -> float:
        """Seconds until the next send may be tried."""
        return max(0.0, self._free_at - time.monotonic())

    def told_to_wait(self, seconds: float | None) -> float:
        """Note a 429 with the time that it named, if it did. Gives the seconds to wait."""
        self.limited += 1
        self._met()
        if seconds is None:
            seconds = self._guess * random.uniform(1.0, 1.25)  # noqa: S311 - spreads retries, guards nothing
            self._guess = min(self._guess * 2, _LONGEST_GUESS)
        self._free_at = max(self._free_at, time.monotonic() + seconds)
        return seconds

    def went_well(self) -> None:
        """Note that a send was taken."""
        self._guess = _FIRST_GUESS
