# SPDX-License-Identifier: AGPL-3.0-or-later
"""Doing what was decided, each kind of act in its own way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from migrationbot.core.approval import judge
from migrationbot.core.decisions import Act
from migrationbot.core.levels import level_asked_now
from migrationbot.core.move import Migration, Phase, RoomMove
from migrationbot.core.room import RoomState
from migrationbot.core.steps import Step
from migrationbot.matrix.errors import (
    HomeserverError,
    InviteLimited,
    LoggedOut,
    RemoteUnreachable,
    TimedOut,
)
from migrationbot.moves.following import FOLLOWING
from migrationbot.moves.merging import StillDue
from migrationbot.moves.parts import Locks, Parts
from migrationbot.moves.witness import Sight


class Doing:
    """Hands an act to the part that can do it, and notes what became of it."""

    def __init__(self, parts: Parts, locks: Locks, watch: Callable[[int], Awaitable[None]]) -> None:
        """`watch` has a migration woken by all that it depends on now, a new card among it."""
        self._with = parts
        self._locks = locks
        self._watch = watch

    async def act(
        self, act: Act, migration: Migration, move: RoomMove, sight: Sight, still_due: StillDue
    ) -> Sight | None:
        """Do it; gives what can be seen afterwards, None where that has to be looked for."""
        if act.step is Step.INVITE:
            return await self._invite(act, migration, move, sight, still_due)
        move = await self._resting_on(move, sight)
        if act.step in (Step.CONFIRM_CARD, Step.SEED_CONFIRM):
            await self._ask_new_account(act, migration, move, sight.room)
        elif act.step in (Step.ASK_OLD, Step.SEED_SKIP):
            await self._ask_old_account(act, migration, move, sight.room)
        elif act.step in FOLLOWING:
            await self._with.following.perform(act, migration, move, sight)
        else:
            return await self._act_on_room(act, migration, move, sight, still_due)
        return None

    async def _act_on_room(
        self, act: Act, migration: Migration, move: RoomMove, sight: Sight, still_due: StillDue
    ) -> Sight | None:
        seen = None
        try:
            seen = await self._perform(act, migration, move, sight, still_due)
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

    async def _invite(
        self, act: Act, migration: Migration, move: RoomMove, sight: Sight, still_due: StillDue
    ) -> Sight | None:
        """Invite the new account. What its server has no allowance left for is no setback: it is put off."""
        failed: HomeserverError | TimedOut | InviteLimited | None = None
        seen, spent = None, False
        try:
            move = await self._resting_on(move, sight)
            seen = await self._perform(act, migration, move, sight, still_due)
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

    async def _perform(
        self, act: Act, migration: Migration, move: RoomMove, sight: Sight, still_due: StillDue
    ) -> Sight | None:
        room = await self._with.acts.perform(act, migration, move, sight.room, still_due)
        return None if room is None else replace(sight, room=room)

    async def _ask_new_account(self, act: Act, migration: Migration, move: RoomMove, room: RoomState) -> None:
        async with self._locks.migrations[migration.number]:
            fresh = await self._with.store.migration(migration.number) or migration
            if act.step is Step.CONFIRM_CARD and migration.many:
                await self._with.crowd.ask_new_account(fresh, move)
            elif act.step is Step.CONFIRM_CARD:
                words = self._with.settings().command
                await self._with.voice.confirm(fresh, move, room, command=words)
            else:
                await self._with.voice.seed_confirm(fresh)
            await self._watch(migration.number)

    async def _ask_old_account(self, act: Act, migration: Migration, move: RoomMove, room: RoomState) -> None:
        if act.step is Step.ASK_OLD:
            await self._with.voice.ask_old(migration, move, room)
        else:
            await self._with.voice.seed_skip(migration, move)
        await self._watch(migration.number)
