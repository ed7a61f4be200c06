# SPDX-License-Identifier: AGPL-3.0-or-later
"""A room as the homeserver shows it now: frozen and typed, made from raw state events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, TypeVar

from .acl import ServerAcl
from .history import Visibility
from .ids import server_of
from .power import PowerLevels

_Choice = TypeVar("_Choice", bound=Enum)

MOVED = "io.github.migrationbot.moved"
CANONICAL_ALIAS = "m.room.canonical_alias"
BESIDES = (MOVED, CANONICAL_ALIAS)  # types of state that only some moves need


class Membership(Enum):
    """Spec: client-server, m.room.member. Someone who was never here counts as having left."""

    JOIN = "join"  # in the room
    INVITE = "invite"  # may come in
    KNOCK = "knock"  # asks to come in
    LEAVE = "leave"  # outside
    BAN = "ban"  # shut out


class JoinRule(Enum):
    """Spec: client-server, m.room.join_rules. An absent or unknown rule lets nobody in without an invite."""

    PUBLIC = "public"  # anyone may join
    INVITE = "invite"  # an invite is needed
    KNOCK = "knock"  # one may ask for an invite
    RESTRICTED = "restricted"  # members of the named rooms may join
    KNOCK_RESTRICTED = "knock_restricted"  # either of the two above
    PRIVATE = "private"  # reserved; as invite


@dataclass(frozen=True, kw_only=True)
class StateEvent:
    """One event of the room's state, with what is needed to tell who wrote it over what."""

    type: str
    state_key: str
    content: Mapping[str, Any]
    sender: str
    event_id: str
    replaces_state: str | None = None  # the event ID that this one took the place of
    sent_at: int = 0  # milliseconds since the epoch, as its sender's server claims


@dataclass(frozen=True, kw_only=True)
class Member:
    """One account's standing in the room."""

    user_id: str
    membership: Membership
    sender: str  # who made it so: the account itself when it joined or left
    event_id: str
    replaces_state: str | None = None  # the event ID of the standing before this one
    sent_at: int = 0  # milliseconds since the epoch, as its sender's server claims

    @property
    def by_self(self) -> bool:
        """Whether the account brought itself into this standing."""
        return self.sender == self.user_id


@dataclass(frozen=True, kw_only=True)
class RoomState:
    """What decisions need to know of a room. Members are only those that were asked for."""

    room_id: str
    name: str | None
    version: str
    create_sender: str
    federates: bool  # m.federate: false shuts every other server out for ever
    power: PowerLevels
    power_event: StateEvent | None
    visibility: Visibility
    history_event: StateEvent | None
    join_rule: JoinRule
    allowed_from: frozenset[str]  # rooms whose members may join, with a restricted join rule
    acl: ServerAcl | None
    encrypted: bool
    successor: str | None  # the room ID that the tombstone names; "" when it names none
    upgraded_by: str = ""  # who sent the tombstone
    predecessor: str = ""  # the room ID of which m.room.create says that this room follows it
    members: Mapping[str, Member]
    more: Mapping[tuple[str, str], StateEvent] = field(default_factory=dict)  # what some moves need besides

    def membership(self, user_id: str) -> Membership:
        """The account's membership; `LEAVE` for one that was never here."""
        member = self.members.get(user_id)
        return member.membership if member else Membership.LEAVE

    def joined(self, user_id: str) -> bool:
        """Whether the account is in the room now."""
        return self.membership(user_id) is Membership.JOIN

    def holds(self, user_id: str, level: int) -> bool:
        """Whether the account is in the room with at least that power level."""
        return self.joined(user_id) and self.power.level_of(user_id) >= level

    def admits_server_of(self, user_id: str) -> bool:
        """Whether m.room.server_acl lets the account's server take part."""
        return self.acl is None or self.acl.allows(server_of(user_id))

    def federates_with(self, user_id: str) -> bool:
        """Whether `m.federate` allows an account of that server."""
        return self.federates or server_of(user_id) == server_of(self.create_sender)


def read_room(room_id: str, events: Iterable[StateEvent]) -> RoomState:
    """Make a RoomState of raw state events; malformed content counts as absent, never as more power.

    Raises ValueError when there is no m.room.create: without it nothing can be judged.
    """
    state = {(event.type, event.state_key): event for event in events}
    create = state.get(("m.room.create", ""))
    if create is None:
        raise ValueError(f"no m.room.create of {room_id} among the state events")

    def content(event_type: str) -> Mapping[str, Any] | None:
        event = state.get((event_type, ""))
        return event.content if event else None

    version = _text(create.content.get("room_version")) or "1"
    rules = content("m.room.join_rules") or {}
    tombstone = state.get(("m.room.tombstone", ""))
    predecessor = create.content.get("predecessor")
    acl = content("m.room.server_acl")
    return RoomState(
        room_id=room_id,
        name=_text((content("m.room.name") or {}).get("name")) or None,
        version=version,
        create_sender=create.sender,
        federates=create.content.get("m.federate") is not False,
        power=PowerLevels.read(
            content("m.room.power_levels"),
            version=version,
            create_sender=create.sender,
            additional_creators=_texts(create.content.get("additional_creators")),
        ),
        power_event=state.get(("m.room.power_levels", "")),
        visibility=Visibility.read(content("m.room.history_visibility")),
        history_event=state.get(("m.room.history_visibility", "")),
        join_rule=_choice(JoinRule, rules.get("join_rule"), JoinRule.INVITE),
        allowed_from=_allowed_from(rules.get("allow")),
        acl=None if acl is None else ServerAcl.from_content(acl),
        encrypted=content("m.room.encryption") is not None,
        successor=None if tombstone is None else _text(tombstone.content.get("replacement_room")),
        upgraded_by=tombstone.sender if tombstone else "",
        predecessor=_text(predecessor.get("room_id")) if isinstance(predecessor, Mapping) else "",
        members={key: member_of(event) for (kind, key), event in state.items() if kind == "m.room.member"},
        more={place: event for place, event in state.items() if place[0] in BESIDES},
    )


def with_state(room: RoomState, place: tuple[str, str], event: StateEvent | None) -> RoomState:
    """The same room with one piece of its state, by type and state key, as it was read since.

    None when there is none. Only what the bot itself sets can be read alone.
    """
    kind, key = place
    content = event.content if event else None
    if kind == "m.room.member":
        others = {user_id: member for user_id, member in room.members.items() if user_id != key}
        return replace(room, members={**others, **({key: member_of(event)} if event else {})})
    if kind == "m.room.power_levels":
        return replace(with_levels(room, content), power_event=event)
    if kind == "m.room.history_visibility":
        return replace(room, visibility=Visibility.read(content), history_event=event)
    others_more = {at: each for at, each in room.more.items() if at != place}
    return replace(room, more={**others_more, **({place: event} if event else {})})


def with_levels(room: RoomState, content: Mapping[str, Any] | None) -> RoomState:
    """The same room as it would be with this content of m.room.power_levels."""
    power = PowerLevels.read(
        content,
        version=room.version,
        create_sender=room.create_sender,
        additional_creators=room.power.creators,
    )
    return replace(room, power=power)


def member_of(event: StateEvent) -> Member:
    return Member(
        user_id=event.state_key,
        membership=_choice(Membership, event.content.get("membership"), Membership.LEAVE),
        sender=event.sender,
        event_id=event.event_id,
        replaces_state=event.replaces_state,
        sent_at=event.sent_at,
    )


def _allowed_from(allow: object) -> frozenset[str]:
    """The rooms of a restricted join rule. Spec: client-server, m.room.join_rules, AllowCondition."""
    conditions = [each for each in allow if isinstance(each, Mapping)] if isinstance(allow, list) else []
    named = (each.get("room_id") for each in conditions if each.get("type") == "m.room_membership")
    return frozenset(room_id for room_id in named if isinstance(room_id, str))


def _choice(kind: type[_Choice], value: object, otherwise: _Choice) -> _Choice:
    return next((each for each in kind if each.value == value), otherwise)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
