# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ending a move in a room that shuts the bot out: nobody can be told, and nothing can be put back."""

from __future__ import annotations

from dataclasses import replace

from migrationbot.core.move import Phase, RoomMove
from migrationbot.core.reasons import Ending, Outcome, Reason
from migrationbot.core.turns import Turn
from migrationbot.store.migrations import Migrations


async def let_go(store: Migrations, move: RoomMove, *, now: int) -> bool:
    """End the move when it is long since anybody could expect anything of it; gives whether it has ended.

    Until then the bot may be let in again. `now` is in milliseconds since the epoch.
    """
    if move.phase is Phase.ENDED:
        return True
    ending = move.ending or Ending(outcome=Outcome.EXPIRED, reason=Reason.GAVE_UP, at=move.expires_at)
    if now < ending.at + move.rules.give_up_after:
        return False
    if move.phase is not Phase.UNDOING:
        await store.turned(move, Turn.STOPPED, ending=ending)
    await store.turned(replace(move, phase=Phase.UNDOING), Turn.UNDONE, ending=ending)
    return True
