# SPDX-License-Identifier: AGPL-3.0-or-later
"""Putting the parts together that serve those who type commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from migrationbot.chat import cards
from migrationbot.chat.card import Card
from migrationbot.chat.wishes import Cancel, Help, Migrate, Operator
from migrationbot.core.move import Migration
from migrationbot.desk.cancelling import Cancelling
from migrationbot.desk.counters import Words, counters
from migrationbot.desk.letter import Letter
from migrationbot.desk.moving import Moving
from migrationbot.desk.reception import Reception
from migrationbot.desk.vouching import Vouching
from migrationbot.desk.which import Which
from migrationbot.moves.proof import Proof
from migrationbot.moves.runner import Runner
from migrationbot.store.openings import Openings

from .many import Many
from .tools import Tools


def open_desk(tools: Tools, many: Many, runner: Runner) -> Reception:
    """Wire it."""
    which = Which(rooms=tools.rooms, store=tools.store)

    def begun(migration: Migration, room_ids: Sequence[str]) -> None:
        tools.watch.add(migration, room_ids)
        for room_id in room_ids:
            woken(migration.number, room_id)

    def woken(number: int, room_id: str) -> None:
        runner.wake((number, room_id))

    async def helping(_: Help, __: Letter) -> Card:
        return cards.usage(command=tools.command())

    moving = _moving(tools, many, begun)
    words = _words(tools, many, which, moving, woken=woken, watch=runner.watch)

    return Reception(
        bot=tools.bot,
        rooms=tools.rooms,
        messages=tools.messages,
        answered=tools.answered,
        counters={
            Migrate: moving.migrate,
            Cancel: Cancelling(store=tools.store, which=which, woken=woken).cancel,
            Help: helping,
            Operator: tools.office.operating(tools.store, woken).operator,
            **counters(words),
        },
        settings=tools.settings,
        answers=tools.office.answered,
        now=tools.clock,
    )


def _moving(tools: Tools, many: Many, begun: Callable[[Migration, Sequence[str]], None]) -> Moving:
    return Moving(
        bot=tools.bot,
        rooms=tools.rooms,
        store=tools.store,
        openings=Openings(tools.transactions),
        vouching=Vouching(lookout=tools.lookout, now=tools.clock),
        writer=tools.writer,
        settings=tools.settings,
        begun=begun,
        many=many.asking(begun).ask,
        now=tools.clock,
    )


def _words(
    tools: Tools,
    many: Many,
    which: Which,
    moving: Moving,
    *,
    woken: Callable[[int, str], None],
    watch: Callable[[int], Awaitable[None]],
) -> Words:
    return Words(
        bot=tools.bot,
        rooms=tools.rooms,
        doors=tools.office.doors,
        store=tools.store,
        which=which,
        stated=tools.stated,
        pauses=tools.office.pauses,
        witness=tools.witness,
        proof=Proof(tools.rooms, tools.statements, tools.command, bot=tools.bot),
        writer=tools.writer,
        migrate=moving.migrate,
        many=many.crowd.status,
        rosters=many.rosters,
        settings=tools.settings,
        woken=woken,
        watch=watch,
        now=tools.clock,
        log=tools.log,
    )
