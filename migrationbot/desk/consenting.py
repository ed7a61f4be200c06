# SPDX-License-Identifier: AGPL-3.0-or-later
"""Answering a request in words, where one can't react: `!migrate approve` and `!migrate refuse`.

What is noted is only where the message stands. At every look it is read back and judged like a reaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from logging import Logger

from migrationbot.chat import answers
from migrationbot.chat.card import Card
from migrationbot.chat.spot import spot
from migrationbot.chat.wishes import Approve, Refuse
from migrationbot.core.approval import Answer, Reaction, entitled, judge, missing
from migrationbot.core.errors import Code, Refused
from migrationbot.core.levels import level_asked_now
from migrationbot.core.move import Migration, Phase, RoomMove, Rules
from migrationbot.core.steps import Step
from migrationbot.matrix.rooms import Rooms
from migrationbot.moves.request import RequestWriter
from migrationbot.moves.steps import Clock
from migrationbot.moves.witness import Sight, Witness
from migrationbot.store.migrations import Migrations
from migrationbot.store.stated import Stated, Statement

from .letter import Letter
from .which import Which

_VERBS = {Answer.YES: "approve", Answer.NO: "refuse"}


@dataclass(frozen=True, kw_only=True)
class Consenting:
    """Notes the answers of those whose answer counts, and tells the others whose would."""

    rooms: Rooms
    store: Migrations
    stated: Stated
    which: Which
    witness: Witness
    writer: RequestWriter
    rules: Callable[[], Rules]
    command: Callable[[], str]  # the word after the `!`
    woken: Callable[[int, str], None]  # is told of a move whose facts have changed
    watch: Callable[[int], Awaitable[None]]  # is told of a migration that was answered in another room
    now: Clock
    log: Logger

    async def approve(self, command: Approve, letter: Letter) -> Card | None:
        """Say yes. Raises Refused NO_SUCH_MIGRATION."""
        return await self._answer(Answer.YES, command.number, letter)

    async def refuse(self, command: Refuse, letter: Letter) -> Card | None:
        """Say no; the requester takes the request back with it. Raises Refused NO_SUCH_MIGRATION."""
        return await self._answer(Answer.NO, command.number, letter)

    async def _answer(self, answer: Answer, number: int | None, letter: Letter) -> Card | None:
        if letter.message.edited_by is not None:
            return answers.edited()
        found = [each for each in await self.which.meant(number, letter) if not each.ended]
        if len(found) > 1:
            numbers = [each.number for each in found]
            return answers.several(numbers, verb=_VERBS[answer], command=self.command())
        migration = await self.which.open(number, letter)
        if answer is Answer.NO and letter.sender in (migration.requester, migration.old):
            await self.store.cancel(migration.number, letter.sender)
            await self._wake(migration, "taken back in words")
            return None
        moves = await self._open_moves(migration)
        if letter.sender == migration.new:
            return await self._of_new(answer, migration, letter)
        return await self._of_member(answer, migration, moves, letter)

    async def _open_moves(self, migration: Migration) -> Sequence[RoomMove]:
        """Raises Refused NO_SUCH_MIGRATION once all have stopped: answers change nothing then."""
        rooms = await self.store.rooms_of(migration.number)
        moves = [await self.store.move(migration, room_id, self.rules()) for room_id in rooms]
        going = [move for move in moves if move.phase not in (Phase.UNDOING, Phase.ENDED)]
        if not going:
            raise Refused(Code.NO_SUCH_MIGRATION, number=str(migration.number))
        return going

    async def _of_new(self, answer: Answer, migration: Migration, letter: Letter) -> Card | None:
        """The new account answers for itself: a yes only to the question that it was asked."""
        if answer is Answer.YES and migration.event_of(Step.CONFIRM_CARD) is None:
            return answers.too_early(migration)
        await self._note(answer, migration, letter)
        return None

    async def _of_member(
        self, answer: Answer, migration: Migration, moves: Sequence[RoomMove], letter: Letter
    ) -> Card | None:
        """It counts in each room where the member may answer; of those where it may not, one is told of."""
        inside = await self.which.rooms_with(letter.sender, migration, letter)
        refused: Card | None = None
        for move in sorted((move for move in moves if move.room_id in inside), key=_first(inside)):
            sight = await self.witness.look(migration, move)
            room = await self.rooms.with_members(sight.room, (letter.sender,))
            asked = level_asked_now(move, room)
            if entitled(letter.sender, move, room, asked):
                await self._note(answer, migration, letter)
                return self._counted(answer, migration, replace(sight, room=room), move, letter)
            if refused is None:
                approvers = await self.writer.approvers(move, room)
                where = spot(move.room_id, await self.rooms.name(move.room_id), at=letter.room_id)
                refused = answers.not_entitled(migration, approvers, spot=where)
        self.log.info("migration %d: an answer in words does not count", migration.number)
        if refused is None:
            raise Refused(Code.NO_SUCH_MIGRATION, number=str(migration.number))
        return refused

    def _counted(
        self, answer: Answer, migration: Migration, sight: Sight, move: RoomMove, letter: Letter
    ) -> Card | None:
        if answer is Answer.NO:
            return None
        said = Reaction(event_id=letter.message.event_id, sender=letter.sender, answer=answer)
        evidence = replace(sight.evidence, reactions=(*sight.evidence.reactions, said))
        more = missing(move, evidence, judge(move, sight.room, evidence, level_asked_now(move, sight.room)))
        return answers.counted(migration, missing=more)

    async def _note(self, answer: Answer, migration: Migration, letter: Letter) -> None:
        statement = Statement(
            room_id=letter.room_id, event_id=letter.message.event_id, sender=letter.sender, answer=answer
        )
        await self.stated.add(migration.number, statement, now=self.now())
        await self.watch(migration.number)
        await self._wake(migration, f"{answer.name.lower()} in words")

    async def _wake(self, migration: Migration, what: str) -> None:
        for room_id in await self.store.rooms_of(migration.number):
            self.log.info("migration %d in %s: %s", migration.number, room_id, what)
            self.woken(migration.number, room_id)


def _first(room_ids: Sequence[str]) -> Callable[[RoomMove], int]:
    """Sorts moves by the order of their rooms among these."""
    return lambda move: room_ids.index(move.room_id)
