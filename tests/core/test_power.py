# SPDX-License-Identifier: AGPL-3.0-or-later
"""Power levels of every room version, held against Synapse's own authorisation code."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from migrationbot.core.power import CREATOR, can_raise, implied_content, privileged_creators
from migrationbot.core.power_change import with_integers, with_level

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Twisted deprecates parts of itself while being imported
    from synapse.api.room_versions import KNOWN_ROOM_VERSIONS, RoomVersion, RoomVersions
    from synapse.event_auth import get_named_level, get_send_level, get_user_power_level
    from synapse.events.validator import POWER_LEVELS_SCHEMA, POWER_LEVELS_VALIDATOR

from tests.core.synapse_rooms import (
    BOT,
    JUNK,
    LEVELS,
    MAKER,
    NAMED,
    NEW,
    OLD,
    OLD_LEVELS,
    PARTNER,
    TYPES,
    USERS,
    Room,
    read,
    rooms,
    synapse_accepts,
    synapse_says,
)

# ---- Reading ---------------------------------------------------------------------------------------------


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


# ---- Raising ---------------------------------------------------------------------------------------------


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
