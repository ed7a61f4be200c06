# SPDX-License-Identifier: AGPL-3.0-or-later
"""A community: a space with rooms of every kind, in which Alice moves house.

Alice asks in the lobby, where Carol, another admin of everything, reads along.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support import match
from tests.support.api import JsonObject, MatrixApi, client_path
from tests.support.bot import BotProcess
from tests.support.homeserver import HomeserverPair
from tests.support.person import Person, unique
from tests.support.scene import NO
from tests.support.view import RoomView

__all__ = ["Community", "Kind", "community"]

_SPACE = {"type": "m.space"}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How a room differs from the usual one: invite-only, with Alice, Carol and the bot at 100."""

    rule: str = "invite"  # its join rule
    visibility: str = "shared"
    levels: Mapping[str, int] = field(default_factory=dict)  # by role
    without: Sequence[str] = ()  # roles that are not in it
    state: Sequence[JsonObject] = ()
    parent: str = "space"  # the name of the space that it stands in; "" for none
    is_space: bool = False
    creators: Sequence[str] = ()  # in version 12: roles that are creators beside Carol


@dataclass(kw_only=True)
class Community(RoomView):
    """`room` is the lobby, where Alice asks."""

    rooms: dict[str, str]  # room IDs by name

    async def say(self, text: str, *, thread: str | None = None) -> str:
        """Say `!migrate TEXT` in the lobby as Alice; the event ID."""
        return await self.alice.say(self.room, f"!migrate {text}", thread=thread)

    async def ask(self, text: str) -> JsonObject:
        """Ask for the move to `new`; the request card, once a tap can answer it."""
        self.command = await self.say(f"{self.new.user_id} {text}")
        card = await self.in_thread(match.card("request"), "the request card")
        self.card = card["event_id"]
        seeded = match.reaction(self.card, NO, sender=self.bot.user_id)
        await self.carol.wait_for(self.room, seeded, "the bot's own ❌ below the request card")
        return card

    async def let_in(self, *names: str) -> None:
        """Join these rooms as the new account, once it is invited."""
        await asyncio.gather(*(self._enter_when_invited(self.rooms[name]) for name in names))

    async def enter(self, *names: str) -> None:
        """Join these rooms as the new account, without an invite."""
        via = [self.homeservers.old.server_name]
        await asyncio.gather(*(self.new.join(self.rooms[name], via=via) for name in names))

    async def decline(self, name: str) -> None:
        """Turn an invite down as the new account, once both servers know of it."""
        await self._until_invited(self.rooms[name])
        await self.new.leave(self.rooms[name])

    async def confirm(self, key: str = "✅") -> str:
        """Answer the confirm card as the new account, in whichever room it stands."""
        question = await self.question()
        return await self.new.react(question["room_id"], question["event_id"], key)

    async def question(self) -> JsonObject:
        """The confirm card, as the new account sees it."""
        is_card = match.card("confirm")
        looks = [
            asyncio.ensure_future(self.new.wait_for(room_id, is_card, "the question"))
            for room_id in self.rooms.values()
        ]
        try:
            done, _ = await asyncio.wait(looks, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for look in looks:
                look.cancel()
            await asyncio.gather(*looks, return_exceptions=True)

    async def shows(self, part: str) -> JsonObject:
        """The progress card, first posted or edited, once it says this."""
        is_card = match.card("progress")
        return await self.carol.wait_for(
            self.room,
            lambda event: is_card(event) and part in match.shown_content(event)["body"],
            f"the progress card to say {part!r}",
        )

    async def summary(self, *, again: bool = False) -> JsonObject:
        """The machine-readable summary, once the request card is closed too; the second one if there is."""
        found = await self.in_thread(
            lambda event: (
                match.card("summary")(event) and bool((match.card_of(event) or {}).get("again")) is again
            ),
            "the summary",
        )
        told = match.card_of(found)
        assert told is not None
        await self.carol.wait_for(self.room, self.closing(told["state"]), "the final state of the card")
        return found

    def outcomes(self, summary: JsonObject) -> dict[str, str]:
        """How each room ended, by name."""
        names = {room_id: name for name, room_id in self.rooms.items()}
        told = match.card_of(summary) or {}
        return {names[each["room_id"]]: each["state"] for each in told["rooms"]}

    async def level_in(self, name: str, person: Person | None = None) -> int | None:
        """The account's own entry among the power levels of a room; the new account's by default."""
        content = await self.carol.state(self.rooms[name], "m.room.power_levels")
        level: int | None = content.get("users", {}).get((person or self.new).user_id)
        return level

    async def bot_sets_power(self, room_id: str, content: JsonObject) -> None:
        """Replace the power levels of a room as the bot's account: nobody else can take its level away."""
        account = self.bot.options.account
        api = MatrixApi(account.homeserver_url, account.access_token)
        try:
            await api.request(
                "PUT", client_path("rooms", room_id, "state", "m.room.power_levels", ""), content
            )
        finally:
            await api.close()

    async def sent(self) -> list[JsonObject]:
        """Every event of the bot's in all rooms that stands after it came in and introduced itself."""
        found = await asyncio.gather(*map(self.sent_in, self.rooms))
        return [event for events in found for event in events]

    async def sent_in(self, name: str) -> list[JsonObject]:
        """The same of one room."""
        events = [e for e in await self.carol.messages(self.rooms[name]) if e["sender"] == self.bot.user_id]
        first = next((n for n, e in enumerate(events) if e["type"] == "m.room.message"), -1)
        return events[first + 1 :]

    async def _enter_when_invited(self, room_id: str) -> None:
        await self._until_invited(room_id)
        await self.new.join(room_id, via=[self.homeservers.old.server_name])

    async def _until_invited(self, room_id: str) -> None:
        is_invite = match.membership(self.new.user_id, "invite")
        await self.new.wait_for(room_id, is_invite, "its invite")
        await self.carol.wait_for(room_id, is_invite, "the invite of the new account")


@asynccontextmanager
async def community(
    homeservers: HomeserverPair, bot: BotProcess, kinds: Mapping[str, Kind], *, version: str = "11"
) -> AsyncIterator[Community]:
    """A space with these rooms, and a lobby in it; spaces among `kinds` come before what stands in them."""
    names = ("alice", "carol", "dave")
    accounts = await asyncio.gather(*(homeservers.old.register(unique(name)) for name in names))
    people = {name: Person(account) for name, account in zip(names, accounts, strict=True)}
    people["new"] = Person(await homeservers.new.register(unique("new")))
    all_kinds = {"space": Kind(is_space=True, parent=""), "lobby": Kind(), **kinds}
    try:
        rooms: dict[str, str] = {}
        for name, kind in all_kinds.items():
            rooms[name] = await _make(name, kind, rooms, people, bot, homeservers, version)
        yield Community(
            room=rooms["lobby"],
            rooms=rooms,
            bot=bot,
            homeservers=homeservers,
            alice=people["alice"],
            carol=people["carol"],
            dave=people["dave"],
            new=people["new"],
        )
    finally:
        await asyncio.gather(*(person.close() for person in people.values()))


async def _make(
    name: str,
    kind: Kind,
    rooms: Mapping[str, str],
    people: Mapping[str, Person],
    bot: BotProcess,
    homeservers: HomeserverPair,
    version: str,
) -> str:
    carol, via = people["carol"], [homeservers.old.server_name]
    levels = {"carol": 100, "alice": 100, "bot": 100, **kind.levels}
    user_ids = {"bot": bot.user_id, **{role: person.user_id for role, person in people.items()}}
    creators = ("carol", *kind.creators) if version == "12" else ()
    entries = {user_ids[role]: level for role, level in levels.items() if role not in creators}
    content: JsonObject = _SPACE if kind.is_space else {}
    if kind.creators:
        content = {**content, "additional_creators": [user_ids[role] for role in kind.creators]}
    invited = [role for role in ("alice", "bot") if role not in kind.without]
    room_id = await carol.create_room(
        version=version,
        name=name,
        state=[*_rules(kind, rooms), *kind.state],
        power_levels={"users": entries},
        creation_content=content,
        invite=[user_ids[role] for role in invited],
    )
    if "alice" in invited:
        await people["alice"].join(room_id)
    if "bot" in invited:
        await carol.wait_for(room_id, match.membership(bot.user_id, "join"), "the bot to join")
        if not any(event["type"] == "m.room.encryption" for event in kind.state):
            await carol.wait_for(room_id, match.said_by(bot.user_id), "the bot to introduce itself")
    if kind.parent:
        await carol.set_state(rooms[kind.parent], "m.space.child", {"via": via}, room_id)
    return room_id


def _rules(kind: Kind, rooms: Mapping[str, str]) -> list[JsonObject]:
    rule: dict[str, Any] = {"join_rule": kind.rule}
    if kind.rule == "restricted":
        rule["allow"] = [{"type": "m.room_membership", "room_id": rooms[kind.parent]}]
    history = {"history_visibility": kind.visibility}
    return [
        {"type": "m.room.join_rules", "state_key": "", "content": rule},
        {"type": "m.room.history_visibility", "state_key": "", "content": history},
    ]
