# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which rooms the bot holds open at this moment."""

from __future__ import annotations

from migrationbot.core.history import Visibility

from . import codec
from .database import Table


class Openings(Table):
    """Tells a room's own history setting from one that a move of the bot's has opened for a while."""

    async def own_setting(self, room_id: str) -> Visibility | None:
        """The setting that an open move will put back in this room; None when none has it open."""
        row = await self._row(
            """SELECT room_move.plan FROM room_move JOIN step AS opened
                   ON opened.migration = room_move.migration AND opened.room_id = room_move.room_id
               WHERE room_move.room_id = $1 AND room_move.phase <> 'ended'
                   AND opened.step = 'open_history' AND opened.done
                   AND NOT EXISTS (
                       SELECT 1 FROM step AS restored
                       WHERE restored.migration = opened.migration AND restored.room_id = opened.room_id
                           AND restored.step = 'restore_history' AND restored.done
                           AND restored.attempt = opened.attempt)""",
            room_id,
        )
        return codec.plan_from_text(row["plan"]).open_from if row else None
