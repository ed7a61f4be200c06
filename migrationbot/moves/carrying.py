# SPDX-License-Identifier: AGPL-3.0-or-later
"""Look, decide, act, and look again, until somebody else has to do something."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Decision, Finish, Turned, Wait
from migrationbot.core.move import Migration, Phase, RoomMove
from migrationbot.core.reasons import Reason
from migrationbot.core.room import RoomState
from migrationbot.core.steps import Step
from migrationbot.core.turns import Turn, turn
from migrationbot.moves.doing import Doing
from migrationbot.moves.parts import Parts
from migrationbot.moves.rules import rules_of
from migrationbot.moves.watch import Key
from migrationbot.moves.witness import Sight

# Milliseconds after which to look for what no event tells of.
_UNHEARD = {Reason.ADDRESS_MISSING: 300_000}
LONGEST_NAP = 24 * 3_600_000  # milliseconds: look again once a day whatever was decided


class Carrying:
    """Carries one room move on."""

    def __init__(
        self,
        parts: Parts,
        doing: Doing,
        *,
        wake: Callable[[Key], None],
        watch: Callable[[int], Awaitable[None]],
    ) -> None:
        """`wake` has another move looked at, `watch` a migration woken by all that it depends on now."""
        self._with = parts
        self._doing = doing
        self._wake = wake
        self._watch = watch

    async def advance(self, key: Key, rank: int) -> int | None:
        """Do what is missing until something has to be waited for; None once the move has ended."""
        sight: Sight | None = None
        acted = False  # whether the bot has done something since it looked
        while True:
            migration, move = await self.load(key)
            if move.phase is Phase.ENDED:
                return None
            if sight is None:
                sight, acted = await self._look(key, migration, move), False
                continue
            if migration.many:
                move = await self._with.crowd.detours.rerouted(migration, move, sight.room)
            decision = await self._decide(migration, move, sight, rank, acted=acted)
            if decision is None:
                sight = None
            elif isinstance(decision, Wait):
                return await self._wait(decision, migration, move, sight)
            elif isinstance(decision, Act):
                sight, acted = await self._act(decision, migration, move, sight), True
            else:
                await self._turned(decision, move)

    async def _look(self, key: Key, migration: Migration, move: RoomMove) -> Sight | None:
        """What the homeserver shows now, with all that has to be watched for it.

        None when it shows what the bot had begun before: that is noted, and looked at again.
        """
        sight = await self._with.witness.look(migration, move)
        self._with.watch.add_people(key, sight.electors)
        self._follow(key, sight)
        still_due = partial(self._still_due, move, sight)
        settled = await self._with.acts.settle(migration, move, sight.room, still_due)
        return None if settled else sight

    async def _decide(
        self, migration: Migration, move: RoomMove, sight: Sight, rank: int, *, acted: bool
    ) -> Decision | None:
        """What to do, or a wait where something else than this room stands against it; None: look again.

        After an act the bot knows what it has changed itself, and nothing else: no other act rests on that.
        """
        now = self._with.steps.now()
        decided = decide(move, sight.room, sight.evidence, now, sight.succession)
        if acted and isinstance(decided, Act):
            return None
        decision = await self._review(decided, migration, move, rank)
        if decision is not None:
            self._with.log.info("migration %d in %s: %s", move.migration, move.room_id, _say(decision))
        return decision

    async def _review(
        self, decided: Decision, migration: Migration, move: RoomMove, rank: int
    ) -> Decision | None:
        now = self._with.steps.now()
        if migration.many:
            decided = await self._with.crowd.review(migration, move, decided)
        overseen = await self._with.oversight.review(move, decided, now)
        decision = await self._with.invites.review(move, overseen, rank)
        if isinstance(decision, Wait) and decision is not overseen:
            return await self._with.oversight.review(move, decision, now)
        return decision

    async def _wait(self, wait: Wait, migration: Migration, move: RoomMove, sight: Sight) -> int:
        """Tell those whom it concerns; gives until when to wait."""
        if not migration.many:
            await self._with.tell.waiting(migration, move, sight, wait)
            again = await self._with.checklist.show(migration, move, sight)
            sooner = self._with.steps.now() + _UNHEARD.get(wait.reason, LONGEST_NAP)
            return min(each for each in (again, sooner, wait.until) if each is not None)
        asked = move.done(Step.ROOM_CARD)
        until = await self._with.crowd.waiting(migration, move, sight, wait)
        if not asked and await self._with.store.room_cards(migration.number):
            await self._watch(migration.number)
            self._wake((migration.number, move.room_id))  # for what was answered before it was watched
        return until

    async def load(self, key: Key) -> tuple[Migration, RoomMove]:
        """The move as it is on record, under the rules of this moment. Raises LookupError."""
        migration = await self._with.store.migration(key[0])
        if migration is None:
            raise LookupError(key[0])
        rules = rules_of(self._with.settings())
        if migration.many:
            # Nobody is asked to invite by hand in room after room.
            rules = replace(rules, wait_for_owner_invite=0)
        return migration, await self._with.store.move(migration, key[1], rules)

    async def _act(self, act: Act, migration: Migration, move: RoomMove, sight: Sight) -> Sight | None:
        return await self._doing.act(act, migration, move, sight, partial(self._still_due, move, sight))

    def _follow(self, key: Key, sight: Sight) -> None:
        """Hear of what happens in the room that an upgrade has made."""
        successor, succession = sight.room.successor, sight.succession
        if successor and succession is not None and succession.watched:
            self._with.watch.follow(key, successor, succession.watched)

    def _still_due(self, move: RoomMove, sight: Sight, step: Step, level: int, room: RoomState) -> bool:
        """Whether this change of power levels would be decided in such a room too."""
        decision = decide(move, room, sight.evidence, self._with.steps.now(), sight.succession)
        return isinstance(decision, Act) and (decision.step, decision.level) == (step, level)

    async def _turned(self, decision: Turned | Finish, move: RoomMove) -> None:
        store = self._with.store
        if isinstance(decision, Turned) and decision.by is Turn.APPROVED:
            until = self._with.steps.now() + self._with.settings().request_expires_hours * 3_600_000
            await store.approved(move, decision.approvers, decision.approved_level, until)
            self._with.watch.add_people((move.migration, move.room_id), decision.approvers)
        else:
            await store.turned(move, decision.by, ending=decision.ending)
        phase = turn(move.phase, decision.by)
        if phase is Phase.MOVING:
            await self._with.tell.went_on(move)
        elif phase is Phase.ENDED:
            for room_id in await self._with.crowd.detours.behind(move):
                self._wake((move.migration, room_id))


def _say(decision: Act | Wait | Turned | Finish) -> str:
    """A decision for the log: our own words only, nothing that came from a room."""
    if isinstance(decision, Act):
        return f"act {decision.step.value}"
    if isinstance(decision, Wait):
        return f"wait {decision.reason.value}"
    return f"turn {decision.by.value}"
