# SPDX-License-Identifier: AGPL-3.0-or-later
"""Puts what happens in a room into words, as a member at a client sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from tests.support.api import JsonObject
from tests.support.match import card_of, shown_content
from tests.support.person import POWER_LEVELS
from tests.support.scene import HISTORY, NO, YES, thread_of

_ANSWERS = {YES: f"{YES} (yes)", NO: f"{NO} (no)"}
_CARDS = {"request": "the request", "confirm": "the question", "summary": "the summary"}
_MEMBERSHIPS = {"join": "joins", "leave": "leaves"}


class Place(Enum):
    """Where a client shows something; the values stand before each line of it."""

    ROOM = ""  # said in the room
    THREAD = "│ "  # said in the thread of the command
    CHANGE = "* "  # a change of the room itself
    REACTION = "│ * "  # below a message of the thread


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that happened."""

    event: JsonObject
    text: str
    place: Place


class Teller:
    """Tells the events of rooms, which it is given in their order."""

    def __init__(self, cast: Mapping[str, str], *, bot: str) -> None:
        self._cast = cast
        self._bot = bot
        self._messages: dict[str, str] = {}  # what to call the messages, by event ID
        # The content of each piece of state, by room ID, type and state key.
        self._state: dict[tuple[str, str, str], JsonObject] = {}

    def tell(self, event: JsonObject) -> Entry | None:
        """What to say of this event; None when it needs no words."""
        if event["type"] == "m.room.message":
            return self._message(event)
        if event["type"] == "m.reaction":
            return self._reaction(event)
        return self._change(event) if "state_key" in event else None

    def name(self, user_id: str) -> str:
        """What people call an account."""
        return self._cast.get(user_id, user_id)

    def _message(self, event: JsonObject) -> Entry:
        text, edited = str(shown_content(event)["body"]), edit_of(event)
        if edited is not None:
            text = f"changes {self._messages.get(edited, 'a message')}, which now says:\n{text}"
            return Entry(event=event, text=text, place=Place.THREAD)
        kind = str((card_of(event) or {}).get("card"))
        self._messages[event["event_id"]] = _CARDS.get(kind, "a message")
        return Entry(event=event, text=text, place=Place.THREAD if thread_of(event) else Place.ROOM)

    def _reaction(self, event: JsonObject) -> Entry:
        relation = event["content"]["m.relates_to"]
        message = self._messages.get(relation["event_id"], "a message")
        key = _ANSWERS.get(relation["key"], relation["key"])
        text = f"reacts {key} to {message}"
        if event["sender"] == self._bot:
            text = f"puts {key} below {message}, for others to tap"
        return Entry(event=event, text=text, place=Place.REACTION)

    def _change(self, event: JsonObject) -> Entry | None:
        key = (event["room_id"], event["type"], event["state_key"])
        before, self._state[key] = self._state.get(key, {}), event["content"]
        in_words = {
            "m.room.create": self._beginning,
            "m.room.tombstone": self._end,
            HISTORY: self._history_change,
            POWER_LEVELS: self._power_change,
            "m.room.member": self._member_change,
        }.get(event["type"])
        text = in_words(event, before) if in_words else ""
        return Entry(event=event, text=text, place=Place.CHANGE) if text else None

    def _beginning(self, event: JsonObject, _: JsonObject) -> str:
        """Spec: room version 12, for the creators."""
        content = event["content"]
        creators = map(self.name, (event["sender"], *content.get("additional_creators", ())))
        version, names = content["room_version"], " and ".join(creators)
        return f"makes the room that follows, of version {version}; creators: {names}"

    def _end(self, _: JsonObject, __: JsonObject) -> str:
        return "closes this room for the one that follows"

    def _history_change(self, event: JsonObject, before: JsonObject) -> str:
        if not before:
            return ""  # how a room begins
        was, is_now = (content.get("history_visibility", "shared") for content in (before, event["content"]))
        return f"sets the history visibility: {was} → {is_now}"

    def _power_change(self, event: JsonObject, before: JsonObject) -> str:
        if not before:
            return ""  # how a room begins
        was, is_now = (content.get("users", {}) for content in (before, event["content"]))
        default = event["content"].get("users_default", 0)
        changes = [
            f"{self.name(user_id)}: {was.get(user_id, default)} → {is_now.get(user_id, default)}"
            for user_id in {**was, **is_now}
            if was.get(user_id, default) != is_now.get(user_id, default)
        ]
        return f"sets the power level of {', '.join(changes)}" if changes else ""

    def _member_change(self, event: JsonObject, before: JsonObject) -> str:
        membership = event["content"]["membership"]
        if membership == before.get("membership"):
            return ""
        if membership == "invite":
            return f"invites {self.name(event['state_key'])}"
        return _MEMBERSHIPS.get(membership, f"membership of {self.name(event['state_key'])}: {membership}")


def edit_of(event: JsonObject) -> str | None:
    """The message that this one is the new text of."""
    relation = event["content"].get("m.relates_to", {})
    return str(relation["event_id"]) if relation.get("rel_type") == "m.replace" else None
