# SPDX-License-Identifier: AGPL-3.0-or-later
"""Putting the parts together, and carrying events to the part that they concern."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from logging import Logger
from typing import Any

from mautrix.client import Client
from mautrix.util.async_db import Database

from migrationbot.acts import Acts
from migrationbot.attendance import Attendance
from migrationbot.chat import cards
from migrationbot.chat.card import Card
from migrationbot.chat.commands import starts_command
from migrationbot.chat.wishes import Cancel, Help, Migrate, Operator
from migrationbot.config import Settings
from migrationbot.contact import Contact
from migrationbot.core.move import Migration
from migrationbot.desk.cancelling import Cancelling
from migrationbot.desk.counters import Words, counters
from migrationbot.desk.letter import Letter
from migrationbot.desk.moving import Moving
from migrationbot.desk.reception import Reception
from migrationbot.greeting import Greeter
from migrationbot.matrix.api import Api
from migrationbot.matrix.errors import HomeserverError, Limited, Stopping, Unavailable
from migrationbot.matrix.inbox import Inbox
from migrationbot.matrix.messages import Messages
from migrationbot.matrix.rooms import Rooms
from migrationbot.matrix.sealing import NoEncryption, Sealing
from migrationbot.office import Office, open_office
from migrationbot.request import RequestWriter
from migrationbot.runner import Parts, Runner
from migrationbot.setbacks import Setbacks
from migrationbot.statements import Statements
from migrationbot.steps import Clock, Steps
from migrationbot.store.database import StoreDown, Transactions
from migrationbot.store.inbox import Answered
from migrationbot.store.migrations import Migrations
from migrationbot.store.openings import Openings
from migrationbot.store.stated import Stated
from migrationbot.store.told import Told
from migrationbot.tell import Tell
from migrationbot.voice import Voice
from migrationbot.watch import Watch
from migrationbot.web import Web
from migrationbot.witness import Witness

_PAUSE = 5.0  # seconds between tries, while the homeserver or the database is down
_TRIES = 6  # of what is refused: five minutes in all


@dataclass(frozen=True, kw_only=True)
class _Parts:
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
    """The running bot."""

    def __init__(self, parts: _Parts) -> None:
        self._with = parts
        self._tasks: set[asyncio.Task[None]] = set()
        self._letters: set[tuple[str, str]] = set()  # being handled now: room IDs and event IDs
        self._leaving = asyncio.Event()
        self._contact = Contact(
            parts.greeter,
            parts.office.leaving(parts.watch),
            parts.office.arrivals,
            bot=parts.office.bot,
            begin=self._spawn,
            insist=self._insist,
        )
        self._attendance = Attendance(
            parts.inbox, parts.answered, parts.log, take=self._take, came=self._contact.synced
        )
        self.web: Web = parts.office.web()

    def open(self) -> None:
        """Take up every open migration, and what was asked while the bot was away."""
        self._spawn(self._insist(self._take_up))
        self._spawn(self._insist(self._contact.take_up))
        self._spawn(self._insist(self._attendance.catch_up))

    async def close(self) -> None:
        """Stop requests under way, wait for what is being written down, start nothing more."""
        self._leaving.set()
        self._with.api.stop()
        self._with.office.doors.stop()
        await self._with.runner.stop()
        while self._tasks:  # one may begin another
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._with.office.health.stop()
        await self._with.transactions.settle()

    def may_be_command(self, content: object) -> bool:
        """Whether the message is worth a closer look."""
        return self._may_be_command(getattr(content, "body", None))

    def _may_be_command(self, body: object) -> bool:
        return isinstance(body, str) and starts_command(body, self._with.settings().command)

    def letter(self, room_id: str, event_id: str) -> None:
        """A message that may be a command has come; it may come twice."""
        if (room_id, event_id) not in self._letters:
            self._letters.add((room_id, event_id))
            self._spawn(self._read(room_id, event_id))

    def synced(self, answer: Mapping[str, Any]) -> None:
        """The client had a sync. What maubot withholds of it, and what it left out, is fetched."""
        idle = not self._tasks
        self._with.office.health.synced()
        self._contact.synced(answer)
        post, withheld = self._attendance.synced(answer)
        for gap in post.gaps:
            self.room_changed(gap.room_id)
        if withheld:
            for room_id in (answer.get("rooms") or {}).get("join") or {}:
                self.room_changed(room_id)
            self._spawn(self._insist(self._attendance.catch_up))
        elif post.gaps:
            self._spawn(self._insist(lambda: self._attendance.fill(post.gaps)))
        self._spawn(self._insist(lambda: self._attendance.note(post, idle=idle)))

    def touched(self, event_id: object) -> None:
        """Something was said about this message."""
        if isinstance(event_id, str):
            for key in self._with.watch.message(event_id):
                self._with.runner.wake(key)

    def member_changed(self, room_id: str, user_id: str | None) -> None:
        """Somebody's membership has changed."""
        for key in self._with.watch.person(room_id, user_id or ""):
            self._with.runner.wake(key)

    def room_changed(self, room_id: str) -> None:
        """A room's state, or what was said in it, has changed."""
        for key in self._with.watch.room(room_id):
            self._with.runner.wake(key)

    async def _take(self, room_id: str, event: Mapping[str, Any]) -> None:
        """A raw message that maubot did not bring."""
        opened = await self._with.sealing.open({**event, "room_id": room_id})
        content = opened.get("content")
        body = content.get("body") if isinstance(content, dict) else None
        # A reply carries a quotation in its body, which maubot takes off and a raw event does not.
        quoted = isinstance(body, str) and body.startswith("> ")
        if quoted or self._may_be_command(body):
            self.letter(room_id, str(event.get("event_id")))

    async def _read(self, room_id: str, event_id: str) -> None:
        try:
            await self._contact.introduced(room_id)
            await self._insist(lambda: self._with.desk.take(room_id, event_id), tries=_TRIES)
        finally:
            self._letters.discard((room_id, event_id))

    async def _take_up(self) -> None:
        for migration in await self._with.store.open_ones():
            rooms = await self._with.store.rooms_of(migration.number)
            self._with.watch.add(migration, rooms)
            for room_id in rooms:
                self._with.runner.wake((migration.number, room_id))

    async def _insist(self, work: Callable[[], Coroutine[Any, Any, None]], *, tries: int = 1) -> None:
        """Do the work; again after a pause while something that it needs is down.

        What is refused is tried so often in all, with growing pauses, and then let go.
        """
        refusals = 0
        while not self._leaving.is_set():
            try:
                await work()
                return
            except Stopping:
                return
            except (HomeserverError, NoEncryption) as error:
                self._with.log.warning("can't do what is needed: %r", error)
                refusals += 1
                if refusals >= tries:
                    return
                pause = _PAUSE * 2**refusals
            except Limited as limited:
                pause = limited.retry_after
            except (Unavailable, StoreDown) as error:
                self._with.log.warning("%s, trying again", type(error).__name__)
                pause = _PAUSE
            except Exception:
                # The edge where an event handler begins: nothing may be lost without a trace.
                self._with.log.exception("a message could not be handled")
                return
            await self._sleep(pause)

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._leaving.wait(), seconds)
        except TimeoutError:
            return

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def build(
    *, client: Client, database: Database, settings: Callable[[], Settings], clock: Clock, log: Logger
) -> House:
    """Wire the parts to one bot account and one database."""
    bot, transactions = client.mxid, Transactions(database)
    office = open_office(client, transactions, settings, clock, log)
    api = Api(client.api, office.pace)
    answered = Answered(transactions)
    sealing, store = Sealing(client, api), Migrations(transactions, bot=bot)
    rooms, messages = Rooms(api, sealing), Messages(api, sealing)
    steps, watch, writer = Steps(store, clock, office.metrics.act), Watch(), RequestWriter(rooms)
    voice = Voice(messages, rooms, store, steps, bot=bot)
    stated = Stated(transactions)
    witness = Witness(rooms, Statements(rooms, stated, lambda: settings().command), bot=bot)
    tell = Tell(voice, Told(transactions), steps)
    runner = Runner(
        Parts(
            store=store,
            witness=witness,
            acts=Acts(rooms, steps, lost=tell.power_change_lost),
            voice=voice,
            writer=writer,
            tell=tell,
            setbacks=Setbacks(store, steps),
            steps=steps,
            watch=watch,
            oversight=office.oversight,
            settings=settings,
            log=log,
        )
    )

    def begun(migration: Migration) -> None:
        watch.add(migration, (migration.home_room,))
        runner.wake((migration.number, migration.home_room))

    moving = Moving(
        bot=bot,
        rooms=rooms,
        store=store,
        openings=Openings(transactions),
        writer=writer,
        settings=settings,
        begun=begun,
        now=clock,
    )

    def woken(number: int, room_id: str) -> None:
        runner.wake((number, room_id))

    cancelling = Cancelling(store=store, woken=woken)
    words = Words(
        bot=bot,
        rooms=rooms,
        doors=office.doors,
        store=store,
        stated=stated,
        pauses=office.pauses,
        witness=witness,
        writer=writer,
        migrate=moving.migrate,
        settings=settings,
        woken=woken,
        now=clock,
        log=log,
    )

    async def helping(_: Help, __: Letter) -> Card:
        return cards.usage(command=settings().command)

    desk = Reception(
        bot=bot,
        rooms=rooms,
        messages=messages,
        answered=answered,
        counters={
            Migrate: moving.migrate,
            Cancel: cancelling.cancel,
            Help: helping,
            Operator: office.operating(store, woken).operator,
            **counters(words),
        },
        settings=settings,
        answers=office.answered,
        now=clock,
    )
    return House(
        _Parts(
            api=api,
            transactions=transactions,
            store=store,
            watch=watch,
            runner=runner,
            desk=desk,
            inbox=Inbox(api),
            answered=answered,
            sealing=sealing,
            greeter=office.greeter(messages),
            office=office,
            settings=settings,
            log=log,
        )
    )
