# SPDX-License-Identifier: AGPL-3.0-or-later
"""Raw power levels with one entry changed, and with what that has undone put back."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import assume, given

from migrationbot.core.power import CREATOR, implied_content
from migrationbot.core.power_change import MISSING, differences, merge_lost, with_integers, with_level
from tests.core.synapse_rooms import (
    BOT,
    JUNK,
    LEVELS,
    MAKER,
    NEW,
    OLD,
    OLD_LEVELS,
    PARTNER,
    USERS,
    contents,
    read,
)


def without_empty(content: dict[str, Any]) -> dict[str, Any]:
    """An empty map says what an absent one says."""
    return {key: value for key, value in content.items() if value != {}}


# ---- Changing one entry ----------------------------------------------------------------------------------


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


# ---- Differences and merging -----------------------------------------------------------------------------


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
