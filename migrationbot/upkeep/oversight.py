# SPDX-License-Identifier: AGPL-3.0-or-later
"""Between a decision and what follows from it: is the bot paused, and what is to be counted."""

from __future__ import annotations

from collections.abc import Mapping

from migrationbot.core.decisions import Act, Decision, Finish, Wait
from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.reasons import Ending, Reason
from migrationbot.moves.watch import Key
from migrationbot.store.pause import Pauses
from migrationbot.upkeep.metrics import Metrics

_DAY = 86_400_000  # milliseconds


class Oversight:
    """Holds every act back while the bot is paused, and remembers what each open move waits for."""

    def __init__(self, pauses: Pauses, metrics: Metrics) -> None:
        self._pauses = pauses
        self._metrics = metrics
        self._waits: dict[Key, Wait] = {}

    @property
    def waits(self) -> Mapping[Key, Wait]:
        """What the moves wait for that do, as they were found when they were last looked at."""
        return self._waits

    async def review(self, move: RoomMove, decision: Decision, now: int) -> Decision:
        """The decision, or a wait instead of an act while the bot is paused. `now` in milliseconds."""
        key = (move.migration, move.room_id)
        if isinstance(decision, Act) and await self._pauses.now() is not None:
            decision = Wait(reason=Reason.PAUSED, until=_patience(move, now))
        if isinstance(decision, Wait):
            before = self._waits.get(key)
            if before is None or before.reason is not decision.reason:
                self._metrics.wait(decision.reason)
            self._waits[key] = decision
        elif isinstance(decision, Act | Finish):
            self._waits.pop(key, None)
        return decision

    def ended(self, migration: Migration, ending: Ending, *, now: int) -> None:
        """A migration has ended, with its summary posted."""
        self._metrics.ended(ending.outcome, (now - migration.created_at) / 1000)


def _patience(move: RoomMove, now: int) -> int:
    """Until when a paused move waits at most; what is to be put back waits as long as the pause lasts."""
    end = move.ending.at + move.rules.give_up_after if move.ending else move.expires_at
    return end if end > now else now + _DAY
