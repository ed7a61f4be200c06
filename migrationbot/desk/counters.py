# SPDX-License-Identifier: AGPL-3.0-or-later
"""The counters of those who ask how things are, answer in words, or try once more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from logging import Logger

from migrationbot.chat.card import Card
from migrationbot.chat.wishes import Approve, Check, List, Migrate, Refuse, Retry, Status, WhereIs
from migrationbot.config import Settings
from migrationbot.core.move import Migration, Rules
from migrationbot.matrix.doors import Doors
from migrationbot.matrix.rooms import Rooms
from migrationbot.moves.proof import Proof
from migrationbot.moves.request import RequestWriter
from migrationbot.moves.rules import rules_of
from migrationbot.moves.steps import Clock
from migrationbot.moves.witness import Witness
from migrationbot.store.migrations import Migrations
from migrationbot.store.pause import Pauses
from migrationbot.store.roster import Rosters
from migrationbot.store.stated import Stated

from .checking import Checking
from .consenting import Consenting
from .letter import Letter
from .looking import Looking
from .reception import Counter
from .retrying import Retrying
from .whereabouts import Whereabouts
from .which import Which


@dataclass(frozen=True, kw_only=True)
class Words:
    """What these counters work with."""

    bot: str  # the bot's own user ID
    rooms: Rooms
    doors: Doors
    store: Migrations
    which: Which
    stated: Stated
    pauses: Pauses
    witness: Witness
    proof: Proof
    writer: RequestWriter
    migrate: Callable[[Migrate, Letter], Awaitable[Card | None]]  # asks for a migration
    many: Callable[[Migration], Awaitable[Card]]  # says how far a migration in many rooms is
    rosters: Rosters
    settings: Callable[[], Settings]
    woken: Callable[[int, str], None]  # is told of a move whose facts have changed
    watch: Callable[[int], Awaitable[None]]  # is told of a migration that was answered in another room
    now: Clock
    log: Logger

    def rules(self) -> Rules:
        """The rules of this moment."""
        return rules_of(self.settings())

    def command(self) -> str:
        """The word after the `!`."""
        return self.settings().command


def counters(words: Words) -> Mapping[type, Counter]:
    """Each by the type of the command that it serves."""
    looking, consenting = _looking(words), _consenting(words)
    retrying = Retrying(
        store=words.store,
        which=words.which,
        migrate=words.migrate,
        show=looking.show,
        many=words.many,
        rosters=words.rosters,
        rules=words.rules,
        woken=words.woken,
        log=words.log,
    )
    whereabouts = Whereabouts(
        bot=words.bot, rooms=words.rooms, store=words.store, proof=words.proof, rules=words.rules
    )
    return {
        Status: looking.status,
        List: looking.mine,
        Check: Checking(bot=words.bot, rooms=words.rooms).check,
        Approve: consenting.approve,
        Refuse: consenting.refuse,
        Retry: retrying.retry,
        WhereIs: whereabouts.tell,
    }


def _looking(words: Words) -> Looking:
    return Looking(
        bot=words.bot,
        rooms=words.rooms,
        company=words.doors.company,
        store=words.store,
        which=words.which,
        pauses=words.pauses,
        witness=words.witness,
        writer=words.writer,
        many=words.many,
        rules=words.rules,
        command=words.command,
        now=words.now,
    )


def _consenting(words: Words) -> Consenting:
    return Consenting(
        rooms=words.rooms,
        store=words.store,
        stated=words.stated,
        which=words.which,
        witness=words.witness,
        writer=words.writer,
        rules=words.rules,
        command=words.command,
        woken=words.woken,
        watch=words.watch,
        now=words.now,
        log=words.log,
    )
