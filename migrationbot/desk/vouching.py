# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who may ask for somebody else's account, and when: only for one that is lost."""

from __future__ import annotations

from dataclasses import dataclass

from migrationbot.core.errors import Code, Refused
from migrationbot.core.levels import level_asked_now
from migrationbot.core.lost import in_use
from migrationbot.core.move import RoomMove
from migrationbot.core.room import RoomState
from migrationbot.moves.lookout import Lookout
from migrationbot.moves.steps import Clock


@dataclass(frozen=True, kw_only=True)
class Vouching:
    """Lets nobody speak for an account that can speak for itself."""

    lookout: Lookout
    now: Clock

    async def check(self, move: RoomMove, room: RoomState) -> None:
        """Raises Refused NOT_YOURS. The members of `room` include all four accounts of the move."""
        for option, wanted in (("--step-down", move.options.step_down), ("--leave", move.options.leave)):
            if wanted:  # nothing is taken from an account in its absence
                raise Refused(Code.BAD_OPTION, option=option, problem="lost", old=move.old)
        asked = level_asked_now(move, room)
        if not (room.holds(move.requester, asked) or (move.requester == move.new and room.joined(move.new))):
            raise Refused(Code.NOT_YOURS, old=move.old, new=move.new, asked=str(asked))
        seen_at, now = await self.lookout.seen_at(room, move.old), self.now()
        if seen_at is not None and in_use(seen_at, move.rules.lost_after, now):
            seen_at = min(seen_at, now)  # its server may claim any time
            again_at = seen_at + move.rules.lost_after
            raise Refused(Code.NOT_YOURS, old=move.old, seen_at=str(seen_at), again_at=str(again_at))
