# SPDX-License-Identifier: AGPL-3.0-or-later
"""Read → decide → intend → act → verify → record, one room at a time."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from logging import Logger

from migrationbot.chat import cards
from migrationbot.chat.card import Card
from migrationbot.chat.spot import spot
from migrationbot.config import Settings
from migrationbot.core.approval import judge
from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Decision, Finish, Turned, Wait
from migrationbot.core.levels import level_asked_now
from migrationbot.core.move import Migration, Phase, RoomMove, Rules
from migrationbot.core.reasons import Reason
from migrationbot.core.room import RoomState
from migrationbot.core.steps import Step
from migrationbot.core.turns import Turn, turn
from migrationbot.matrix.errors import (
    Forbidden,
    HomeserverError,
    InviteLimited,
    Limited,
    LoggedOut,
    RemoteUnreachable,
    Stopping,
    TimedOut,
    Unavailable,
)
from migrationbot.matrix.sealing import NoEncryption
from migrationbot.moves.acts import Acts, NotShown
from migrationbot.moves.announcing import Announcing, announced
from migrationbot.moves.checklist import Checklist
from migrationbot.moves.crowd import Crowd
from migrationbot.moves.following import FOLLOWING, Following
from migrationbot.moves.invites import Invites
from migrationbot.moves.lanes import Lanes
from migrationbot.moves.letting_go import let_go
from migrationbot.moves.rules import rules_of
from migrationbot.moves.setbacks import Setbacks
from migrationbot.moves.steps import Steps
from migrationbot.moves.tell import Tell
from migrationbot.moves.voice import Voice
from migrationbot.moves.watch import Key, Watch
from migrationbot.moves.witness import Sight, Witness
from migrationbot.store.database import StoreDown
from migrationbot.store.migrations import Migrations
from migrationbot.store.stated import Stated
from migrationbot.upkeep.oversight import Oversight

# Milliseconds after which to look for what no event tells of.
_UNHEARD = {Reason.ADDRESS_MISSING: 300_000}
_LONGEST_NAP = 24 * 3_600_000  # milliseconds: look again once a day whatever was decided
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 300.0  # seconds, while the homeserver or the database is down
_LONGEST_SHUT_OUT = 3600.0  # seconds, while the bot may not read or speak in the room


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the runner works with."""

    store: Migrations
    witness: Witness
    acts: Acts
    following: Following
    voice: Voice
    announcing: Announcing
    crowd: Crowd
    lanes: Lanes
    invites: Invites
    stated: Stated
    tell: Tell
    checklist: Checklist
    setbacks: Setbacks
    steps: Steps
    watch: Watch
    oversight: Oversight
    settings: Callable[[], Settings]
    log: Logger


class Runner:
    """Wakes room moves and carries each on until it has to wait. Owns every task that it starts."""

    def __init__(self, parts: Parts) -> None:
        self._with = parts
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._again: defaultdict[Key, set[str | None]] = defaultdict(set)  # because of which events
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._pauses: dict[Key, float] = {}
        self._room_locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._migration_locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._stopping = False

    def wake(self, key: Key, own_event: str | None = None) -> None:
        """Look at this move now; once more if it is being looked at already.

        `own_event` is what wakes it if that is an event of the bot's: of its acts it knows without looking.
        """
        if self._known(own_event):
            return
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if self._stopping:
            return
        if key in self._tasks:
            self._again[key].add(own_event)
            return
        self._tasks[key] = asyncio.get_running_loop().create_task(self._run(key))

    async def stop(self) -> None:
        """Start nothing more and wait for what is under way; requests must have been told to stop before."""
        self._stopping = True
        for timer in self._timers.values():
            timer.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._with.crowd.stop()

    async def _run(self, key: Key) -> None:
        try:
            while True:
                self._again.pop(key, None)
                pause = await self._guarded(key)
                if self._stopping or all(self._known(event) for event in self._again.pop(key, ())):
                    break
        finally:
            del self._tasks[key]
        if pause is not None and not self._stopping:
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(max(0.0, pause), self.wake, key)

    def _known(self, own_event: str | None) -> bool:
        return own_event is not None and self._with.steps.knows(own_event)

    async def _guarded(self, key: Key) -> float | None:
        """Carry the move on; gives the seconds after which to look again, None when it is over."""
        log = self._with.log
        try:
            until = await self._drive(key)
        except Stopping:
            return None
        except Limited as limited:
            return limited.retry_after
        except (Unavailable, RemoteUnreachable, StoreDown, LoggedOut, NotShown) as error:
            log.warning("migration %d in %s: %s, trying again", *key, type(error).__name__)
            return self._longer_pause(key, _LONGEST_PAUSE)
        except (Forbidden, NoEncryption):
            log.warning("migration %d in %s: the room can't be read or written", *key)
            return self._longer_pause(key, _LONGEST_SHUT_OUT)
        except Exception:
            log.exception("migration %d in %s: could not go on", *key)
            return self._longer_pause(key, _LONGEST_PAUSE)
        self._pauses.pop(key, None)
        return None if until is None else min(until - self._with.steps.now(), _LONGEST_NAP) / 1000

    def _longer_pause(self, key: Key, longest: float) -> float:
        pause = min(self._pauses.get(key, _FIRST_PAUSE), longest)
        self._pauses[key] = min(pause * 2, longest)
        return pause * random.uniform(0.75, 1.25)  # noqa: S311 - spreads retries, guards nothing

    async def _drive(self, key: Key) -> int | None:
        number, room_id = key
        migration = await self._with.store.migration(number)
        if migration is None or migration.ended:
            self._with.watch.remove(number)
            return None
        if await self._with.crowd.is_outside(migration, room_id):
            return await self._look_outside(key, migration)
        try:
            await self._announce(migration)
            rank = await self._with.crowd.rank(key) if migration.many else 0
            async with self._with.lanes.lane(number, rank), self._room_locks[room_id]:
                until = await self._advance(key, rank)
        except (Forbidden, NoEncryption):
            _, move = await self._load(key)
            if not await let_go(self._with.store, move, now=self._with.steps.now()):
                raise
            until = None
        if migration.many:
            self._with.crowd.changed(migration)
        if until is None:
            await self._with.voice.close_in_room(*await self._load(key))
            await self._conclude(number)
        return until

    async def _look_outside(self, key: Key, migration: Migration) -> int | None:
        """A room that can't move yet: see whether it can now; gives until when to wait for that."""
        number, room_id = key
        await self._announce(migration)
        migration = await self._with.store.migration(number) or migration
        rank = await self._with.crowd.rank(key)
        async with self._with.lanes.lane(number, rank):
            until = await self._with.crowd.let_in(migration, room_id, self._migration_locks[number])
        if until is None:
            await self._conclude(number)
        elif not await self._with.crowd.is_outside(migration, room_id):
            await self.watch(number)
            self.wake(key)
        return until

    async def _announce(self, migration: Migration) -> None:
        """Post the request cards with their reactions, unless they are there, or it is too late to ask."""
        if announced(migration):
            return
        async with self._migration_locks[migration.number]:
            fresh = await self._with.store.migration(migration.number) or migration
            await (self._with.crowd if fresh.many else self._with.announcing).announce(fresh)
            await self.watch(migration.number)

    async def _advance(self, key: Key, rank: int) -> int | None:
        """Do what is missing until something has to be waited for; None once the move has ended."""
        sight: Sight | None = None
        acted = False  # whether the bot has done something since it looked
        while True:
            migration, move = await self._load(key)
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
            sooner = self._with.steps.now() + _UNHEARD.get(wait.reason, _LONGEST_NAP)
            return min(each for each in (again, sooner, wait.until) if each is not None)
        asked = move.done(Step.ROOM_CARD)
        until = await self._with.crowd.waiting(migration, move, sight, wait)
        if not asked and await self._with.store.room_cards(migration.number):
            await self.watch(migration.number)
            self.wake((migration.number, move.room_id))  # for what was answered before it was watched
        return until

    async def _load(self, key: Key) -> tuple[Migration, RoomMove]:
        migration = await self._with.store.migration(key[0])
        if migration is None:
            raise LookupError(key[0])
        rules = self._rules()
        if migration.many:
            # Nobody is asked to invite by hand in room after room.
            rules = replace(rules, wait_for_owner_invite=0)
        return migration, await self._with.store.move(migration, key[1], rules)

    async def _act(self, act: Act, migration: Migration, move: RoomMove, sight: Sight) -> Sight | None:
        """Do it; gives what can be seen afterwards, None where that has to be looked for."""
        if act.step is Step.INVITE:
            return await self._invite(act, migration, move, sight)
        move = await self._resting_on(move, sight)
        if act.step in (Step.CONFIRM_CARD, Step.SEED_CONFIRM):
            await self._ask_new_account(act, migration, move, sight.room)
        elif act.step in (Step.ASK_OLD, Step.SEED_SKIP):
            await self._ask_old_account(act, migration, move, sight.room)
        elif act.step in FOLLOWING:
            await self._with.following.perform(act, migration, move, sight)
        else:
            return await self._act_on_room(act, migration, move, sight)
        return None

    async def _act_on_room(
        self, act: Act, migration: Migration, move: RoomMove, sight: Sight
    ) -> Sight | None:
        seen = None
        try:
            seen = await self._perform(act, migration, move, sight)
        except (LoggedOut, RemoteUnreachable):
            raise
        except HomeserverError as error:
            await self._with.setbacks.note(act, move, error)
        else:
            await self._with.setbacks.clear(move)
        return seen

    async def _resting_on(self, move: RoomMove, sight: Sight) -> RoomMove:
        """The move with those whose approval stands at this act: nobody is named who took it back."""
        agreed = judge(move, sight.room, sight.evidence, level_asked_now(move, sight.room)).approvers
        if move.phase is not Phase.MOVING or move.done(Step.PROMOTE) or agreed == move.approvers:
            return move
        await self._with.store.agreed(move, agreed)
        self._with.watch.add_people((move.migration, move.room_id), agreed)
        return replace(move, approvers=agreed)

    async def _invite(self, act: Act, migration: Migration, move: RoomMove, sight: Sight) -> Sight | None:
        """Invite the new account. What its server has no allowance left for is no setback: it is put off."""
        failed: HomeserverError | TimedOut | InviteLimited | None = None
        seen, spent = None, False
        try:
            move = await self._resting_on(move, sight)
            seen = await self._perform(act, migration, move, sight)
        except LoggedOut:
            raise
        except (HomeserverError, TimedOut, InviteLimited) as error:
            failed = error
        finally:
            spent = await self._with.invites.landed(move, failed)
        if failed is None:
            await self._with.setbacks.clear(move)
        elif not spent and not isinstance(failed, InviteLimited):
            await self._with.setbacks.note(act, move, failed)
        return seen

    async def _perform(self, act: Act, migration: Migration, move: RoomMove, sight: Sight) -> Sight | None:
        still_due = partial(self._still_due, move, sight)
        room = await self._with.acts.perform(act, migration, move, sight.room, still_due)
        return None if room is None else replace(sight, room=room)

    async def _ask_new_account(self, act: Act, migration: Migration, move: RoomMove, room: RoomState) -> None:
        async with self._migration_locks[migration.number]:
            fresh = await self._with.store.migration(migration.number) or migration
            if act.step is Step.CONFIRM_CARD and migration.many:
                await self._with.crowd.ask_new_account(fresh, move)
            elif act.step is Step.CONFIRM_CARD:
                words = self._with.settings().command
                await self._with.voice.confirm(fresh, move, room, command=words)
            else:
                await self._with.voice.seed_confirm(fresh)
            await self.watch(migration.number)

    async def _ask_old_account(self, act: Act, migration: Migration, move: RoomMove, room: RoomState) -> None:
        if act.step is Step.ASK_OLD:
            await self._with.voice.ask_old(migration, move, room)
        else:
            await self._with.voice.seed_skip(migration, move)
        await self.watch(migration.number)

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
                self.wake((move.migration, room_id))

    async def _conclude(self, number: int) -> None:
        """Once every room has ended: the summary."""
        async with self._migration_locks[number]:
            migration = await self._with.store.migration(number)
            if migration is None or migration.ended:
                return
            if await self._with.store.still_open(number):
                return
            moves = list(await self._with.store.moves(migration, self._rules()))
            try:
                if migration.many:
                    if not await self._with.crowd.conclude(migration, moves):
                        return  # rooms that can't move yet may still come
                else:
                    await self._sum_up(migration, moves[0])
            except (Forbidden, NoEncryption):
                if not self._told_long_enough(moves[0]):
                    raise
                self._with.log.warning("migration %d has ended, and the bot may not say so", number)
                await self._with.store.ended(number)
            self._with.watch.remove(number)

    async def _sum_up(self, migration: Migration, move: RoomMove) -> None:
        if move.ending is None:
            raise LookupError(f"move {migration.number} has ended without a reason")
        ending = move.ending

        name = None if move.room_id == migration.home_room else await self._with.witness.name(move)
        where = spot(move.room_id, name, at=migration.home_room)

        async def write() -> Card:
            room = await self._with.witness.room(migration, move)
            succession = await self._with.witness.succession(move, room)
            command = self._with.settings().command
            return cards.summary(
                migration, move, room, ending, spot=where, succession=succession, command=command
            )

        await self._with.voice.conclude(migration, ending, write, where)
        self._with.oversight.ended(migration, ending, now=self._with.steps.now())

    def _told_long_enough(self, move: RoomMove) -> bool:
        """Whether to give up telling how a move has ended, where the bot may not speak."""
        ended_at = move.ending.at if move.ending else 0
        return self._with.steps.now() >= ended_at + move.rules.give_up_after

    async def watch(self, number: int) -> None:
        """Have an open migration woken by all that it depends on now."""
        store = self._with.store
        migration = await store.migration(number)
        if migration is not None:
            stated = await self._with.stated.of(number)
            self._with.watch.add(
                migration,
                await store.rooms_of(number),
                room_cards=await store.room_cards(number),
                answered_in=[each.room_id for each in stated],
            )
            await self._watch_outside(migration)

    async def _watch_outside(self, migration: Migration) -> None:
        """Look at the rooms that can't move yet, and hear of what changes there."""
        outside = await self._with.crowd.outside(migration)
        self._with.watch.add_outside(migration, outside, bot=self._with.voice.bot)
        for key in ((migration.number, room_id) for room_id in outside):
            if key not in self._tasks and key not in self._timers:
                self.wake(key)

    def _rules(self) -> Rules:
        return rules_of(self._with.settings())


def _say(decision: Act | Wait | Turned | Finish) -> str:
    """A decision for the log: our own words only, nothing that came from a room."""
    if isinstance(decision, Act):
        return f"act {decision.step.value}"
    if isinstance(decision, Wait):
        return f"wait {decision.reason.value}"
    return f"turn {decision.by.value}"
