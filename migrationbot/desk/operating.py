# SPDX-License-Identifier: AGPL-3.0-or-later
"""What only the bot's operators may ask: `!migrate operator stats|open|pause|resume`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from logging import Logger

from migrationbot.chat import notices
from migrationbot.chat.card import Card
from migrationbot.chat.wishes import Operator
from migrationbot.config import Settings
from migrationbot.core.move import Phase, RoomMove
from migrationbot.matrix.doors import Doors
from migrationbot.matrix.pace import Pace
from migrationbot.moves.rules import rules_of
from migrationbot.moves.steps import Clock
from migrationbot.moves.tell import waits_until
from migrationbot.store.census import Counting
from migrationbot.store.migrations import Migrations
from migrationbot.store.pause import Pause, Pauses
from migrationbot.upkeep.oversight import Oversight

from .letter import Letter


@dataclass(frozen=True, kw_only=True)
class Operating:
    """Answers operators in a direct chat, and nobody else anywhere."""

    bot: str  # the bot's own user ID
    doors: Doors
    store: Migrations
    counting: Counting
    pauses: Pauses
    oversight: Oversight
    pace: Pace  # of messages
    settings: Callable[[], Settings]
    woken: Callable[[int, str], None]  # is told of each open move when the bot is resumed
    now: Clock
    started: int  # milliseconds since the epoch
    log: Logger

    async def operator(self, command: Operator, letter: Letter) -> Card:
        """Serve an operator. Anyone else, and anyone where others read along, is told so."""
        if letter.sender not in self.settings().operators:
            return notices.not_for_you(is_operator=False)
        if not await self._alone_with(letter):
            return notices.not_for_you(is_operator=True)
        serve = {"stats": self._stats, "open": self._open, "pause": self._pause, "resume": self._resume}
        return await serve[command.action](letter)

    async def _alone_with(self, letter: Letter) -> bool:
        """Whether the room holds nobody but the operator and the bot."""
        return await self.doors.joined(letter.room_id) == {self.bot, letter.sender}

    async def _stats(self, _: Letter) -> Card:
        census, now = await self.counting.now(), self.now()
        return notices.stats(
            notices.Stats(
                open=census.open,
                moves=census.moves,
                ended=await self.counting.ended(),
                limited=self.pace.limited,
                may_send_at=now + round(self.pace.wait * 1000),
                since=self.started,
                paused=await self._paused(),
            ),
            now=now,
        )

    async def _open(self, _: Letter) -> Card:
        moves: list[notices.OpenMove] = []
        for migration in await self.store.open_ones():
            for room_id in await self.store.rooms_of(migration.number):
                if len(moves) < notices.MOST_SHOWN:
                    move = await self.store.move(migration, room_id, rules_of(self.settings()))
                    moves += [self._told(move)] if move.phase is not Phase.ENDED else []
        more = sum((await self.counting.now()).moves.values()) - len(moves)
        return notices.open_moves(moves, more=max(0, more), paused=await self._paused(), now=self.now())

    def _told(self, move: RoomMove) -> notices.OpenMove:
        wait = self.oversight.waits.get((move.migration, move.room_id))
        return notices.OpenMove(
            number=move.migration,
            old=move.old,
            new=move.new,
            room_id=move.room_id,
            phase=move.phase,
            reason=wait.reason if wait else None,
            until=waits_until(move, wait) if wait else move.expires_at,
        )

    async def _pause(self, letter: Letter) -> Card:
        pause = await self.pauses.begin(Pause(by=letter.sender, at=self.now()))
        self.log.info("paused by %s", pause.by)
        census = await self.counting.now()
        return notices.paused(
            notices.Paused(by=pause.by, at=pause.at),
            open_count=census.open,
            command=self.settings().command,
            now=self.now(),
        )

    async def _resume(self, letter: Letter) -> Card:
        was = await self._paused()
        await self.pauses.end()
        self.log.info("resumed by %s", letter.sender)
        open_ones = await self.store.open_ones()
        for migration in open_ones:
            for room_id in await self.store.rooms_of(migration.number):
                self.woken(migration.number, room_id)
        return notices.resumed(was=was, open_count=len(open_ones), now=self.now())

    async def _paused(self) -> notices.Paused | None:
        pause = await self.pauses.now()
        return notices.Paused(by=pause.by, at=pause.at) if pause else None
