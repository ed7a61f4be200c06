# SPDX-License-Identifier: AGPL-3.0-or-later
"""Putting the parts together that serve those who run the bot, and those who invite it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from logging import Logger

from mautrix.client import Client

from migrationbot.chat.card import Card
from migrationbot.config import Settings
from migrationbot.desk.letter import Letter
from migrationbot.desk.operating import Operating
from migrationbot.matrix.api import Api
from migrationbot.matrix.doors import Doors
from migrationbot.matrix.messages import Messages
from migrationbot.matrix.pace import Pace
from migrationbot.matrix.rooms import Rooms
from migrationbot.moves.steps import Clock
from migrationbot.moves.watch import Watch
from migrationbot.store.arrivals import Arrivals
from migrationbot.store.census import Counting
from migrationbot.store.database import Transactions
from migrationbot.store.migrations import Migrations
from migrationbot.store.pause import Pauses
from migrationbot.upkeep.health import Health
from migrationbot.upkeep.metrics import Metrics
from migrationbot.upkeep.oversight import Oversight
from migrationbot.upkeep.web import Web
from migrationbot.visits.greeting import Greeter, GreeterParts
from migrationbot.visits.leaving import Leaving


@dataclass(frozen=True, kw_only=True)
class Office:
    """What is counted, held back and looked at, for one bot account and one database."""

    bot: str  # the bot's own user ID
    settings: Callable[[], Settings]
    clock: Clock
    log: Logger
    metrics: Metrics
    pace: Pace  # of everything but joins
    doors: Doors
    pauses: Pauses
    counting: Counting
    health: Health
    oversight: Oversight
    arrivals: Arrivals

    def web(self) -> Web:
        """The pages."""
        return Web(
            token=lambda: self.settings().web_token,
            health=self.health,
            metrics=self.metrics,
            oversight=self.oversight,
            send_pause=lambda: self.pace.wait,
        )

    def operating(self, store: Migrations, woken: Callable[[int, str], None]) -> Operating:
        """The counter of the operators; `woken` is told of each open move when the bot is resumed."""
        return Operating(
            bot=self.bot,
            doors=self.doors,
            store=store,
            counting=self.counting,
            pauses=self.pauses,
            oversight=self.oversight,
            pace=self.pace,
            settings=self.settings,
            woken=woken,
            now=self.clock,
            started=self.clock(),
            log=self.log,
        )

    def greeter(self, messages: Messages, rooms: Rooms, watch: Watch) -> Greeter:
        """Who answers invites. A room that an upgrade has made is followed as the old one was."""
        return Greeter(
            GreeterParts(
                bot=self.bot,
                doors=self.doors,
                messages=messages,
                rooms=rooms,
                arrivals=self.arrivals,
                expects=watch.busy,
                settings=self.settings,
                log=self.log,
            )
        )

    def leaving(self, watch: Watch) -> Leaving:
        """Who leaves rooms that everybody else has left."""
        return Leaving(self.doors, self.log, busy=watch.busy)

    def answered(self, letter: Letter, card: Card) -> None:
        """A command was answered: note how, in our own words only."""
        code = card.fields.get("error")
        if isinstance(code, str):
            self.metrics.refused(code)
        self.log.info("answered in %s: %s", letter.room_id, f"refused, {code}" if code else "served")


def open_office(
    client: Client, transactions: Transactions, settings: Callable[[], Settings], clock: Clock, log: Logger
) -> Office:
    """Wire it to one bot account and one database."""
    metrics, pauses, counting = Metrics(), Pauses(transactions), Counting(transactions)
    return Office(
        bot=client.mxid,
        settings=settings,
        clock=clock,
        log=log,
        metrics=metrics,
        pace=Pace(metrics.limited),
        # Joins are limited apart from all else.
        doors=Doors(Api(client.api, Pace(metrics.limited))),
        pauses=pauses,
        counting=counting,
        health=Health(counting),
        oversight=Oversight(pauses, metrics),
        arrivals=Arrivals(transactions),
    )
