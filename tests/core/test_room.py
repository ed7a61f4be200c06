# SPDX-License-Identifier: AGPL-3.0-or-later
"""A room as it is read from raw state, however malformed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrationbot.core.history import Visibility
from migrationbot.core.power import CREATOR
from migrationbot.core.room import JoinRule, Membership, StateEvent, read_room, with_state
from tests.core.worlds import BOT, CAROL, ERIN, NEW, OLD, ROOM, member, room, state

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
KINDS = st.sampled_from(
    [
        *("create", "power_levels", "history_visibility", "join_rules", "server_acl", "tombstone"),
        *("encryption", "name", "member"),
    ]
)
KEYS = st.sampled_from(
    [
        *("room_version", "m.federate", "additional_creators", "users", "history_visibility", "join_rule"),
        *("allow", "deny", "allow_ip_literals", "replacement_room", "name", "membership"),
    ]
)
CONTENTS = st.dictionaries(KEYS, JSON, max_size=4)


def test_a_room_without_its_first_event_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match=f"no m.room.create of {ROOM}"):
        read_room(ROOM, [state("m.room.name", {"name": "A room"})])


def test_a_room_with_nothing_but_its_first_event_has_the_defaults_of_the_specification() -> None:
    bare = read_room(ROOM, [state("m.room.create", {}, sender=CAROL)])
    assert (bare.version, bare.create_sender, bare.federates) == ("1", CAROL, True)
    assert bare.visibility is Visibility.SHARED
    assert bare.join_rule is JoinRule.INVITE
    assert (bare.name, bare.acl, bare.encrypted, bare.successor) == (None, None, False, None)
    assert (bare.power_event, bare.history_event) == (None, None)
    assert bare.membership(CAROL) is Membership.LEAVE


def test_a_room_is_read_as_it_says() -> None:
    told = room(
        state("m.room.name", {"name": "A room"}),
        state("m.room.join_rules", {"join_rule": "knock_restricted"}),
        state("m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}),
        visibility="joined",
        version="11",
    )
    assert (told.name, told.version, told.join_rule) == ("A room", "11", JoinRule.KNOCK_RESTRICTED)
    assert told.encrypted
    assert told.visibility is Visibility.JOINED
    assert told.history_event is not None
    assert told.power_event is not None


@pytest.mark.parametrize("content", [{"replacement_room": "!next:old.org"}, {}, {"replacement_room": 7}])
def test_a_tombstone_closes_a_room_even_when_it_names_no_successor(content: dict[str, Any]) -> None:
    named = content.get("replacement_room")
    assert room(state("m.room.tombstone", content)).successor == (named if isinstance(named, str) else "")


@pytest.mark.parametrize("value", ["", 7, None, [], {"a": 1}])
def test_a_name_that_says_nothing_is_none(value: Any) -> None:
    assert room(state("m.room.name", {"name": value})).name is None


@pytest.mark.parametrize("rule", ["", "anyone", None, 3, []])
def test_an_unknown_join_rule_lets_nobody_in_without_an_invite(rule: Any) -> None:
    assert room(state("m.room.join_rules", {"join_rule": rule})).join_rule is JoinRule.INVITE


@pytest.mark.parametrize("value", ["", "JOIN", "owner", None, True, []])
def test_an_unknown_membership_is_none(value: Any) -> None:
    odd = state("m.room.member", {"membership": value}, key=ERIN, sender=ERIN)
    assert room(odd).membership(ERIN) is Membership.LEAVE


def test_members_are_known_with_who_made_them_so() -> None:
    now = room(member(NEW, "invite", by=CAROL))
    assert now.joined(OLD)
    assert now.members[OLD].by_self
    assert not now.joined(NEW)
    assert not now.members[NEW].by_self
    assert now.membership("@stranger:old.org") is Membership.LEAVE


def test_only_a_member_holds_its_level() -> None:
    assert room().holds(CAROL, 100)
    assert not room().holds(CAROL, 101)
    assert not room(member(CAROL, "leave")).holds(CAROL, 0)


def test_the_server_acl_decides_whose_server_may_take_part() -> None:
    denied = room(state("m.room.server_acl", {"allow": ["*"], "deny": ["new.org"]}))
    assert not denied.admits_server_of(NEW)
    assert denied.admits_server_of(OLD)
    assert room().admits_server_of(NEW)


def test_a_room_that_does_not_federate_holds_accounts_of_its_own_server_only() -> None:
    alone = room(create={"m.federate": False})
    assert not alone.federates_with(NEW)
    assert alone.federates_with(ERIN)
    assert room(create={"m.federate": "no"}).federates_with(NEW)


@pytest.mark.parametrize("named", [[BOT], [BOT, 7, None], "@bot:old.org", None])
def test_creators_are_those_that_are_named_as_a_list_of_user_ids(named: Any) -> None:
    power = room(version="12", create={"additional_creators": named}).power
    assert power.level_of(CAROL) == CREATOR
    assert power.is_creator(BOT) is isinstance(named, list)


@given(st.lists(st.tuples(KINDS, st.sampled_from(["", NEW]), CONTENTS), max_size=6), CONTENTS)
def test_malformed_state_never_raises_and_never_gives_power(
    events: list[tuple[str, str, dict[str, Any]]], create: dict[str, Any]
) -> None:
    first = state("m.room.create", {**create, "additional_creators": []}, sender=CAROL)
    others: list[StateEvent] = [
        state(f"m.room.{kind}", content, key=key)
        for kind, key, content in events
        if (kind, key) != ("create", "")
    ]
    read = read_room(ROOM, [first, *others])
    given_by = [event for event in others if event.type == "m.room.power_levels" and event.state_key == ""]
    if not given_by:
        assert all(read.power.level_of(user) <= 0 for user in (BOT, NEW, OLD, ERIN))


MEMBER = ("m.room.member", NEW)
LEVELS = ("m.room.power_levels", "")
SETTING = ("m.room.history_visibility", "")
ADDRESS = ("m.room.canonical_alias", "")


@given(
    version=st.sampled_from(["1", "11", "12"]),
    place=st.sampled_from([MEMBER, LEVELS, SETTING, ADDRESS]),
    before=st.none() | CONTENTS,
    after=st.none() | CONTENTS,
)
def test_one_piece_read_anew_makes_the_same_room_as_reading_all_of_it(
    version: str, place: tuple[str, str], before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    create = state("m.room.create", {"room_version": version, "additional_creators": [CAROL]}, sender=OLD)
    rest = [create, member(OLD, "join"), member(BOT, "join")]

    def read(content: dict[str, Any] | None) -> list[StateEvent]:
        return [] if content is None else [state(place[0], content, key=place[1])]

    event = next(iter(read(after)), None)
    assert with_state(read_room(ROOM, rest + read(before)), place, event) == read_room(
        ROOM, rest + read(after)
    )
