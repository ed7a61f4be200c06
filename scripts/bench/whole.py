# SPDX-License-Identifier: AGPL-3.0-or-later
"""One request for all rooms that Alice shares with the bot, and a new account that does its part at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from scripts.bench.lean import Movers
from tests.support import match
from tests.support.api import MatrixError
from tests.support.scene import NO, YES, Scene

_PATIENCE = 300.0  # seconds, for a hundred rooms
_LONG_POLL = 2.0  # seconds
_TRIES, _BETWEEN = 100, 0.02  # of a join, and the seconds between two


class NoSuchCommand(AssertionError):
    """The bot does not know `!migrate … all`."""


async def ask_for_all(people: Movers, home: str) -> Scene:
    """Ask in the room `home`; the scene there, once a tap can answer the request card."""
    scene = people.scene(home)
    scene.command = await scene.command_is(f"{people.new.user_id} all")
    card = await scene.in_thread(lambda event: match.card_of(event) is not None, "an answer")
    shown = match.card_of(card) or {}
    if shown.get("card") != "request":
        raise NoSuchCommand(f"It needs “!migrate @you:new.server all”, which this bot answers with: {shown}")
    scene.card = card["event_id"]
    seeded = match.reaction(scene.card, NO, sender=scene.bot.user_id)
    await scene.alice.wait_for(home, seeded, "the bot's own ❌", seconds=_PATIENCE)
    return scene


async def until_summed_up(people: Movers, scene: Scene) -> None:
    """Return when the summary is there. Raises AssertionError when something is not done."""
    is_summary = match.card("summary")
    summary = await people.new.wait_for(scene.room, is_summary, "the summary", seconds=_PATIENCE)
    shown = match.card_of(summary) or {}
    if shown.get("state") != "done":
        raise AssertionError(f"Not all rooms are done: {summary['content']['body']}")


@asynccontextmanager
async def joining(people: Movers) -> AsyncIterator[None]:
    """Meanwhile the new account follows each invite and answers the question, at once.

    It alone looks on, from its own homeserver: so nobody but the bot keeps the other one busy.
    """
    async with asyncio.TaskGroup() as tasks:
        part = tasks.create_task(_do_its_part(people))
        yield
        part.cancel()


async def _do_its_part(people: Movers) -> None:
    new, seen = people.new, people.new.timeline
    known = len(seen.events)
    async with asyncio.TaskGroup() as tasks:
        while True:
            await seen.more(known, _LONG_POLL)
            for event in seen.events[known:]:
                if match.membership(new.user_id, "invite")(event):
                    tasks.create_task(_enter(people, event["room_id"]))
                if match.card("confirm")(event) and not match.is_edit(event):
                    tasks.create_task(new.react(event["room_id"], event["event_id"], YES))
            known = len(seen.events)


async def _enter(people: Movers, room: str) -> None:
    """The invited server hears of an invite before the inviting one has stored it: then a join fails."""
    via = [people.where.homeservers.old.server_name]
    for _ in range(_TRIES):
        try:
            await people.new.join(room, via=via)
        except MatrixError:
            await asyncio.sleep(_BETWEEN)
        else:
            return
    raise AssertionError(f"The new account could not follow its invite to {room}.")
