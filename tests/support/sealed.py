# SPDX-License-Identifier: AGPL-3.0-or-later
"""The usual scene in an encrypted room, and what people at clients that encrypt do and see there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from tests.support import match
from tests.support.api import JsonObject
from tests.support.match import CARD
from tests.support.olm import SealedPerson, sealed_person
from tests.support.scene import ENCRYPTION, YES, Scene, thread_of

SEALED = ({"type": ENCRYPTION, "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}},)
SKIP, BARE_SKIP = "\u23ed\ufe0f", "\u23ed"  # with and without a variation selector


@dataclass
class Sealed:
    """A scene in an encrypted room, whose people have clients that encrypt."""

    scene: Scene
    alice: SealedPerson
    carol: SealedPerson
    new: SealedPerson

    async def ask(self) -> JsonObject:
        """Ask for the move, encrypted; the request card."""
        scene = self.scene
        scene.command = await self.alice.say(scene.room, f"!migrate {scene.new.user_id}")
        card = await self.said(self.carol, "request")
        scene.card = card["event_id"]
        return card

    async def approve(self) -> None:
        """Say yes to the request."""
        await self.carol.react(self.scene.room, self.scene.card, YES)

    async def asked_old(self) -> JsonObject:
        """The card that asks the old account to invite, once there is a \u23ed\ufe0f to tap."""
        card = await self.said(self.alice, "progress")
        assert card["content"][CARD]["asks"] == "invite"
        seeded = match.reaction(card["event_id"], BARE_SKIP, sender=self.scene.bot.user_id)
        await self.carol.wait_for(self.scene.room, seeded, "the bot's own sign below it")
        return card

    async def finish(self) -> JsonObject:
        """From the invite to the summary."""
        scene = self.scene
        await scene.join_new()
        confirm = await self.said(self.new, "confirm")
        await self.new.react(scene.room, confirm["event_id"], YES)
        return await self.said(self.alice, "summary")

    async def said(self, person: SealedPerson, kind: str) -> JsonObject:
        """The first such card in the request's thread, which had to be opened."""
        scene = self.scene
        is_card = match.card(kind)
        card = await person.wait_for(
            scene.room,
            lambda event: (
                event["sender"] == scene.bot.user_id and is_card(event) and thread_of(event) == scene.command
            ),
            f"a {kind} card",
        )
        assert card["sealed"]
        return card

    async def inviter(self) -> str:
        """Who has invited the new account."""
        return str((await self.scene.invited())["sender"])

    async def nothing_readable(self) -> None:
        """See that whatever the bot said in the room, was encrypted."""
        said = await self.scene.carol.messages(self.scene.room)
        types = {event["type"] for event in said if event["sender"] == self.scene.bot.user_id}
        assert "m.room.encrypted" in types
        assert "m.room.message" not in types


@asynccontextmanager
async def sealed(scene: Scene) -> AsyncIterator[Sealed]:
    """The scene with encrypting clients."""
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(sealed_person(person))
            for person in (scene.alice, scene.carol, scene.new)
        ]
        yield Sealed(scene, *clients)
