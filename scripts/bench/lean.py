# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms with nobody in them but Alice, who is their admin, and the bot: the least that a move needs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from scripts.bench.place import Place
from tests.support import match
from tests.support.homeserver import Homeserver
from tests.support.person import Person, unique
from tests.support.scene import Scene


@dataclass(frozen=True, kw_only=True)
class Movers:
    """Alice's two accounts, and where they and the bot are."""

    where: Place
    alice: Person
    new: Person

    async def room(self) -> Scene:
        """One more room of Alice's, once the bot has introduced itself there."""
        bot = self.where.bot
        room = await self.alice.create_room(
            version="11",
            power_levels={"users": {self.alice.user_id: 100, bot.user_id: 100}},
            invite=[bot.user_id],
        )
        greeting = match.said_by(bot.user_id)
        await self.alice.wait_for(room, greeting, "the bot to introduce itself", seconds=60)
        return self.scene(room)

    def scene(self, room: str) -> Scene:
        """What is played in this room: Alice is everybody but the new account."""
        return Scene(
            room=room,
            bot=self.where.bot,
            homeservers=self.where.homeservers,
            alice=self.alice,
            carol=self.alice,
            dave=self.alice,
            new=self.new,
        )


@asynccontextmanager
async def movers(where: Place) -> AsyncIterator[Movers]:
    """Alice, fresh, with an account on either homeserver."""
    homeservers = where.homeservers
    made = Movers(
        where=where,
        alice=await _person(homeservers.old, "alice"),
        new=await _person(homeservers.new, "new"),
    )
    try:
        yield made
    finally:
        await made.alice.close()
        await made.new.close()


async def _person(homeserver: Homeserver, name: str) -> Person:
    return Person(await homeserver.register(unique(name)))
