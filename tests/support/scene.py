# SPDX-License-Identifier: AGPL-3.0-or-later
"""The usual room, and the few things that people do in it while somebody moves house.

Alice is the old account, Carol another admin, Dave an ordinary member; `new` is Alice's account on the other
homeserver, outside the room. A verb waits for what the room has to show before a person could do it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support import match
from tests.support.api import JsonObject
from tests.support.bot import BotProcess
from tests.support.homeserver import HomeserverPair
from tests.support.person import Person, unique
from tests.support.view import HISTORY, RoomView, State, thread_of

__all__ = ["ENCRYPTION", "HISTORY", "NO", "YES", "RoomOptions", "Scene", "State", "thread_of", "usual_room"]

ENCRYPTION = "m.room.encryption"
YES, NO = "✅", "❌"


@dataclass(frozen=True, kw_only=True)
class RoomOptions:
    """How a room differs from the usual one."""

    version: str = "11"
    visibility: str = "shared"
    creator: str = "carol"  # or "alice"
    levels: Mapping[str, int | None] = field(default_factory=dict)  # by role: alice, carol, dave, new, bot
    power: Mapping[str, Any] = field(default_factory=dict)  # more keys of m.room.power_levels
    state: tuple[JsonObject, ...] = ()  # more state from the beginning; it wins over `visibility`
    creation: Mapping[str, Any] = field(default_factory=dict)  # more keys of m.room.create


@dataclass(kw_only=True)
class Scene(RoomView):
    """A room with people and the bot in it, and what they do; the verbs speak of the latest request."""

    # What people do

    async def command_is(self, text: str, *, by: Person | None = None, thread: str | None = None) -> str:
        """Say `!migrate TEXT`; the event ID."""
        return await (by or self.alice).say(self.room, f"!migrate {text}", thread=thread)

    async def ask(self, *options: str, by: Person | None = None, to: str | None = None) -> JsonObject:
        """Ask for the move to `new` or another account; the request card, once a tap can answer it."""
        self.command = await self.command_is(" ".join((to or self.new.user_id, *options)), by=by)
        card = await self.in_thread(match.card("request"), "the request card")
        self.card = card["event_id"]
        seeded = match.reaction(self.card, NO, sender=self.bot.user_id)
        await self.carol.wait_for(self.room, seeded, "the bot's own ❌ below the request card")
        return card

    async def approve(self, person: Person) -> str:
        """Say yes to the request; the event ID of the reaction."""
        return await person.react(self.room, self.card, YES)

    async def refuse(self, person: Person) -> str:
        """Say no to the request; the event ID of the reaction."""
        return await person.react(self.room, self.card, NO)

    async def cancel(self, *, by: Person | None = None) -> str:
        """Say `!migrate cancel` in the request's thread; the event ID."""
        return await self.command_is("cancel", by=by, thread=self.command)

    async def invited(self) -> JsonObject:
        """The invite of the new account, once it is seen on both sides.

        The invited server hears of an invite before the inviting one has stored it: a join could fail.
        """
        is_invite = match.membership(self.new.user_id, "invite")
        await self.new.wait_for(self.room, is_invite, "its invite")
        return await self.carol.wait_for(self.room, is_invite, "the invite of the new account")

    async def join_new(self) -> None:
        """Be invited as the new account, and join."""
        await self.invited()
        await self.enter()

    async def enter(self) -> None:
        """Join as the new account, invited or not."""
        await self.new.join(self.room, via=[self.homeservers.old.server_name])

    async def confirm_card(self) -> JsonObject:
        """The card that asks the new account, as that account sees it."""
        return await self.in_thread(match.card("confirm"), "the confirm card", seen_by=self.new)

    async def confirm(self, key: str = YES) -> str:
        """Answer the confirm card as the new account; the event ID of the reaction."""
        return await self.new.react(self.room, (await self.confirm_card())["event_id"], key)

    async def end(self, state: str = "done") -> JsonObject:
        """The summary, once the request card is in its final state too: nothing comes after that."""
        summary = await self.in_thread(match.card("summary"), "the summary")
        shown = match.card_of(summary)
        assert shown is not None
        assert shown["state"] == state, summary["content"]["body"]
        await self.carol.wait_for(self.room, self.closing(state), "the final state of the request card")
        return summary

    async def run_to_end(self, *, approver: Person | None = None, state: str = "done") -> JsonObject:
        """From the request card to the summary, as it should be; the summary."""
        await self.approve(approver or self.carol)
        await self.join_new()
        await self.confirm()
        return await self.end(state)

    # Silence

    async def nothing_more(self, *, by: Person | None = None) -> None:
        """Have the bot answer something else, so that it has seen all that was said before."""
        await self.answer_to(await self.command_is("help", by=by))

    async def only_a_hint(self) -> None:
        """See that somebody is told that their yes does not count, and that nothing else happens."""
        await self.in_thread(match.says("your yes does not count"), "a hint")
        await self.nothing_happens()

    async def nothing_happens(self, *, by: Person | None = None) -> None:
        """See that what was said last makes the bot do nothing: it answers a call for help, no more."""
        before, last = await self.state(), (await self.carol.messages(self.room))[-1]
        await self.nothing_more(by=by)
        assert await self.state() == before
        sent = await self.sent_by_bot(since=last["event_id"])
        assert [(match.card_of(event) or {}).get("card") for event in sent] == ["answer"]


@asynccontextmanager
async def usual_room(
    homeservers: HomeserverPair, bot: BotProcess, options: RoomOptions
) -> AsyncIterator[Scene]:
    """The usual room, with fresh people, ready for a request; their connections are closed at the end."""
    servers = {
        "alice": homeservers.old,
        "carol": homeservers.old,
        "dave": homeservers.old,
        "new": homeservers.new,
    }
    accounts = await asyncio.gather(*(server.register(unique(name)) for name, server in servers.items()))
    people = {name: Person(account) for name, account in zip(servers, accounts, strict=True)}
    try:
        room = await _make_room(people, bot, options)
        yield Scene(
            room=room,
            bot=bot,
            homeservers=homeservers,
            alice=people["alice"],
            carol=people["carol"],
            dave=people["dave"],
            new=people["new"],
        )
    finally:
        await asyncio.gather(*(person.close() for person in people.values()))


async def _make_room(people: Mapping[str, Person], bot: BotProcess, options: RoomOptions) -> str:
    creator = people[options.creator]
    others = [people[name] for name in ("alice", "carol", "dave") if name != options.creator]
    room = await creator.create_room(
        version=options.version,
        state=_initial_state(options),
        power_levels=_power_levels(people, bot, options),
        creation_content=dict(options.creation),
        invite=[bot.user_id, *(person.user_id for person in others)],
    )
    await asyncio.gather(*(person.join(room) for person in others))
    await people["carol"].wait_for(room, match.membership(bot.user_id, "join"), "the bot to join")
    if bot.options.encryption or ENCRYPTION not in [event["type"] for event in options.state]:
        # Else it may still be about to send it, at the expense of what a test counts.
        # The creator sees it whatever the history setting: the others may join after it.
        await creator.wait_for(room, match.said_by(bot.user_id), "the bot to introduce itself")
    return room


def _initial_state(options: RoomOptions) -> Iterable[JsonObject]:
    setting = {"type": HISTORY, "state_key": "", "content": {"history_visibility": options.visibility}}
    given = [event["type"] for event in options.state]
    return (*(() if HISTORY in given else (setting,)), *options.state)


def _power_levels(people: Mapping[str, Person], bot: BotProcess, options: RoomOptions) -> JsonObject:
    levels: dict[str, int | None] = {"alice": 100, "carol": 100, "bot": 100, **options.levels}
    if options.version == "12":
        levels[options.creator] = None  # creators are kept out: they have infinite power
    user_ids = {"bot": bot.user_id, **{name: person.user_id for name, person in people.items()}}
    users = {user_ids[name]: level for name, level in levels.items() if level is not None}
    return {"users": users, **options.power}
