# SPDX-License-Identifier: AGPL-3.0-or-later
"""What must hold after a move whatever happened on the way, judged only by what the room shows.

Each check gives sentences about what is broken; none when all is well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from tests.support import match
from tests.support.api import JsonObject
from tests.support.person import POWER_LEVELS
from tests.support.scene import HISTORY, YES, Scene, thread_of
from tests.support.timeline import Predicate

# How often each thing has happened once the move has ended.
ARRIVED: Mapping[str, int] = {
    "request card": 1,
    "confirm card": 1,
    "summary card": 1,
    "final edit": 1,
    "invite": 1,
    "join": 1,
    "promotion": 1,
    "withdrawal": 0,
}
TAKEN_BACK: Mapping[str, int] = {**ARRIVED, "confirm card": 0, "join": 0, "promotion": 0, "withdrawal": 1}


async def broken(scene: Scene) -> list[str]:
    """What is broken in a room whose move has arrived, with Carol as the one who agreed."""
    room = Room(scene, await scene.carol.messages(scene.room))
    found = [
        *room.powers(),
        *room.history(),
        *room.counts(ARRIVED),
        *room.consents(),
        *room.ending("done"),
    ]
    return found or await _seen_by_others(scene, room)


async def broken_when_taken_back(scene: Scene) -> list[str]:
    """What is broken in a room whose move was taken back after the invite: nothing of it may be left."""
    room = Room(scene, await scene.carol.messages(scene.room))
    return [*room.powers(), *room.history(), *room.counts(TAKEN_BACK), *room.ending("cancelled")]


async def _seen_by_others(scene: Scene, room: Room) -> list[str]:
    """Whether the other homeserver shows the same power levels."""
    summary = room.of(room.card("summary"))[0]["event_id"]
    try:
        await scene.new.wait_for(scene.room, match.event_id(summary), "the summary")
    except AssertionError as failure:
        return [str(failure)]
    here = await scene.carol.state(scene.room, POWER_LEVELS)
    there = await scene.new.state(scene.room, POWER_LEVELS)
    return [] if here == there else ["the homeservers show different power levels"]


class Room:
    """All that was ever said and set in one room, oldest first."""

    def __init__(self, scene: Scene, events: Sequence[JsonObject]) -> None:
        self._scene = scene
        self._events = events
        self._bot = scene.bot.user_id

    def of(self, predicate: Predicate) -> list[JsonObject]:
        """The events that fit."""
        return [event for event in self._events if predicate(event)]

    def card(self, kind: str) -> Predicate:
        """A card as it was first sent, in the thread of the request."""
        fits = match.card(kind)
        return lambda event: (
            event["sender"] == self._bot and thread_of(event) == self._scene.command and fits(event)
        )

    def powers(self) -> Iterator[str]:
        """Nobody's power has ever changed but the new account's, by the bot, once, to the old one's level."""
        changes = self.of(match.of_type(POWER_LEVELS))
        new = self._scene.new.user_id
        for before, after in pairwise(changes):
            then, now = before["content"], after["content"]
            if after["sender"] != self._bot:
                yield f"somebody else changed the power levels: {after['sender']}"
            if {**then, "users": {**then["users"], new: 100}} != now:
                yield f"the bot changed power levels from {then} to {now}"

    def history(self) -> Iterator[str]:
        """The bot opened the history once and put it back."""
        settings = [event["content"]["history_visibility"] for event in self.of(match.of_type(HISTORY))]
        if settings != ["joined", "shared", "joined"]:
            yield f"the history went {' → '.join(settings)}"

    def counts(self, expected: Mapping[str, int]) -> Iterator[str]:
        """No second invite, card, reaction or promotion, and none that should not be."""
        for name, fits in self._kinds().items():
            count = len(self.of(fits))
            if count != expected[name]:
                yield f"{count} times: {name}"
        yield from self._reactions()
        progress = Counter(event["content"]["body"] for event in self.of(self.card("progress")))
        yield from (f"said {count} times: {body}" for body, count in progress.items() if count > 1)

    def _kinds(self) -> dict[str, Predicate]:
        new = self._scene.new.user_id
        is_gone = match.membership(new, "leave")
        return {
            **{f"{kind} card": self.card(kind) for kind in ("request", "confirm", "summary")},
            "final edit": lambda event: event["sender"] == self._bot and match.is_edit(event),
            "invite": match.membership(new, "invite"),
            "join": match.membership(new, "join"),
            "promotion": match.of_type(POWER_LEVELS, sender=self._bot),
            "withdrawal": lambda event: event["sender"] == self._bot and is_gone(event),
        }

    def _reactions(self) -> Iterator[str]:
        given = [
            (event["content"]["m.relates_to"]["event_id"], event["content"]["m.relates_to"]["key"])
            for event in self.of(match.of_type("m.reaction", sender=self._bot))
        ]
        yield from (
            f"{count} reactions {key} to {to}" for (to, key), count in Counter(given).items() if count > 1
        )

    def consents(self) -> Iterator[str]:
        """Each act came after what entitled the bot to it."""
        scene, new = self._scene, self._scene.new.user_id
        order: dict[str, Predicate] = {
            "the request": match.event_id(scene.command),
            "the request card": self.card("request"),
            "the approval": match.reaction(scene.card, YES, sender=scene.carol.user_id),
            "the opening": match.of_type(HISTORY, sender=self._bot),
            "the invite": match.membership(new, "invite"),
            "the join": match.membership(new, "join"),
            "the confirm card": self.card("confirm"),
            "the confirmation": match.of_type("m.reaction", sender=new),
            "the promotion": match.of_type(POWER_LEVELS, sender=self._bot),
            "the summary": self.card("summary"),
        }
        found = {name: self._first(fits) for name, fits in order.items()}
        for (earlier, first), (later, second) in pairwise(found.items()):
            if first is None or second is None or first > second:
                yield f"{later} did not come after {earlier}"

    def ending(self, state: str) -> Iterator[str]:
        """The thread says how it ended, and the card too."""
        for kind in ("summary", "request"):
            shown = [
                match.card_of(event) for event in self.of(match.card(kind)) if event["sender"] == self._bot
            ]
            states = [each["state"] for each in shown if each]
            if not states or states[-1] != state:
                yield f"the {kind} card went {' → '.join(states)}"

    def _first(self, predicate: Predicate) -> int | None:
        return next((index for index, event in enumerate(self._events) if predicate(event)), None)
