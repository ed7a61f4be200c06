# SPDX-License-Identifier: AGPL-3.0-or-later
"""The running bot: carries events to the part that they concern."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from logging import Logger
from typing import Any

from migrationbot.chat.commands import starts_command
from migrationbot.config import Settings
from migrationbot.desk.reception import Reception
from migrationbot.errands import Errands
from migrationbot.matrix.api import Api
from migrationbot.matrix.inbox import Inbox
from migrationbot.matrix.raw import as_dict, as_id, rooms_in
from migrationbot.matrix.rehearsal import Rehearsal
from migrationbot.matrix.sealing import Sealing
from migrationbot.moves.runner import Runner
from migrationbot.moves.watch import Watch
from migrationbot.store.database import Transactions
from migrationbot.store.inbox import Answered
from migrationbot.store.migrations import Migrations
from migrationbot.upkeep.office import Office
from migrationbot.upkeep.web import Web
from migrationbot.visits.attendance import Attendance
from migrationbot.visits.contact import Contact
from migrationbot.visits.greeting import Greeter

_TRIES = 6  # of what is refused: five minutes in all


@dataclass(frozen=True, kw_only=True)
class Furnishing:
    """What the house holds."""

    api: Api
    transactions: Transactions
    store: Migrations
    watch: Watch
    runner: Runner
    desk: Reception
    inbox: Inbox
    answered: Answered
    sealing: Sealing
    greeter: Greeter
    office: Office
    settings: Callable[[], Settings]
    log: Logger


class House:
    """Opens, hears, and closes."""

    def __init__(self, parts: Furnishing) -> None:
        self._with = parts
        self._errands = Errands(parts.log)
        self._letters: set[tuple[str, str]] = set()  # being handled now: room IDs and event IDs
        self._contact = Contact(
            parts.greeter,
            parts.office.leaving(parts.watch),
            parts.office.arrivals,
            bot=parts.office.bot,
            begin=self._errands.begin,
            insist=self._errands.insist,
        )
        self._attendance = Attendance(
            parts.inbox,
            parts.answered,
            parts.log,
            take=self._take,
            came=self._contact.synced,
            fails=Rehearsal(parts.office.bot).fails,
        )
        self.web: Web = parts.office.web()

    def open(self) -> None:
        """Take up every open migration, and what was asked while the bot was away."""
        self._errands.see_to(self._take_up)
        self._errands.see_to(self._contact.take_up)
        self._errands.see_to(self._attendance.catch_up, tries=_TRIES)

    async def close(self) -> None:
        """Stop requests under way, wait for what is being written down, start nothing more."""
        self._errands.leave()
        self._with.api.stop()
        self._with.office.doors.stop()
        await self._with.runner.stop()
        await self._errands.settle()
        await self._with.office.health.stop()
        await self._with.transactions.settle()

    def may_be_command(self, content: object) -> bool:
        """Whether the message is worth a closer look."""
        return self._may_be_command(getattr(content, "body", None))

    def _may_be_command(self, body: object) -> bool:
        return isinstance(body, str) and starts_command(body, self._with.settings().command)

    def letter(self, room_id: str, event_id: str) -> None:
        """A message that may be a command has come; it may come twice."""
        if event_id and (room_id, event_id) not in self._letters:
            self._letters.add((room_id, event_id))
            self._errands.begin(self._read(room_id, event_id))

    def synced(self, answer: Mapping[str, Any]) -> None:
        """The client had a sync. What maubot withholds of it, and what it left out, is fetched."""
        idle = self._errands.idle
        self._with.office.health.synced()
        self._contact.synced(answer)
        post, withheld = self._attendance.synced(answer)
        for gap in post.gaps:
            self.room_changed(gap.room_id)
        if withheld:
            for room_id, _ in rooms_in(as_dict(answer.get("rooms")).get("join")):
                self.room_changed(room_id)
            self._errands.see_to(self._attendance.catch_up, tries=_TRIES)
        elif post.gaps:
            self._errands.see_to(lambda: self._attendance.fill(post.gaps))
        self._errands.see_to(lambda: self._attendance.note(post, idle=idle))

    def touched(self, event_id: object) -> None:
        """Something was said about this message."""
        if isinstance(event_id, str):
            for key in self._with.watch.message(event_id):
                self._with.runner.wake(key)

    def member_changed(self, room_id: str, user_id: str, own_event: str | None = None) -> None:
        """Somebody's membership has changed; by `own_event` when the bot changed it."""
        for key in self._with.watch.person(room_id, user_id):
            self._with.runner.wake(key, own_event)

    def spoke(self, room_id: str, user_id: str) -> None:
        """Somebody said something: perhaps somebody on whose word a move depends."""
        for key in self._with.watch.speaker(room_id, user_id):
            self._with.runner.wake(key)

    def room_changed(self, room_id: str, own_event: str | None = None) -> None:
        """A room's state, or what was said in it, has changed; by `own_event` when the bot changed it."""
        for key in self._with.watch.room(room_id):
            self._with.runner.wake(key, own_event)

    async def _take(self, room_id: str, event: Mapping[str, Any]) -> None:
        """A raw message that maubot did not bring."""
        opened = await self._with.sealing.open({**event, "room_id": room_id})
        content = opened.get("content")
        body = content.get("body") if isinstance(content, dict) else None
        # A reply carries a quotation in its body, which maubot takes off and a raw event does not.
        quoted = isinstance(body, str) and body.startswith("> ")
        if quoted or self._may_be_command(body):
            self.letter(room_id, as_id(event.get("event_id")))

    async def _read(self, room_id: str, event_id: str) -> None:
        try:
            await self._contact.introduced(room_id)
            await self._errands.insist(lambda: self._with.desk.take(room_id, event_id), tries=_TRIES)
        finally:
            self._letters.discard((room_id, event_id))

    async def _take_up(self) -> None:
        for migration in await self._with.store.open_ones():
            await self._with.runner.watch(migration.number)
            for room_id in await self._with.store.rooms_of(migration.number):
                self._with.runner.wake((migration.number, room_id))
