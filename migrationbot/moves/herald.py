# SPDX-License-Identifier: AGPL-3.0-or-later
"""Telling people about many rooms at once: what somebody has to do, and how all of it ended."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from migrationbot.chat import history, many
from migrationbot.chat.card import Card
from migrationbot.chat.table import Row, as_csv
from migrationbot.config import Settings
from migrationbot.core.community import Entry, on_the_whole, taken_back
from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.progress import Progress, Waiting
from migrationbot.core.reasons import Ending, Outcome, Reason
from migrationbot.core.report import left_to_do
from migrationbot.core.steps import Step
from migrationbot.matrix.errors import Forbidden, NotFound
from migrationbot.matrix.files import Files
from migrationbot.matrix.spaces import Spaces
from migrationbot.moves.stage import at_home
from migrationbot.moves.steps import Clock
from migrationbot.moves.voice import Voice
from migrationbot.moves.witness import Witness
from migrationbot.store.memory import WHOLE
from migrationbot.store.migrations import Migrations
from migrationbot.store.told import Told

# The cards say these already, or nobody can do anything about them.
_EXPECTED = frozenset({Reason.APPROVAL, Reason.JOIN, Reason.CONFIRM, Reason.INVITES_SPENT})
_MOST = 5  # times for one reason
_ARRIVED = (Outcome.DONE, Outcome.PARTIAL)
_FIRST, _LAST = (Step.SUMMARY, Step.TABLE), (Step.LAST_SUMMARY, Step.LAST_TABLE)


@dataclass(frozen=True, kw_only=True)
class Herald:
    """Speaks once for all rooms."""

    store: Migrations
    voice: Voice
    files: Files
    told: Told
    witness: Witness
    spaces: Spaces
    settings: Callable[[], Settings]
    ended: Callable[[Migration, Ending], None]  # is told how each migration ended
    now: Clock

    async def call(self, migration: Migration, found: Progress, entries: Mapping[str, Entry]) -> None:
        """Say what a person has to do, once for each reason, and again when it has come back."""
        key, unexpected = (migration.number, WHOLE), [w for w in found.waiting if w.reason not in _EXPECTED]
        for waiting in unexpected:
            times, standing = await self.told.how_often(key, waiting.reason)
            if not standing and times < _MOST:
                await self._call(migration, waiting, entries, times)
                await self.told.note(key, waiting.reason)
        await self.told.only(key, [waiting.reason for waiting in unexpected])

    async def _call(
        self, migration: Migration, waiting: Waiting, entries: Mapping[str, Entry], times: int
    ) -> None:
        bot = self.voice.bot
        card = many.held_up(migration, waiting, entries, bot=bot, now=self.now())
        named = "\n".join((migration.command_event, waiting.reason.value, str(times)))
        transaction = "migrationbot-" + hashlib.sha256(named.encode()).hexdigest()[:32]
        await self.voice.say(at_home(migration), card, transaction)

    async def still_asked(self, migration: Migration, moves: Sequence[RoomMove]) -> bool:
        """Whether nobody took the request back since the last of these moves has ended."""
        move = next((each for each in moves if each.event_of(Step.ROOM_CARD) is None), None)
        if move is None:
            return True  # whoever comes later is judged anew anyway
        try:
            sight = await self.witness.look(migration, move)
        except (Forbidden, NotFound):
            return True
        return not taken_back(move, sight.evidence)

    async def conclude(
        self,
        migration: Migration,
        moves: Sequence[RoomMove],
        entries: Sequence[Entry],
        later: Sequence[Entry],
    ) -> None:
        """Post the summary and the table, bring the request card to its final state, end the migration.

        While rooms may still come `later`, the request stays open; after them it is summed up once more.
        """
        whole = on_the_whole([move.ending for move in moves if move.ending], entries)
        steps = _to_say(migration, moves, later)
        if steps is not None:
            by_room = {move.room_id: move for move in moves}
            rows = await self.spaces.each(entries, lambda entry: self._row(migration, entry, by_room))
            await self._sum_up(migration, moves, rows, whole, steps=steps, later=later)
        if later:
            return
        await self.voice.close(migration, many.closed(migration, whole, total=len(moves)))
        await self.store.ended(migration.number)
        self.ended(migration, whole)

    async def _sum_up(
        self,
        migration: Migration,
        moves: Sequence[RoomMove],
        rows: Sequence[Row],
        whole: Ending,
        *,
        steps: tuple[Step, Step],
        later: Sequence[Entry],
    ) -> None:
        again, stage = steps == _LAST, at_home(migration)
        name = f"request-{migration.number}{'-again' if again else ''}.csv"
        content = await self.files.attach(migration.home_room, name, "text/csv", as_csv(rows))
        agreed = [person for move in moves for person in move.approvers]

        async def write() -> Card:
            telling = many.Telling(
                attached=content is not None,
                command=self.settings().command,
                agreed=agreed,
                later=later,
                again=again,
                now=self.now(),
            )
            return many.summary(migration, rows, whole, telling)

        await self.voice.post(stage, steps[0], migration.records, write)
        if content is not None:
            content |= {"io.github.migrationbot": many.attachment(migration, "table")}
        await self.voice.attach(stage, steps[1], content)

    async def _row(self, migration: Migration, entry: Entry, moves: Mapping[str, RoomMove]) -> Row:
        move = moves.get(entry.room_id)
        if move is None or move.ending is None:
            return Row(entry=entry, outcome="not_tried", reason=None)
        ending, arrived = move.ending, move.ending.outcome in _ARRIVED
        row = Row(entry=entry, outcome=ending.outcome.value, reason=ending.reason, by=ending.by)
        try:
            room = await self.witness.room(migration, move)
        except (Forbidden, NotFound):
            return row  # the bot is no longer there
        return Row(
            entry=entry,
            outcome=ending.outcome.value,
            reason=ending.reason,
            by=ending.by,
            level=room.power.level_of(migration.new) if arrived else None,
            history=history.told(move, room, now=ending.at).reading.value if arrived else None,
            left=left_to_do(move, room, ending),
        )


def _to_say(
    migration: Migration, moves: Sequence[RoomMove], later: Sequence[Entry]
) -> tuple[Step, Step] | None:
    """Which summary and which table are due now, if any: the last ones only after rooms that came later."""
    if not all(migration.done(step) for step in _FIRST):
        return _FIRST
    summed_up = migration.records[Step.SUMMARY].at
    news = any(move.ending is not None and move.ending.at > summed_up for move in moves)
    if later or not news or all(migration.done(step) for step in _LAST):
        return None
    return _LAST
