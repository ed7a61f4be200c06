# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a refused act means: try again later, or give it up."""

from __future__ import annotations

import random

from migrationbot.core.decisions import Act
from migrationbot.core.move import RoomMove
from migrationbot.core.reasons import Ending, Outcome, Reason, Trouble
from migrationbot.core.steps import Step
from migrationbot.core.turns import Turn
from migrationbot.matrix.errors import HomeserverError, RemoteUnreachable, TimedOut
from migrationbot.moves.steps import Steps
from migrationbot.store.migrations import Migrations

_FIRST_RETRY = 30_000  # milliseconds
_LONGEST_RETRY = 1_800_000  # milliseconds
_HOPELESS = frozenset({"M_UNSUPPORTED_ROOM_VERSION", "M_INCOMPATIBLE_ROOM_VERSION"})


class Setbacks:
    """Keeps, in the database, which act has to be tried again and when."""

    def __init__(self, store: Migrations, steps: Steps) -> None:
        self._store = store
        self._steps = steps

    async def note(self, act: Act, move: RoomMove, error: HomeserverError | TimedOut) -> None:
        """Note that the homeserver refused an act, or did not come to an end with it."""
        now = self._steps.now()
        hopeless = isinstance(error, HomeserverError) and error.errcode in _HOPELESS
        if hopeless and act.step is Step.INVITE:
            ending = Ending(outcome=Outcome.REFUSED, reason=Reason.UNSUPPORTED_VERSION, at=now)
            await self._store.turned(move, Turn.STOPPED, ending=ending)
            return
        earlier = move.trouble if move.trouble and move.trouble.step is act.step else None
        attempts = earlier.attempts + 1 if earlier else 1
        pause = min(_FIRST_RETRY * 2 ** (attempts - 1), _LONGEST_RETRY)
        trouble = Trouble(
            step=act.step,
            reason=_reason(error),
            since=earlier.since if earlier else now,
            attempts=attempts,
            retry_at=now + round(pause * random.uniform(0.8, 1.2)),  # noqa: S311 - spreads retries
        )
        await self._store.in_trouble(move, trouble)

    async def clear(self, move: RoomMove) -> None:
        """Note that it went well after all."""
        if move.trouble is not None:
            await self._store.in_trouble(move, None)


def _reason(error: HomeserverError | TimedOut) -> Reason:
    if isinstance(error, RemoteUnreachable | TimedOut):
        return Reason.SERVER_UNREACHABLE
    if error.errcode == "M_INVITE_BLOCKED":
        return Reason.INVITE_BLOCKED
    return Reason.NOT_ALLOWED
