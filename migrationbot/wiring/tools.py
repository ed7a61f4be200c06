# SPDX-License-Identifier: AGPL-3.0-or-later
"""The parts that are made once, and handed to several others."""

from __future__ import annotations

from collections.abc import Callable
from logging import Logger

from mautrix.client import Client
from mautrix.util.async_db import Database

from migrationbot.config import Settings
from migrationbot.matrix.activity import Activity
from migrationbot.matrix.api import Api
from migrationbot.matrix.messages import Messages
from migrationbot.matrix.passage import Passage
from migrationbot.matrix.rooms import Rooms
from migrationbot.matrix.sealing import Sealing
from migrationbot.moves.announcing import Announcing
from migrationbot.moves.lookout import Lookout
from migrationbot.moves.request import RequestWriter
from migrationbot.moves.statements import Statements
from migrationbot.moves.steps import Clock, Steps
from migrationbot.moves.successors import Successors
from migrationbot.moves.voice import Voice
from migrationbot.moves.watch import Watch
from migrationbot.moves.witness import Witness
from migrationbot.store.database import Transactions
from migrationbot.store.deeds import Deeds
from migrationbot.store.inbox import Answered
from migrationbot.store.migrations import Migrations
from migrationbot.store.stated import Stated
from migrationbot.upkeep.office import open_office


class Tools:
    """From the two doors, to homeservers and to the database, to what sees and speaks by them."""

    def __init__(
        self,
        client: Client,
        database: Database,
        settings: Callable[[], Settings],
        clock: Clock,
        log: Logger,
    ) -> None:
        """Each of them is for this one bot account and database."""
        self.bot = client.mxid
        self.settings, self.clock, self.log = settings, clock, log
        self.transactions = Transactions(database)
        self.office = open_office(client, self.transactions, settings, clock, log)
        # The database
        self.store = Migrations(self.transactions, bot=self.bot)
        self.answered, self.stated = Answered(self.transactions), Stated(self.transactions)
        self.deeds = Deeds(self.transactions)
        # The homeservers
        self.api = Api(client.api, self.office.pace)
        self.sealing, self.passage = Sealing(client, self.api), Passage(self.api)
        self.rooms = Rooms(self.api, self.sealing)
        self.messages = Messages(self.api, self.sealing)
        # Seeing
        self.watch, self.lookout = Watch(), Lookout(self.rooms, Activity(self.api))
        self.statements = Statements(self.rooms, self.stated, self.command)
        successors = Successors(self.rooms, self.passage, self.deeds)
        self.witness = Witness(self.rooms, self.statements, self.lookout, successors, bot=self.bot)
        # Speaking
        self.steps = Steps(self.store, clock, self.office.metrics.act)
        self.voice = Voice(self.messages, self.rooms, self.store, self.steps, bot=self.bot)
        self.writer = RequestWriter(self.rooms, self.lookout, encrypts=lambda: self.sealing.able)
        self.announcing = Announcing(self.store, self.voice, self.writer, settings, clock)

    def command(self) -> str:
        """The word after the `!`."""
        return self.settings().command
