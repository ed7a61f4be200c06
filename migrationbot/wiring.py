# SPDX-License-Identifier: AGPL-3.0-or-later
"""Putting the parts together, for one bot account and one database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from logging import Logger

from mautrix.client import Client
from mautrix.util.async_db import Database

from migrationbot.chat import cards
from migrationbot.chat.card import Card
from migrationbot.chat.wishes import Cancel, Help, Migrate, Operator
from migrationbot.config import Settings
from migrationbot.core.move import Migration
from migrationbot.desk.cancelling import Cancelling
from migrationbot.desk.counters import Words, counters
from migrationbot.desk.letter import Letter
from migrationbot.desk.moving import Moving
from migrationbot.desk.reception import Reception
from migrationbot.desk.vouching import Vouching
from migrationbot.desk.which import Which
from migrationbot.house import Furnishing, House
from migrationbot.matrix.activity import Activity
from migrationbot.matrix.api import Api
from migrationbot.matrix.inbox import Inbox
from migrationbot.matrix.messages import Messages
from migrationbot.matrix.passage import Passage
from migrationbot.matrix.rooms import Rooms
from migrationbot.matrix.sealing import Sealing
from migrationbot.moves.acts import Acts
from migrationbot.moves.announcing import Announcing
from migrationbot.moves.board import Board
from migrationbot.moves.checklist import Checklist
from migrationbot.moves.following import Following
from migrationbot.moves.lanes import Lanes
from migrationbot.moves.lookout import Lookout
from migrationbot.moves.proof import Proof
from migrationbot.moves.request import RequestWriter
from migrationbot.moves.runner import Parts, Runner
from migrationbot.moves.setbacks import Setbacks
from migrationbot.moves.statements import Statements
from migrationbot.moves.steps import Clock, Steps
from migrationbot.moves.successors import Successors
from migrationbot.moves.tell import Tell
from migrationbot.moves.voice import Voice
from migrationbot.moves.watch import Watch
from migrationbot.moves.witness import Witness
from migrationbot.store.database import Transactions
from migrationbot.store.deeds import Deeds
from migrationbot.store.inbox import Answered
from migrationbot.store.migrations import Migrations
from migrationbot.store.openings import Openings
from migrationbot.store.stated import Stated
from migrationbot.store.told import Told
from migrationbot.upkeep.office import open_office
from migrationbot.wiring_many import Tools, many_rooms


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
    steps, watch, lookout = Steps(store, clock, office.metrics.act), Watch(), Lookout(rooms, Activity(api))
    writer = RequestWriter(rooms, lookout, encrypts=lambda: sealing.able)
    voice = Voice(messages, rooms, store, steps, bot=bot)
    stated = Stated(transactions)
    passage, deeds = Passage(api), Deeds(transactions)
    statements = Statements(rooms, stated, lambda: settings().command)
    witness = Witness(rooms, statements, lookout, Successors(rooms, passage, deeds), bot=bot)
    tell = Tell(voice, Told(transactions), steps)
    announcing = Announcing(store, voice, writer, settings, clock)
    many = many_rooms(
        Tools(
            api=api,
            transactions=transactions,
            sealing=sealing,
            messages=messages,
            rooms=rooms,
            store=store,
            steps=steps,
            voice=voice,
            witness=witness,
            announcing=announcing,
            office=office,
            settings=settings,
            clock=clock,
            log=log,
        )
    )
    runner = Runner(
        Parts(
            store=store,
            witness=witness,
            acts=Acts(rooms, steps, lost=tell.power_change_lost),
            following=Following(
                rooms=rooms,
                passage=passage,
                doors=office.doors,
                messages=messages,
                witness=witness,
                deeds=deeds,
                done=office.metrics.act,
                now=clock,
            ),
            voice=voice,
            announcing=announcing,
            crowd=many.crowd,
            lanes=Lanes(lambda: settings().rooms_at_once),
            invites=many.invites,
            stated=stated,
            tell=tell,
            checklist=Checklist(Board(messages, rooms, steps, bot=bot), rooms),
            setbacks=Setbacks(store, steps),
            steps=steps,
            watch=watch,
            oversight=office.oversight,
            settings=settings,
            log=log,
        )
    )

    def begun(migration: Migration, room_ids: Sequence[str]) -> None:
        watch.add(migration, room_ids)
        for room_id in room_ids:
            runner.wake((migration.number, room_id))

    moving = Moving(
        bot=bot,
        rooms=rooms,
        store=store,
        openings=Openings(transactions),
        vouching=Vouching(lookout=lookout, now=clock),
        writer=writer,
        settings=settings,
        begun=begun,
        many=many.asking(begun).ask,
        now=clock,
    )

    def woken(number: int, room_id: str) -> None:
        runner.wake((number, room_id))

    which = Which(rooms=rooms, store=store)
    cancelling = Cancelling(store=store, which=which, woken=woken)
    words = Words(
        bot=bot,
        rooms=rooms,
        doors=office.doors,
        store=store,
        which=which,
        stated=stated,
        pauses=office.pauses,
        witness=witness,
        proof=Proof(rooms, statements, lambda: settings().command, bot=bot),
        writer=writer,
        migrate=moving.migrate,
        many=many.crowd.status,
        rosters=many.rosters,
        settings=settings,
        woken=woken,
        watch=runner.watch,
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
        Furnishing(
            api=api,
            transactions=transactions,
            store=store,
            watch=watch,
            runner=runner,
            desk=desk,
            inbox=Inbox(api),
            answered=answered,
            sealing=sealing,
            greeter=office.greeter(messages, watch),
            office=office,
            settings=settings,
            log=log,
        )
    )
