# SPDX-License-Identifier: AGPL-3.0-or-later
"""Power levels of every room version: reading them, and who may raise whom.

Spec: client-server, m.room.power_levels; room versions, authorisation rules; MSC4289 (room version 12).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Level: TypeAlias = int

CREATOR: Final = 2**53  # the infinite level of a v12 creator: integers in Matrix end one below
HIGHEST: Final = CREATOR - 1  # what an entry can say at most
_ADMIN: Final = 100  # what a room usually asks for at most

# Defaults, with or without the event. Spec: client-server, m.room.power_levels.
DEFAULTS: Final[Mapping[str, Level]] = {
    "ban": 50,
    "events_default": 0,
    "invite": 0,
    "kick": 50,
    "redact": 50,
    "state_default": 50,
    "users_default": 0,
}
MAPS: Final = ("events", "notifications", "users")  # the keys that hold levels by name

_FROM_12_ON = re.compile(r"1[2-9]|[2-9][0-9]|[1-9][0-9]{2,}")
_LIKE_12: Final = frozenset({"org.matrix.hydra.11", "org.matrix.msc4242.12"})  # unstable versions


def privileged_creators(version: str) -> bool:
    """Whether creators have infinite power in rooms of that version (MSC4289): 12 and later.

    A version that we don't know is taken to give none: better that a creator is told of a level that it
    seems to lack than that someone is believed who was demoted.
    """
    return version in _LIKE_12 or _FROM_12_ON.fullmatch(version) is not None


def implied_content(*, version: str, create_sender: str) -> dict[str, Any]:
    """Content that leaves everything as it is in a room that has no m.room.power_levels."""
    return {} if privileged_creators(version) else {"users": {create_sender: _ADMIN}}


@dataclass(frozen=True, kw_only=True)
class PowerLevels:
    """Who has which power level in a room, and what the room asks for. All levels are plain numbers."""

    creators: frozenset[str]  # those with infinite power: none before version 12
    users: Mapping[str, Level]  # the explicit entries, without creators
    users_default: Level  # everyone else
    events: Mapping[str, Level]  # what sending an event type asks
    notifications: Mapping[str, Level]
    events_default: Level  # what sending any other message asks
    state_default: Level  # what setting any other state asks
    invite: Level
    kick: Level
    ban: Level
    redact: Level

    @classmethod
    def read(
        cls,
        content: Mapping[str, Any] | None,
        *,
        version: str,
        create_sender: str,
        additional_creators: Collection[str] = (),
    ) -> PowerLevels:
        """Read raw content; None when the room has no such event. Never raises.

        What Synapse reads as a number is that number (strings and floats stand in old rooms). What it can't
        read counts as absent, except that a user entry then gives no more than 0.
        """
        creators = {create_sender, *additional_creators} if privileged_creators(version) else set()
        if content is None:
            content = implied_content(version=version, create_sender=create_sender)
        named = {name: _or_default(content.get(name), default) for name, default in DEFAULTS.items()}
        named["users_default"] = min(named["users_default"], HIGHEST)
        lowest = min(0, named["users_default"])
        users = {
            user_id: min(_or_default(value, lowest), HIGHEST)
            for user_id, value in as_mapping(content.get("users")).items()
            if value is not None and user_id not in creators
        }
        return cls(
            creators=frozenset(creators),
            users=users,
            events=_readable(content.get("events")),
            notifications=_readable(content.get("notifications")),
            **named,
        )

    def is_creator(self, user_id: str) -> bool:
        """Whether the account has infinite power."""
        return user_id in self.creators

    def level_of(self, user_id: str) -> Level:
        """The account's power level; `CREATOR` for one with infinite power."""
        return CREATOR if self.is_creator(user_id) else self.users.get(user_id, self.users_default)

    def explicit(self, user_id: str) -> Level | None:
        """The account's own entry; None without one, and for creators, who can have none."""
        return self.users.get(user_id)

    def to_send(self, event_type: str, *, state: bool = True) -> Level:
        """The level that sending this type asks, as state or as a message. Memberships have their own levels.

        m.room.tombstone is no exception: in version 12 servers write 150 into `events` of new rooms.
        """
        return self.events.get(event_type, self.state_default if state else self.events_default)

    @property
    def highest_asked(self) -> Level:
        """The highest level that the room asks for anything, at least 100: a creator's worth as a number."""
        named = (self.ban, self.events_default, self.invite, self.kick, self.redact, self.state_default)
        return max(_ADMIN, *named, *self.events.values(), *self.notifications.values())


def can_raise(power: PowerLevels, *, sender: str, target: str, level: Level) -> bool:
    """Whether `sender`, being in the room, may set the entry of `target` to `level`.

    Spec: room versions, authorisation rules, m.room.power_levels. In a room without that event any first
    one is allowed; we hold to the same bounds there.
    """
    has = power.level_of(sender)
    if power.is_creator(target) or has < power.to_send("m.room.power_levels"):
        return False
    current = power.explicit(target)
    may_touch = target == sender or current is None or current < has
    return may_touch and level <= min(has, HIGHEST)


def number_in(value: object) -> Level | None:
    """The number that Synapse's `int()` makes of a raw value; None where it makes none.

    Spec: room version 9, "values as strings"; room version 5, "values as floats". Later versions keep all but
    integers out, so they need no rule of their own.
    """
    if not isinstance(value, int | float | str):
        return None
    try:
        return int(value)
    except (ValueError, OverflowError):  # "abc", NaN, infinity
        return None


def as_mapping(value: object) -> Mapping[str, Any]:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def _or_default(value: object, default: Level) -> Level:
    level = number_in(value)
    return default if level is None else level


def _readable(value: object) -> dict[str, Level]:
    levels = ((name, number_in(each)) for name, each in as_mapping(value).items())
    return {name: level for name, level in levels if level is not None}
