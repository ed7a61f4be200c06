# SPDX-License-Identifier: AGPL-3.0-or-later
"""Power levels of every room version, held against Synapse's own authorisation code."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from migrationbot.core.power import CREATOR, PowerLevels, can_raise, implied_content, privileged_creators
from migrationbot.core.power_change import MISSING, differences, merge_lost, with_integers, with_level

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Twisted deprecates parts of itself while being imported
    from synapse.api.errors import SynapseError
    from synapse.api.room_versions import KNOWN_ROOM_VERSIONS, RoomVersion, RoomVersions
    from synapse.event_auth import (
        check_state_dependent_auth_rules,
        get_named_level,
        get_send_level,
        get_user_power_level,
    )
    from synapse.events import EventBase, make_event_from_dict
    from synapse.events.validator import POWER_LEVELS_SCHEMA, POWER_LEVELS_VALIDATOR
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
        return PowerLevels.read(
            self.content,
            version=self.version,
            create_sender=MAKER,
            additional_creators=self.additional_creators,
        )

    @property
    def state(self) -> dict[tuple[str, str], EventBase]:
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
    return st.builds(
        Room,
        version=VERSIONS,
        content=st.none() | contents(levels),
        additional_creators=st.sampled_from([(), (PARTNER,)]),
    )


def read(content: dict[str, Any] | None, version: str = "11") -> PowerLevels:
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


def without_empty(content: dict[str, Any]) -> dict[str, Any]:
    """An empty map says what an absent one says."""
    return {key: value for key, value in content.items() if value != {}}


# Reading


@pytest.mark.parametrize("version", [str(number) for number in range(1, 12)])
def test_without_the_event_the_creator_has_100_before_version_12(version: str) -> None:
    power = read(None, version)
    assert (power.level_of(MAKER), power.level_of(NEW)) == (100, 0)
    assert power.explicit(MAKER) == 100
    assert not power.is_creator(MAKER)
    assert power.creators == frozenset()


def test_without_the_event_a_version_12_creator_has_infinite_power() -> None:
    power = Room(version="12", content=None, additional_creators=(PARTNER,)).power
    assert power.creators == {MAKER, PARTNER}
    assert (power.level_of(MAKER), power.level_of(PARTNER), power.level_of(NEW)) == (CREATOR, CREATOR, 0)
    assert power.explicit(MAKER) is None


@pytest.mark.parametrize("content", [None, {}])
def test_absent_keys_have_the_defaults_of_the_spec(content: dict[str, Any] | None) -> None:
    power = read(content)
    assert (power.ban, power.kick, power.redact, power.invite) == (50, 50, 50, 0)
    assert (power.users_default, power.events_default, power.state_default) == (0, 0, 50)
    assert power.to_send("m.room.name") == 50
    assert power.to_send("m.room.message", state=False) == 0


@pytest.mark.parametrize("version", ["11", "12"])
def test_a_tombstone_asks_what_the_room_says_or_what_other_state_asks(version: str) -> None:
    assert read({"events": {"m.room.tombstone": 150}}, version).to_send("m.room.tombstone") == 150
    assert read({}, version).to_send("m.room.tombstone") == 50


@pytest.mark.parametrize(
    ("value", "level"),
    [(100, 100), ("100", 100), (" 100 ", 100), ("+50", 50), ("-5", -5), ("0050", 50), (50.57, 50), (True, 1)],
)
def test_levels_are_the_numbers_that_they_mean(value: object, level: int) -> None:
    power = read({"users": {OLD: value}, "ban": value, "events": {"m.room.name": value}}, "5")
    assert (power.level_of(OLD), power.explicit(OLD), power.ban) == (level, level, level)
    assert power.to_send("m.room.name") == level


@pytest.mark.parametrize(
    "value", ["", "abc", "9" * 5000, [], [100], {}, {"a": 1}, float("nan"), float("inf")]
)
def test_what_is_no_level_is_read_without_an_error_and_never_as_power(value: object) -> None:
    content = dict.fromkeys(NAMED, value) | {"users": {OLD: value}, "events": {"m.room.name": value}}
    power = read(content, "1")
    assert power.level_of(OLD) == power.level_of(NEW) == 0
    assert (power.ban, power.to_send("m.room.name"), power.highest_asked) == (50, 50, 100)


def test_an_unreadable_entry_gives_nobody_a_generous_default() -> None:
    assert read({"users": {OLD: "x"}, "users_default": 50}).level_of(OLD) == 0
    assert read({"users": {OLD: "x"}, "users_default": -5}).level_of(OLD) == -5
    assert read({"users": {OLD: None}, "users_default": 50}).level_of(OLD) == 50


@pytest.mark.parametrize("value", [None, 5, "x", [OLD]])
def test_malformed_maps_count_as_absent(value: object) -> None:
    assert read({"users": value, "events": value, "notifications": value}) == read({})


def test_nobody_but_a_creator_reaches_a_creators_level() -> None:
    power = read({"users": {OLD: 2**60}, "users_default": "9" * 30}, "5")
    assert power.level_of(OLD) == power.level_of(NEW) == CREATOR - 1


def test_a_creators_entry_is_not_read() -> None:
    power = read({"users": {MAKER: 10, OLD: 20}}, "12")
    assert power.users == {OLD: 20}
    assert power.level_of(MAKER) == CREATOR


@pytest.mark.parametrize(
    ("content", "highest"),
    [
        (None, 100),
        ({"users": {OLD: 500}}, 100),
        ({"users_default": 500}, 100),
        ({"events": {"m.room.tombstone": 150}}, 150),
        ({"ban": "200"}, 200),
        ({"notifications": {"room": 120}}, 120),
        ({"state_default": 130}, 130),
    ],
)
def test_a_creators_worth_is_the_most_that_the_room_asks(
    content: dict[str, Any] | None, highest: int
) -> None:
    assert read(content, "12").highest_asked == highest


@pytest.mark.parametrize(
    "version", [*KNOWN_ROOM_VERSIONS.values(), RoomVersions.MSC1767v10, RoomVersions.MSC4242v12]
)
def test_synapse_gives_creators_power_in_the_same_versions(version: RoomVersion) -> None:
    assert privileged_creators(version.identifier) is version.msc4289_creator_power_enabled


@pytest.mark.parametrize("version", ["13", "20", "99", "100", "123"])
def test_later_versions_are_taken_to_keep_creators_power(version: str) -> None:
    assert privileged_creators(version)


@pytest.mark.parametrize("version", ["", "0", "012", "12 ", "12.1", "١٢", "org.example.12", "1e9", "12\n"])
def test_a_version_that_nobody_knows_gives_nobody_infinite_power(version: str) -> None:
    assert not privileged_creators(version)


@given(room=rooms(OLD_LEVELS | JUNK), user_id=USERS)
def test_synapse_computes_the_same_level_for_everyone(room: Room, user_id: str) -> None:
    theirs = synapse_says(lambda state: get_user_power_level(user_id, state), room)
    ours = room.power.level_of(user_id)
    assert ours <= 0 if theirs is None else ours == theirs


@given(room=rooms(OLD_LEVELS | JUNK), event_type=TYPES, is_state=st.booleans())
def test_synapse_asks_the_same_level_for_sending(room: Room, event_type: str, is_state: bool) -> None:
    state_key = "" if is_state else None
    theirs = synapse_says(
        lambda state: get_send_level(event_type, state_key, state.get(("m.room.power_levels", ""))), room
    )
    assert theirs in (None, room.power.to_send(event_type, state=is_state))


@given(room=rooms(OLD_LEVELS | JUNK))
def test_synapse_asks_the_same_levels_for_members(room: Room) -> None:
    for name, default in {"invite": 0, "kick": 50, "ban": 50, "redact": 50}.items():
        theirs = synapse_says(partial(get_named_level, name=name, default=default), room)
        assert theirs in (None, getattr(room.power, name))


@given(room=rooms(OLD_LEVELS | JUNK), user_id=USERS)
def test_a_missing_event_and_what_it_implies_are_read_alike(room: Room, user_id: str) -> None:
    implied = implied_content(version=room.version, create_sender=MAKER)
    written = Room(version=room.version, content=implied, additional_creators=room.additional_creators)
    absent = Room(version=room.version, content=None, additional_creators=room.additional_creators)
    assert written.power == absent.power
    assert get_user_power_level(user_id, written.state) == get_user_power_level(user_id, absent.state)


# Raising


def test_a_bot_at_100_raises_to_100_and_can_not_touch_its_equals() -> None:
    power = read({"users": {BOT: 100, OLD: 100, PARTNER: 99}})
    assert can_raise(power, sender=BOT, target=NEW, level=100)
    assert not can_raise(power, sender=BOT, target=NEW, level=101)
    assert can_raise(power, sender=BOT, target=PARTNER, level=0)
    assert not can_raise(power, sender=BOT, target=OLD, level=0)
    assert can_raise(power, sender=OLD, target=OLD, level=0)
    assert not can_raise(power, sender=OLD, target=OLD, level=101)


def test_nobody_raises_anyone_without_the_level_for_power_changes() -> None:
    content: dict[str, Any] = {"users": {BOT: 50}, "events": {"m.room.power_levels": 51}}
    assert not can_raise(read(content), sender=BOT, target=NEW, level=10)
    assert can_raise(read({"users": {BOT: 50}}), sender=BOT, target=NEW, level=50)


def test_a_creator_gives_any_level_but_its_own_and_can_be_given_none() -> None:
    power = read({"users": {BOT: 100}}, "12")
    assert can_raise(power, sender=MAKER, target=NEW, level=CREATOR - 1)
    assert not can_raise(power, sender=MAKER, target=NEW, level=CREATOR)
    assert not can_raise(power, sender=BOT, target=MAKER, level=100)
    assert not can_raise(power, sender=MAKER, target=MAKER, level=100)


@given(room=rooms(LEVELS), sender=USERS, target=USERS, level=LEVELS)
def test_synapse_accepts_exactly_the_changes_that_we_may_make(
    room: Room, sender: str, target: str, level: int
) -> None:
    power = room.power
    assume(not power.creators & (room.content or {}).get("users", {}).keys())  # no v12 room can hold that
    content = (
        implied_content(version=room.version, create_sender=MAKER) if room.content is None else room.content
    )
    accepted = synapse_accepts(room, sender, with_level(content, target, level))
    ours = can_raise(power, sender=sender, target=target, level=level)
    assert accepted or not ours
    if room.content is not None and level != power.explicit(target):  # else Synapse has nothing to check
        assert ours is accepted


@given(room=rooms(OLD_LEVELS), sender=USERS, target=USERS, level=LEVELS)
def test_synapse_accepts_what_we_write_into_an_old_room(
    room: Room, sender: str, target: str, level: int
) -> None:
    assume(room.content is not None)
    assume(not KNOWN_ROOM_VERSIONS[room.version].enforce_int_power_levels)
    assert room.content is not None
    written = with_level(with_integers(room.content), target, level)
    POWER_LEVELS_VALIDATOR(POWER_LEVELS_SCHEMA).validate(written)  # what Synapse asks of its own users
    if can_raise(room.power, sender=sender, target=target, level=level):
        assert synapse_accepts(room, sender, written)
        after = Room(version=room.version, content=written)
        assert get_user_power_level(target, after.state) == after.power.level_of(target) == level


# Changing one entry


@given(content=contents(OLD_LEVELS | JUNK, other=True), user_id=USERS, level=LEVELS)
def test_setting_a_level_changes_that_entry_and_nothing_else(
    content: dict[str, Any], user_id: str, level: int
) -> None:
    before = deepcopy(content)
    after = with_level(content, user_id, level)
    assert content == before
    assert after["users"][user_id] == level
    old = content.get("users", {}).get(user_id, MISSING)
    unchanged = type(old) is int and old == level
    assert differences(content, after) == ({} if unchanged else {f"users.{user_id}": (old, level)})


def test_no_result_shares_anything_with_what_it_was_made_from() -> None:
    content: dict[str, Any] = {"events": {"m.room.name": 50}, "org.x": {"deep": [1]}}
    before = deepcopy(content)
    for after in (
        with_level(content, NEW, 5),
        with_integers(content),
        merge_lost({}, {}, content),
        merge_lost({}, content, {}),
        merge_lost({"org.x": 1}, {"org.x": content}, {"org.x": 1})["org.x"],
    ):
        after["events"]["m.room.name"] = 0
        after["org.x"]["deep"].append(2)
        assert content == before


@pytest.mark.parametrize("users", [None, [], "x", 5])
def test_a_malformed_map_of_users_is_not_written_over(users: object) -> None:
    with pytest.raises(ValueError, match="users"):
        with_level({"users": users}, NEW, 50)


@pytest.mark.parametrize("level", [CREATOR, -CREATOR])
def test_no_level_is_written_that_json_can_not_hold(level: int) -> None:
    with pytest.raises(ValueError, match="no power level"):
        with_level({}, NEW, level)


def test_an_absent_event_is_not_written_with_one_entry_that_would_drop_the_creator() -> None:
    with pytest.raises(ValueError, match="implied_content"):
        with_level(None, NEW, 50)
    content = with_level(implied_content(version="9", create_sender=MAKER), NEW, 50)
    assert content == {"users": {MAKER: 100, NEW: 50}}


@given(content=contents(OLD_LEVELS | JUNK, other=True))
def test_integers_mean_what_was_there(content: dict[str, Any]) -> None:
    before = deepcopy(content)
    plain = with_integers(content)
    assert content == before
    assert read(plain) == read(content)
    assert {key: plain[key] for key in plain if key in ("org.x.other", "historical")} == {
        key: content[key] for key in content if key in ("org.x.other", "historical")
    }


def test_integers_leave_alone_what_is_no_level() -> None:
    content: dict[str, Any] = {
        "ban": "50",
        "kick": None,
        "users": {OLD: "100", NEW: "x"},
        "events": [],
        "org.x": "5",
    }
    assert with_integers(content) == {
        "ban": 50,
        "kick": None,
        "users": {OLD: 100, NEW: "x"},
        "events": [],
        "org.x": "5",
    }


# Differences and merging


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"ban": 50}, {"ban": 50}, {}),
        ({"ban": 50}, {"ban": 60}, {"ban": (50, 60)}),
        ({"ban": 1}, {"ban": True}, {"ban": (1, True)}),
        ({"ban": 50}, {"ban": "50"}, {"ban": (50, "50")}),
        ({"ban": 50}, {}, {"ban": (50, MISSING)}),
        ({}, {"ban": None}, {"ban": (MISSING, None)}),
        ({}, {"users": {OLD: 5}}, {f"users.{OLD}": (MISSING, 5)}),
        ({"users": {OLD: 5}}, {}, {f"users.{OLD}": (5, MISSING)}),
        ({"users": {}}, {}, {"users": ({}, MISSING)}),
        ({"users": {OLD: 5}}, {"users": 5}, {"users": ({OLD: 5}, 5)}),
        ({}, {"events": {"m.room.name": 5}}, {"events.m.room.name": (MISSING, 5)}),
        (
            {"a.b": 1, "c\\d": 1},
            {"a": {"b": 1}},
            {"a\\.b": (1, MISSING), "c\\\\d": (1, MISSING), "a.b": (MISSING, 1)},
        ),
    ],
)
def test_differences_name_each_path(
    before: dict[str, Any], after: dict[str, Any], changes: dict[str, tuple[Any, Any]]
) -> None:
    assert differences(before, after) == changes


@given(before=contents(OLD_LEVELS | JUNK, other=True), after=contents(OLD_LEVELS | JUNK, other=True))
def test_differences_are_the_same_seen_from_the_other_side(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    there, back = differences(before, after), differences(after, before)
    assert {path: (new, old) for path, (old, new) in there.items()} == back
    assert differences(before, deepcopy(before)) == {}


@given(based_on=contents(OLD_LEVELS, other=True), lost=contents(OLD_LEVELS, other=True), level=LEVELS)
def test_a_merge_keeps_both_changes_when_they_touch_different_keys(
    based_on: dict[str, Any], lost: dict[str, Any], level: int
) -> None:
    entry = based_on.get("users", {}).get(NEW, MISSING)
    lost["users"] = {user: each for user, each in lost.get("users", {}).items() if user != NEW}
    if entry is not MISSING:
        lost["users"][NEW] = entry
    inputs = deepcopy((based_on, lost))
    ours = with_level(based_on, NEW, level)
    merged = merge_lost(based_on, lost, ours)
    changed = differences(without_empty(lost), without_empty(merged))
    assert changed.keys() <= {f"users.{NEW}"}
    assert merged["users"][NEW] == level
    assert (based_on, lost) == inputs
    assert ours == with_level(based_on, NEW, level)


@given(
    based_on=contents(OLD_LEVELS, other=True),
    lost=contents(OLD_LEVELS, other=True),
    ours=contents(OLD_LEVELS, other=True),
)
def test_a_merge_takes_each_key_from_whoever_changed_it(
    based_on: dict[str, Any], lost: dict[str, Any], ours: dict[str, Any]
) -> None:
    merged = merge_lost(based_on, lost, ours)
    assert merge_lost(based_on, based_on, ours) == ours
    assert merge_lost(based_on, lost, merged) == merged
    theirs = differences(based_on, lost)
    for path, (was, now) in differences(ours, merged).items():
        assert path in theirs or now == {} or was == {}


@given(based_on=contents(LEVELS), theirs=LEVELS, ours=LEVELS)
def test_where_both_set_one_level_ours_stands_unless_theirs_is_higher(
    based_on: dict[str, Any], theirs: int, ours: int
) -> None:
    entry = based_on.get("users", {}).get(NEW)
    assume(entry not in (theirs, ours))
    merged = merge_lost(based_on, with_level(based_on, NEW, theirs), with_level(based_on, NEW, ours))
    assert merged["users"][NEW] == max(theirs, ours)


def test_a_demotion_in_an_old_room_is_not_undone_because_we_write_integers() -> None:
    based_on = {"users": {BOT: "100", PARTNER: "50", OLD: "50"}, "ban": "50"}
    lost = {"users": {BOT: "100", PARTNER: "0"}, "ban": "50"}
    ours = with_level(with_integers(based_on), NEW, 50)
    assert with_integers(merge_lost(based_on, lost, ours)) == {
        "users": {BOT: 100, PARTNER: 0, NEW: 50},
        "ban": 50,
    }


@pytest.mark.parametrize(
    ("based_on", "lost", "ours", "merged"),
    [
        ({"users": {OLD: 5}}, {"users": {}}, {"users": {OLD: 5, NEW: 5}}, {"users": {NEW: 5}}),
        ({"users": {NEW: 5}}, {"users": {}}, {"users": {NEW: 9}}, {"users": {NEW: 9}}),
        ({"ban": 50}, {}, {"ban": 50, "kick": 1}, {"kick": 1}),
        ({}, {"events": {"m.room.name": 5}}, {}, {"events": {"m.room.name": 5}}),
        ({}, {"events": {"m.room.name": 5}}, {"events": 7}, {"events": 7}),
        ({"events": {"m.room.name": 5}}, {"events": {}}, {}, {}),
        ({"org.x": [1]}, {"org.x": [1, 2]}, {"org.x": [1], "ban": 1}, {"org.x": [1, 2], "ban": 1}),
    ],
)
def test_what_was_lost_is_merged_back(
    based_on: dict[str, Any], lost: dict[str, Any], ours: dict[str, Any], merged: dict[str, Any]
) -> None:
    assert merge_lost(based_on, lost, ours) == merged
