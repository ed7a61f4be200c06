# SPDX-License-Identifier: AGPL-3.0-or-later
"""The checklist of a move in which people do what the bot may not: it is ticked off as the room shows it."""

from __future__ import annotations

from migrationbot.chat import cards
from migrationbot.chat.spot import spot
from migrationbot.core.able import may_speak
from migrationbot.core.guide import could_help, errands
from migrationbot.core.move import Migration, Phase, RoomMove
from migrationbot.core.reasons import Goal
from migrationbot.core.standing import Standing, standing
from migrationbot.core.steps import Step
from migrationbot.core.ways import Way
from migrationbot.matrix.rooms import Rooms
from migrationbot.moves.board import Board
from migrationbot.moves.stage import about_room
from migrationbot.moves.witness import Sight

_MOST_LOOKED_UP = 20  # memberships of those who could help


class Checklist:
    """Shows it from the first tick on: before that the request card says all of it."""

    def __init__(self, board: Board, rooms: Rooms) -> None:
        self._board = board
        self._rooms = rooms

    async def show(self, migration: Migration, move: RoomMove, sight: Sight) -> int | None:
        """Bring it up to date; gives when to come back, in milliseconds, if it is too soon now."""
        found = standing(move, sight.room, sight.evidence, sight.succession)
        if not move.plan.guided or move.phase is Phase.UNDOING or not _ticked(move, found):
            return None
        room = await self._rooms.with_members(sight.room, could_help(move, sight.room)[:_MOST_LOOKED_UP])
        stage = about_room(migration, move)
        where = spot(move.room_id, room.name, at=stage.room_id)
        if where.here and not may_speak(sight.room, move.bot):
            return None  # it was upgraded
        card = cards.checklist(migration, move, found, errands(move, room, found), where)
        return await self._board.show(stage, Step.CHECKLIST, move.records.get(Step.CHECKLIST), card)


def _ticked(move: RoomMove, found: Standing) -> bool:
    """Whether anything was reached that was not so from the beginning."""
    already = {Goal.JOINED} if move.plan.way is Way.INSIDE else set()
    return bool(set(found.met) - already)
