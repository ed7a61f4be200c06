# SPDX-License-Identifier: AGPL-3.0-or-later
"""Predicates for waiting: what an event must be like."""

from __future__ import annotations

from tests.support.api import JsonObject
from tests.support.timeline import Predicate

CARD = "io.github.migrationbot"


def event_id(wanted: str) -> Predicate:
    """This very event."""
    return lambda event: event.get("event_id") == wanted


def of_type(event_type: str, *, state_key: str | None = None, sender: str | None = None) -> Predicate:
    """An event of this type; of this state key and by this sender, where given."""
    return lambda event: (
        event["type"] == event_type
        and (state_key is None or event.get("state_key") == state_key)
        and (sender is None or event["sender"] == sender)
    )


def membership(user_id: str, wanted: str) -> Predicate:
    """This account's membership becoming `invite`, `join`, `leave`, `ban` or `knock`."""
    is_member = of_type("m.room.member", state_key=user_id)
    return lambda event: is_member(event) and event["content"].get("membership") == wanted


def says(part: str, *, sender: str | None = None) -> Predicate:
    """A message with this in its plain text; an edit counts with its new text."""
    is_message = of_type("m.room.message", sender=sender)
    return lambda event: is_message(event) and part in str(shown_content(event).get("body"))


def said_by(user_id: str) -> Predicate:
    """Any message of this account, in clear or encrypted."""
    messages = ("m.room.message", "m.room.encrypted")
    return lambda event: event["sender"] == user_id and event["type"] in messages


def reaction(to: str, key: str, *, sender: str | None = None) -> Predicate:
    """This reaction to this event."""
    is_reaction = of_type("m.reaction", sender=sender)
    return lambda event: (
        is_reaction(event)
        and event["content"].get("m.relates_to") == {"rel_type": "m.annotation", "event_id": to, "key": key}
    )


def is_edit(event: JsonObject) -> bool:
    """Whether it replaces the text of an earlier message."""
    return bool(event["content"].get("m.relates_to", {}).get("rel_type") == "m.replace")


def card(kind: str, *, state: str | None = None, error: str | None = None) -> Predicate:
    """A card of the bot, first sent or edited, as its machine-readable part says."""
    return lambda event: (
        (part := card_of(event)) is not None
        and part.get("card") == kind
        and (state is None or part.get("state") == state)
        and (error is None or part.get("error") == error)
    )


def card_of(event: JsonObject) -> JsonObject | None:
    """The machine-readable part of a card, as it stands after this event; None when it is no card."""
    part = shown_content(event).get(CARD) if event["type"] == "m.room.message" else None
    return part if isinstance(part, dict) else None


def number_of(event: JsonObject) -> str:
    """The number of the migration that a card of the bot is about."""
    return str((card_of(event) or {})["migration"])


def shown_content(event: JsonObject) -> JsonObject:
    """A message's content as a client shows it: the new one, when it is an edit."""
    content: JsonObject = event["content"]
    new = content.get("m.new_content")
    return new if isinstance(new, dict) else content
