# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who came and who left, as a raw sync answer tells it. Nothing is asked of the homeserver here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .raw import as_dict, as_list, rooms_in

_MEMBER = "m.room.member"
_OUTSIDE = ("leave", "ban")


@dataclass(frozen=True, kw_only=True)
class Invite:
    """An invite of the bot.

    Its state is stripped, and comes from another server as that one likes: it may name several inviters.
    """

    room_id: str
    senders: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Join:
    """The bot has come into a room."""

    room_id: str
    alone: bool  # whether the sync shows nobody else there


@dataclass(frozen=True, kw_only=True)
class Departure:
    """People left a room in which the bot is."""

    room_id: str
    count: int  # how many departures this sync shows
    joined: int | None  # how many members it says are left, the bot among them; None when it does not say


def invites_in(section: Mapping[str, Any], *, bot: str) -> Iterator[Invite]:
    """The invites of the bot in a sync's section `rooms.invite`. Spec: client-server, GET /sync."""
    for room_id, room in rooms_in(section):
        events = _events(as_dict(room.get("invite_state")).get("events"))
        senders = (event.get("sender") for event in events if _membership(event, of=bot) == "invite")
        yield Invite(room_id=room_id, senders=frozenset(each for each in senders if isinstance(each, str)))


def joins_in(answer: Mapping[str, Any], *, bot: str) -> Iterator[Join]:
    """The rooms that the bot has come into; a new display name is not a join.

    Only the timeline tells: where two events crossed, Synapse shows older state as well.
    """
    for room_id, room in _joined(answer):
        own = [event for event in _section(room, "timeline") if _membership(event, of=bot) == "join"]
        if any(_was_outside(event) for event in own):
            shown = sum(1 for event in _all_events(room) if _is_joined(event))
            yield Join(room_id=room_id, alone=max(shown, _count(room) or 0) <= 1)


def departures_in(answer: Mapping[str, Any], *, bot: str) -> Iterator[Departure]:
    """The rooms that others have left, or were removed from."""
    for room_id, room in _joined(answer):
        gone = [event for event in _all_events(room) if _is_departure(event, bot)]
        if gone:
            yield Departure(room_id=room_id, count=len(gone), joined=_count(room))


def _count(room: Mapping[str, Any]) -> int | None:
    """How many members the sync says there are. Spec: client-server, GET /sync, RoomSummary."""
    told = as_dict(room.get("summary")).get("m.joined_member_count")
    return told if isinstance(told, int) and not isinstance(told, bool) else None


def _joined(answer: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from rooms_in(as_dict(answer.get("rooms")).get("join"))


def _all_events(room: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from _section(room, "state")
    yield from _section(room, "timeline")


def _section(room: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    return _events(as_dict(room.get(name)).get("events"))


def _events(found: object) -> Iterator[Mapping[str, Any]]:
    return (event for event in as_list(found) if isinstance(event, dict))


def _membership(event: Mapping[str, Any], *, of: str) -> object:
    if event.get("type") != _MEMBER or event.get("state_key") != of:
        return None
    return as_dict(event.get("content")).get("membership")


def _is_joined(event: Mapping[str, Any]) -> bool:
    return event.get("type") == _MEMBER and as_dict(event.get("content")).get("membership") == "join"


def _is_departure(event: Mapping[str, Any], bot: str) -> bool:
    if event.get("type") != _MEMBER or event.get("state_key") in (None, bot):
        return False
    return as_dict(event.get("content")).get("membership") in _OUTSIDE


def _was_outside(join: Mapping[str, Any]) -> bool:
    """Whether the account was outside before it joined; where that is not said, it was inside."""
    unsigned = as_dict(join.get("unsigned"))
    before = unsigned.get("prev_content")
    if isinstance(before, dict):
        return before.get("membership") != "join"
    return "replaces_state" not in unsigned
