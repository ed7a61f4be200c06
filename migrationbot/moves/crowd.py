# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the rooms of one migration have in common: a request, a question, a progress card, a summary."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from migrationbot.chat import many
from migrationbot.chat.card import Card
from migrationbot.config import Settings
from migrationbot.core.community import Entry
from migrationbot.core.decisions import Act, Decision, Wait
from migrationbot.core.levels import level_needed
from migrationbot.core.move import Migration, Phase, RoomMove
from migrationbot.core.progress import Limit, Progress, progress_of, sends_left
from migrationbot.core.reasons import Reason
from migrationbot.core.steps import Step
from migrationbot.core.ways import Way
from migrationbot.matrix.files import Files
from migrationbot.matrix.rooms import Rooms
from migrationbot.moves.announcing import announced
from migrationbot.moves.board import Board
from migrationbot.moves.detours import Detours
from migrationbot.moves.herald import Herald
from migrationbot.moves.invites import Invites
from migrationbot.moves.latecomers import Latecomers
from migrationbot.moves.living import Living
from migrationbot.moves.many_request import ManyRequest
from migrationbot.moves.rules import rules_of
from migrationbot.moves.stage import Stage, at_home, in_room
from migrationbot.moves.steps import Clock
from migrationbot.moves.tell import waits_until
from migrationbot.moves.voice import Voice
from migrationbot.moves.watch import Key
from migrationbot.moves.witness import Sight
from migrationbot.store.memory import WHOLE
from migrationbot.store.migrations import Migrations
from migrationbot.store.roster import Rosters

ASKED_AT_HOME = 900_000  # milliseconds: then a room without enough approval is asked by itself
_UNASKED = (Reason.APPROVAL, Reason.APPROVAL_LOST)


@dataclass(frozen=True, kw_only=True)
class CrowdParts:
    """What it works with."""

    store: Migrations
    rosters: Rosters
    rooms: Rooms
    voice: Voice
    files: Files
    request: ManyRequest
    board: Board
    living: Living
    herald: Herald
    invites: Invites
    latecomers: Latecomers
    detours: Detours
    waits: Callable[[], Mapping[Key, Wait]]  # what each move waits for, as was found last
    send_time: Callable[[int], float]  # in how many seconds the homeserver takes so many more events
    write_in_room: Callable[[Migration, RoomMove, str], Awaitable[Card]]  # the request card of one room
    settings: Callable[[], Settings]
    now: Clock


class Crowd:
    """Serves migrations in many rooms. For those in one room it does nothing."""

    def __init__(self, parts: CrowdParts) -> None:
        self._with = parts
        self._entries: dict[int, Mapping[str, Entry]] = {}
        self._needed: dict[Key, int] = {}

    @property
    def detours(self) -> Detours:
        """Other ways into its rooms, where the planned one is shut."""
        return self._with.detours

    async def entries(self, number: int) -> Mapping[str, Entry]:
        """All its rooms by room ID, in order."""
        if number not in self._entries:
            found = await self._with.rosters.of(number)
            self._entries[number] = {entry.room_id: entry for entry in found}
        return self._entries[number]

    async def rank(self, key: Key) -> int:
        """The place of the room in the order; 0 for the only one."""
        ordered = list(await self.entries(key[0]))
        return ordered.index(key[1]) if key[1] in ordered else 0

    async def is_outside(self, migration: Migration, room_id: str) -> bool:
        """Whether it is a room of its that can't move yet."""
        entry = (await self.entries(migration.number)).get(room_id) if migration.many else None
        return entry is not None and entry.code is not None

    async def outside(self, migration: Migration) -> list[str]:
        """The rooms that can't move yet, and may still come."""
        entries = (await self.entries(migration.number)).values() if migration.many else ()
        if not any(entry.mendable for entry in entries):
            return []
        return [entry.room_id for entry in await self._with.latecomers.of(migration)]

    async def let_in(self, migration: Migration, room_id: str, lock: asyncio.Lock) -> int | None:
        """Look again at a room that can't move yet. Gives until when it may still come; None: no longer so.

        `lock` keeps the migration from ending meanwhile.
        """
        number, late = migration.number, self._with.latecomers
        found = await late.look_again(migration, room_id)
        if found is None:
            return None
        if found.plan is not None:
            async with lock:
                await late.admit(number, found)
        self._entries.pop(number, None)
        self.changed(migration)
        return migration.expires_at

    async def announce(self, migration: Migration) -> None:
        """Post the request card, the list where it is long, and the reactions, unless it is too late."""
        voice, stage = self._with.voice, at_home(migration)
        if announced(migration):
            return
        if migration.cancelled_by or self._with.now() >= migration.expires_at:
            await voice.look_for_request(migration)
            return
        prospects = await self._with.request.prospects(migration)
        listing = None if migration.done(Step.ROOM_LIST) else self._with.request.listing(prospects)
        content = None
        if listing is not None:
            name = f"request-{migration.number}-rooms.txt"
            content = await self._with.files.attach(migration.home_room, name, "text/plain", listing)
        write = partial(self._with.request.write, migration, prospects, attached=content is not None)
        await voice.post(stage, Step.REQUEST_CARD, migration.records, write)
        if content is not None:
            await voice.attach(stage, Step.ROOM_LIST, {**content, **_marked(migration, "rooms")})
        posted = await self._with.store.migration(migration.number) or migration
        await voice.request(posted, write)

    async def review(self, migration: Migration, move: RoomMove, found: Decision) -> Decision:
        """The decision; a wait where the new account would be asked in a space, which nobody reads."""
        if not isinstance(found, Act) or found.step is not Step.CONFIRM_CARD:
            return found
        if await self._stage_for_question(migration, move) is not None:
            return found
        return Wait(reason=Reason.CONFIRM, until=move.expires_at)

    async def ask_new_account(self, migration: Migration, move: RoomMove) -> None:
        """Ask it, once for all rooms, where it is and reads."""
        stage = await self._stage_for_question(migration, move)
        moves = await self._moves(migration)

        async def write() -> Card:
            until = max(each.expires_at for each in moves)
            rooms = [each.room_id for each in moves]
            return many.confirm(migration, rooms, until=until, now=self._with.now())

        if stage is not None:
            await self._with.voice.post(stage, Step.CONFIRM_CARD, migration.records, write)

    async def waiting(self, migration: Migration, move: RoomMove, sight: Sight, wait: Wait) -> int:
        """A room waits: have it shown, and ask there where nobody else can say yes. Gives until when."""
        self._needed[move.migration, move.room_id] = level_needed(move, sight.room)
        if wait.reason not in _UNASKED or move.done(Step.ROOM_CARD):
            return wait.until
        entry = (await self.entries(migration.number)).get(move.room_id)
        if entry is None or entry.is_space or move.room_id == migration.home_room:
            return wait.until
        asked = migration.records.get(Step.REQUEST_CARD)
        due = asked.at + ASKED_AT_HOME if asked and entry.at_home else 0
        if self._with.now() < due:
            return min(due, wait.until)
        write = partial(self._with.write_in_room, migration, move, move.room_id)
        await self._with.voice.ask_in_room(migration, move, write, seeded=False)
        return wait.until

    def changed(self, migration: Migration) -> None:
        """Something about one of its rooms has changed: show it soon."""
        number = migration.number
        self._with.living.changed((number, WHOLE, Step.PROGRESS), partial(self._refresh, number))

    async def progress(self, migration: Migration) -> tuple[Progress, many.Pace]:
        """How far it is, and how fast it goes."""
        moves = await self._moves(migration)
        waits = {
            move.room_id: replace(wait, until=waits_until(move, wait))
            for move in moves
            if (wait := self._with.waits().get((move.migration, move.room_id))) is not None
        }
        needed = {
            room_id: level for (number, room_id), level in self._needed.items() if number == migration.number
        }
        return progress_of(moves, waits, needed), await self._pace(migration, moves)

    async def status(self, migration: Migration) -> Card:
        """How far it is, for whoever asks."""
        found, pace = await self.progress(migration)
        entries, words = await self.entries(migration.number), self._with.settings().command
        later, bot = await self._with.latecomers.of(migration), self._with.voice.bot
        return many.status(migration, found, entries, pace, later=later, bot=bot, command=words)

    async def conclude(self, migration: Migration, moves: list[RoomMove]) -> bool:
        """Post the summary with the table of every room; gives whether the migration has ended with that."""
        self._entries.pop(migration.number, None)
        entries = await self.entries(migration.number)
        later = await self._with.latecomers.of(migration, moves)
        if later and not await self._with.herald.still_asked(migration, moves):
            later = ()
        await self._with.herald.conclude(migration, moves, list(entries.values()), later)
        self.changed(migration)
        if later:
            return False
        self._needed = {key: level for key, level in self._needed.items() if key[0] != migration.number}
        return True

    async def stop(self) -> None:
        """Write nothing more."""
        await self._with.living.stop()

    async def _stage_for_question(self, migration: Migration, move: RoomMove) -> Stage | None:
        """Where it was asked if the new account is there, else this room; None: another room has to do."""
        if await self._with.rooms.joined(migration.home_room, migration.new):
            return at_home(migration)
        entries = await self.entries(migration.number)
        moves = await self._moves(migration)
        readable = [each for each in moves if not entries[each.room_id].is_space]
        if move.room_id in entries and entries[move.room_id].is_space and readable:
            return None
        return in_room(migration, move)

    async def _refresh(self, number: int) -> int | None:
        migration = await self._with.store.migration(number)
        if migration is None:
            return None
        found, pace = await self.progress(migration)
        moves = await self._moves(migration)
        entries = await self.entries(number)
        if all(move.phase is Phase.ASKING for move in moves):
            return None  # the request card says all there is
        if migration.ended:
            self._entries.pop(number, None)
        else:
            await self._with.herald.call(migration, found, entries)
        last = migration.records.get(Step.PROGRESS)
        if last is None and (not found.left or len(moves) < _WORTH_SHOWING):
            return None
        later = await self._with.latecomers.of(migration, moves)
        card = many.progress(migration, found, entries, pace, later=later, bot=moves[0].bot)
        return await self._with.board.show(at_home(migration), Step.PROGRESS, last, card)

    async def _pace(self, migration: Migration, moves: list[RoomMove]) -> many.Pace:
        now = self._with.now()
        left = sum(
            1
            for move in moves
            if move.plan.way is Way.INVITE
            and move.phase in (Phase.MOVING, Phase.BLOCKED)
            and not move.done(Step.INVITE)
        )
        slow_until = await self._with.invites.slow_until(migration.new, left)
        if slow_until is not None:
            limit = Limit.INVITES_HERE if self._with.invites.limited_here(migration.new) else Limit.INVITES
            return many.Pace(limit=limit, finished_at=slow_until, now=now)
        seconds = self._with.send_time(sends_left(moves))
        if seconds <= _WORTH_SAYING:
            return many.Pace(now=now)
        return many.Pace(limit=Limit.MESSAGES, finished_at=now + round(seconds * 1000), now=now)

    async def _moves(self, migration: Migration) -> list[RoomMove]:
        return list(await self._with.store.moves(migration, rules_of(self._with.settings())))


_WORTH_SHOWING = 4  # rooms: fewer are soon done, and every message has its cost
_WORTH_SAYING = 1.0  # seconds


def _marked(migration: Migration, kind: str) -> dict[str, object]:
    return {"io.github.migrationbot": many.attachment(migration, kind)}
