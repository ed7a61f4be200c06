# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms with any power levels, as we read them and as Synapse's own authorisation code does."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from migrationbot.core.power import PowerLevels

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Twisted deprecates parts of itself while being imported
    from synapse.api.errors import SynapseError
    from synapse.api.room_versions import KNOWN_ROOM_VERSIONS, RoomVersion
    from synapse.event_auth import check_state_dependent_auth_rules
    from synapse.events import EventBase, make_event_from_dict
    from synapse.types import StateMap


MAKER, PARTNER, BOT, OLD, NEW = (f"@{name}:x.org" for name in ("maker", "partner", "bot", "old", "new"))
USERS = st.sampled_from([MAKER, PARTNER, BOT, OLD, NEW])
TYPES = st.sampled_from(["m.room.power_levels", "m.room.name", "m.room.tombstone", "m.room.message"])
VERSIONS = st.sampled_from(sorted(KNOWN_ROOM_VERSIONS))
NAMED = ("ban", "invite", "kick", "redact", "events_default", "state_default", "users_default")
LEVELS = st.sampled_from([-1, 0, 1, 49, 50, 51, 99, 100, 101, 150]) | st.integers(1 - 2**53, 2**53 - 1)
# What rooms before version 10 may hold.
OLD_LEVELS = (
    LEVELS
    | LEVELS.map(str)
    | st.sampled_from([" 100 ", "+50", "-5", "0050", "\t75\n", "1_0", 50.57, -0.5, 1e3, True, False])
    | st.floats(-200, 200)
)
JUNK = st.sampled_from([None, "", "abc", "1.5", "0x10", [], [100], {}, {"@old:x.org": 100}])
JSON = st.none() | LEVELS | st.text(max_size=3) | st.lists(LEVELS, max_size=2)


def contents(levels: st.SearchStrategy[Any], *, other: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Contents of m.room.power_levels; with keys that nobody knows, if `other`."""
    keys: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(NAMED, levels)
    keys |= {"users": st.dictionaries(USERS, levels), "events": st.dictionaries(TYPES, levels)}
    keys |= {"notifications": st.dictionaries(st.just("room"), levels)}
    if other:
        keys |= {"org.x.other": JSON | st.dictionaries(st.text(max_size=2), JSON), "historical": JSON}
    return st.fixed_dictionaries({}, optional=keys)


@dataclass(frozen=True, kw_only=True)
class Room:
    """One room, as we read it and as Synapse does."""

    version: str
    content: dict[str, Any] | None
    additional_creators: tuple[str, ...] = ()

    @property
    def power(self) -> PowerLevels:
        """As we read them."""
        return PowerLevels.read(
            self.content,
            version=self.version,
            create_sender=MAKER,
            additional_creators=self.additional_creators,
        )

    @property
    def state(self) -> dict[tuple[str, str], EventBase]:
        """As Synapse takes it."""
        made: dict[str, Any] = {"room_version": self.version, "creator": MAKER}
        if self.additional_creators:
            made["additional_creators"] = list(self.additional_creators)
        events = [self.event("m.room.create", made)]
        if self.content is not None:
            events.append(self.event("m.room.power_levels", self.content))
        return {(event.type, event.state_key): event for event in events}

    def event(
        self, event_type: str, content: dict[str, Any], *, sender: str = MAKER, state_key: str = ""
    ) -> EventBase:
        """One event in the room, of its version."""
        version: RoomVersion = KNOWN_ROOM_VERSIONS[self.version]
        fields: dict[str, Any] = {
            "auth_events": [],
            "content": content,
            "depth": 1,
            "hashes": {"sha256": ""},
            "origin_server_ts": 1,
            "prev_events": [],
            "sender": sender,
            "signatures": {},
            "state_key": state_key,
            "type": event_type,
        }
        if self.version in ("1", "2"):
            fields["event_id"] = f"${event_type}:x.org"
        if event_type != "m.room.create" or not version.msc4291_room_ids_as_hashes:
            fields["room_id"] = "!room:x.org"
        return make_event_from_dict(fields, version)


def rooms(levels: st.SearchStrategy[Any]) -> st.SearchStrategy[Room]:
    """Rooms of every version, with such levels or without the event."""
    return st.builds(
        Room,
        version=VERSIONS,
        content=st.none() | contents(levels),
        additional_creators=st.sampled_from([(), (PARTNER,)]),
    )


def read(content: dict[str, Any] | None, version: str = "11") -> PowerLevels:
    """The levels of a room with this content, as we read them."""
    return Room(version=version, content=content).power


def synapse_says(ask: Callable[[StateMap[EventBase]], int], room: Room) -> int | None:
    """What Synapse computes; None where it fails, and so denies whatever it was asked for."""
    try:
        return ask(room.state)
    except (TypeError, ValueError, AttributeError, OverflowError):
        return None


def synapse_accepts(room: Room, sender: str, content: dict[str, Any]) -> bool:
    """Whether Synapse's authorisation rules let a joined `sender` make this the room's power levels."""
    joined = room.event("m.room.member", {"membership": "join"}, sender=sender, state_key=sender)
    event = room.event("m.room.power_levels", content, sender=sender)
    try:
        check_state_dependent_auth_rules(event, [*room.state.values(), joined])
    except SynapseError:
        return False
    return True
