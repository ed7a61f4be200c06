# SPDX-License-Identifier: AGPL-3.0-or-later
"""Answering a request in words, where one can't react: `!migrate approve` and `!migrate refuse`.

What is noted is only where the message stands. At every look it is read back and judged like a reaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from logging import Logger

from migrationbot.chat import answers
from migrationbot.chat.card import Card
from migrationbot.chat.wishes import Approve, Refuse
from migrationbot.core.approval import Answer, Reaction, entitled, judge, missing
from migrationbot.core.errors import Code, Refused
from migrationbot.core.levels import level_asked_now
from migrationbot.core.move import Migration, Phase, RoomMove, Rules, Step
from migrationbot.matrix.rooms import Rooms
from migrationbot.moves.request import RequestWriter
from migrationbot.moves.steps import Clock
from migrationbot.moves.witness import Witness
from migrationbot.store.migrations import Migrations
from migrationbot.store.stated import Stated, Statement

from .letter import Letter
from .which import meant, open_migration

_VERBS = {Answer.YES: "approve", Answer.NO: "refuse"}


@dataclass(frozen=True, kw_only=True)
class Consenting:
    """Notes the answers of those whose answer counts, and tells the others whose would."""

    rooms: Rooms
    store: Migrations
    stated: Stated
    witness: Witness
    writer: RequestWriter
    rules: Callable[[], Rules]
    command: Callable[[], str]  # the word after the `!`
    woken: Callable[[int, str], None]  # is told of a move whose facts have changed
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
        found = [each for each in await meant(self.store, number, letter) if not each.ended]
        if len(found) > 1:
            numbers = [each.number for each in found]
            return answers.several(numbers, verb=_VERBS[answer], command=self.command())
        migration = await open_migration(self.store, number, letter)
        if answer is Answer.NO and letter.sender in (migration.requester, migration.old):
            await self.store.cancel(migration.number, letter.sender)
            self._wake(migration, "taken back in words")
            return None
        move = await self._open_move(migration)
        if letter.sender == move.new:
            return await self._of_new(answer, migration, letter)
        return await self._of_member(answer, migration, move, letter)

    async def _open_move(self, migration: Migration) -> RoomMove:
        """Raises Refused NO_SUCH_MIGRATION once it has stopped: answers change nothing then."""
        move = await self.store.move(migration, migration.home_room, self.rules())
        if move.phase in (Phase.UNDOING, Phase.ENDED):
            raise Refused(Code.NO_SUCH_MIGRATION, number=str(migration.number))
        return move

    async def _of_new(self, answer: Answer, migration: Migration, letter: Letter) -> Card | None:
        """The new account answers for itself: a yes only to the question that it was asked."""
        if answer is Answer.YES and migration.event_of(Step.CONFIRM_CARD) is None:
            return answers.too_early(migration)
        await self._note(answer, migration, letter)
        return None

    async def _of_member(
        self, answer: Answer, migration: Migration, move: RoomMove, letter: Letter
    ) -> Card | None:
        sight = await self.witness.look(migration, move)
        room = await self.rooms.with_members(sight.room, (letter.sender,))
        asked = level_asked_now(move, room)
        if not entitled(letter.sender, move, room, asked):
            self.log.info("migration %d in %s: an answer in words does not count", *_key(migration))
            return answers.not_entitled(migration, await self.writer.approvers(move, room))
        await self._note(answer, migration, letter)
        if answer is Answer.NO:
            return None
        said = Reaction(event_id=letter.message.event_id, sender=letter.sender, answer=answer)
        evidence = replace(sight.evidence, reactions=(*sight.evidence.reactions, said))
        more = missing(move, evidence, judge(move, room, evidence, asked))
        return answers.counted(migration, missing=more)

    async def _note(self, answer: Answer, migration: Migration, letter: Letter) -> None:
        statement = Statement(
            room_id=letter.room_id, event_id=letter.message.event_id, sender=letter.sender, answer=answer
        )
        await self.stated.add(migration.number, statement, now=self.now())
        self._wake(migration, f"{answer.name.lower()} in words")

    def _wake(self, migration: Migration, what: str) -> None:
        self.log.info("migration %d in %s: %s", *_key(migration), what)
        self.woken(*_key(migration))


def _key(migration: Migration) -> tuple[int, str]:
    return migration.number, migration.home_room
