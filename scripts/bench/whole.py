# SPDX-License-Identifier: AGPL-3.0-or-later
"""One request for all rooms that Alice shares with the bot, and a new account that does its part at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from scripts.bench.lean import Movers
from tests.support import match
from tests.support.scene import NO, YES, Scene

_PATIENCE = 300.0  # seconds, for a hundred rooms
_LONG_POLL = 2.0  # seconds


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


async def until_summed_up(scene: Scene) -> None:
    """Return when the summary is there. Raises AssertionError when something is not done."""
    is_summary = match.card("summary")
    summary = await scene.alice.wait_for(scene.room, is_summary, "the summary", seconds=_PATIENCE)
    shown = match.card_of(summary) or {}
    if shown.get("state") != "done":
        raise AssertionError(f"Not all rooms are done: {summary['content']['body']}")


@asynccontextmanager
async def joining(people: Movers) -> AsyncIterator[None]:
    """Meanwhile the new account follows each invite and answers the question, at once.

    It is told so by what Alice sees: a client of its own would keep its homeserver busy, and the invited
    server hears of an invite before the inviting one has stored it, so that a join could fail.
    """
    async with asyncio.TaskGroup() as tasks:
        part = tasks.create_task(_do_its_part(people))
        yield
        part.cancel()


async def _do_its_part(people: Movers) -> None:
    new, seen = people.new, people.alice.timeline
    known, via = len(seen.events), [people.where.homeservers.old.server_name]
    async with asyncio.TaskGroup() as tasks:
        while True:
            await seen.more(known, _LONG_POLL)
            for event in seen.events[known:]:
                if match.membership(new.user_id, "invite")(event):
                    tasks.create_task(new.join(event["room_id"], via=via))
                if match.card("confirm")(event) and not match.is_edit(event):
                    tasks.create_task(new.react(event["room_id"], event["event_id"], YES))
            known = len(seen.events)
