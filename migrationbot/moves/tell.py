# SPDX-License-Identifier: AGPL-3.0-or-later
"""Telling people in the thread what a move waits for, when they could not expect it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from migrationbot.chat import cards, handover
from migrationbot.chat.card import Card
from migrationbot.chat.spot import Spot, spot
from migrationbot.core.able import may_speak
from migrationbot.core.approval import Hint, hint
from migrationbot.core.decisions import Wait
from migrationbot.core.levels import level_asked_now, level_missing
from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.reasons import Mishap, Reason
from migrationbot.moves.stage import nearest
from migrationbot.moves.steps import Steps
from migrationbot.moves.voice import Voice
from migrationbot.moves.witness import Sight
from migrationbot.store.told import Told

# The cards say these already.
_EXPECTED = frozenset({Reason.APPROVAL, Reason.JOIN, Reason.CONFIRM, Reason.OWNER_INVITE})
_OF_HAND_OVER = frozenset({Reason.UPGRADE, Reason.ENTER, Reason.REPAIR, Reason.HEIR})
_MOST = 5  # times for one reason: somebody who toggles a thing must not make the bot flood the room


class Tell:
    """Says each unexpected wait once, and again only when it comes back."""

    def __init__(self, voice: Voice, told: Told, steps: Steps) -> None:
        self._voice = voice
        self._told = told
        self._steps = steps

    async def waiting(self, migration: Migration, move: RoomMove, sight: Sight, wait: Wait) -> None:
        """Say what is waited for, unless that was said; while asking, help those whose yes does not count."""
        if wait.reason is Reason.APPROVAL:
            await self._help(migration, move, sight)
        if wait.reason in _OF_HAND_OVER:
            await self._tell_of_hand_over(migration, move, sight, wait)
        if wait.reason in _EXPECTED | _OF_HAND_OVER or _is_listed(move, wait):
            return
        card = cards.progress(
            migration,
            move,
            replace(wait, until=waits_until(move, wait)),
            needed=level_missing(wait.reason, move, sight.room),
            now=self._steps.now(),
            spot=_spot(migration, move, sight.room.name),
        )
        await self._say(migration, move, wait.reason, card, most=_MOST)

    async def _tell_of_hand_over(
        self, migration: Migration, move: RoomMove, sight: Sight, wait: Wait
    ) -> None:
        where = _spot(migration, move, sight.room.name)
        if where.here and not may_speak(sight.room, move.bot):
            return  # the upgrade has closed the room to it, as people were told beforehand
        now = self._steps.now()
        card = handover.waiting(migration, move, sight.room, sight.succession, wait, now=now, spot=where)
        if card is not None:
            await self._say(migration, move, wait.reason, card, most=1)

    async def _help(self, migration: Migration, move: RoomMove, sight: Sight) -> None:
        asked = level_asked_now(move, sight.room)
        found = hint(move, sight.room, sight.evidence, asked)
        if found is not None:
            kind, person = found
            card = cards.hint(
                migration,
                kind,
                person,
                has=sight.room.power.level_of(person),
                asked=asked,
                spot=_spot(migration, move, sight.room.name),
            )
            await self._say(migration, move, kind, card, most=1)

    async def power_change_lost(self, migration: Migration, move: RoomMove, by: str) -> None:
        """Say whose change of power levels was overwritten and can't be put back."""
        where = _spot(migration, move, None)
        card = cards.mishap(migration, Mishap.POWER_CHANGE_LOST, by, spot=where)
        await self._say(migration, move, Mishap.POWER_CHANGE_LOST, card, most=_MOST)

    async def _say(
        self, migration: Migration, move: RoomMove, about: Reason | Hint | Mishap, card: Card, *, most: int
    ) -> None:
        times, standing = await self._told.times(move, about)
        if standing or times >= most:
            return
        named = "\n".join((migration.command_event, move.room_id, about.value, str(times)))
        await self._voice.say(
            nearest(migration, move), card, "migrationbot-" + hashlib.sha256(named.encode()).hexdigest()[:32]
        )
        await self._told.add(move, about)

    async def went_on(self, move: RoomMove) -> None:
        """The move goes on: what was said no longer stands."""
        await self._told.over(move)


def _is_listed(move: RoomMove, wait: Wait) -> bool:
    """Whether the request card and the checklist say already what people have to do."""
    return move.plan.guided and move.ending is None and wait.reason is Reason.BOT_LACKS_POWER


def _spot(migration: Migration, move: RoomMove, name: str | None) -> Spot:
    return spot(move.room_id, name, at=nearest(migration, move).room_id)


def waits_until(move: RoomMove, wait: Wait) -> int:
    """Until when it is waited at most: for a retry not the next try, but the time of giving up."""
    trouble = move.trouble
    if trouble is None or trouble.reason is not wait.reason:
        return wait.until
    return min(trouble.since + move.rules.give_up_after, move.expires_at)
