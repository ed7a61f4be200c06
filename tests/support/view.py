# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the homeserver shows of a room in which somebody moves house."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tests.support import match
from tests.support.api import JsonObject, client_path
from tests.support.bot import BotProcess
from tests.support.homeserver import HomeserverPair
from tests.support.person import POWER_LEVELS, Person
from tests.support.timeline import Predicate

HISTORY = "m.room.history_visibility"

State: TypeAlias = dict[tuple[str, str], str]  # (type, state key) → the event that holds it


@dataclass(kw_only=True)
class RoomView:
    """A room, who is in it, and the latest request; unless somebody else is named, it is Carol who looks."""

    room: str
    bot: BotProcess
    homeservers: HomeserverPair
    alice: Person
    carol: Person
    dave: Person
    new: Person
    command: str = ""  # the event ID of the latest request
    card: str = ""  # of its request card

    async def in_thread(
        self, predicate: Predicate, sentence: str, *, root: str | None = None, seen_by: Person | None = None
    ) -> JsonObject:
        """The first fitting message of the bot in the request's thread, or in another one."""
        wanted = root or self.command
        return await (seen_by or self.carol).wait_for(
            self.room,
            lambda event: (
                event["sender"] == self.bot.user_id and thread_of(event) == wanted and predicate(event)
            ),
            f"{sentence} in the thread of {wanted}",
        )

    async def answer_to(self, command: str, *, error: str | None = None) -> JsonObject:
        """The bot's answer to a command."""
        answer = await self.in_thread(match.card("answer"), "the answer", root=command)
        shown = match.card_of(answer)
        assert shown is not None
        assert shown.get("error") == error, answer["content"]["body"]
        return answer

    async def progress(self) -> JsonObject:
        """The bot's first message about something that stands in the way."""
        return await self.in_thread(match.card("progress"), "a progress message")

    def closing(self, state: str) -> Predicate:
        """The edit that brings the request card to its final state."""
        is_card, relation = (
            match.card("request", state=state),
            {"rel_type": "m.replace", "event_id": self.card},
        )
        return lambda event: (
            is_card(event)
            and event["sender"] == self.bot.user_id
            and event["content"].get("m.relates_to") == relation
        )

    async def state(self) -> State:
        """Which event holds each piece of the room's state."""
        seen = await self.carol.api.get(client_path("rooms", self.room, "initialSync"))
        return {(event["type"], event["state_key"]): event["event_id"] for event in seen["state"]}

    async def sent_by_bot(self, *, since: str) -> list[JsonObject]:
        """Every event of the bot's in the room after this one, in order."""
        events = await self.carol.messages(self.room)
        first = next(index for index, event in enumerate(events) if event["event_id"] == since)
        return [event for event in events[first + 1 :] if event["sender"] == self.bot.user_id]

    async def level(self, person: Person) -> int | None:
        """The account's own entry among the power levels."""
        content = await self.carol.state(self.room, POWER_LEVELS)
        level: int | None = content.get("users", {}).get(person.user_id)
        return level

    async def membership(self, person: Person) -> str | None:
        """The account's membership, None when the room has never heard of it."""
        return (await self.carol.members(self.room)).get(person.user_id)


def thread_of(event: JsonObject) -> str | None:
    """The root of the thread in which a message stands."""
    relation = event["content"].get("m.relates_to", {})
    return relation.get("event_id") if relation.get("rel_type") == "m.thread" else None
