# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who came and who left, read from what a homeserver, and through it any other one, may put into a sync."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrationbot.matrix.comings import Departure, Invite, Join, departures_in, invites_in, joins_in

BOT, ALICE, MALLORY = "@bot:old.org", "@alice:old.org", "@mallory:evil.org"
ROOM = "!room:old.org"


def member(user_id: str, membership: str, **other: Any) -> dict[str, Any]:
    """A member event."""
    event = {"type": "m.room.member", "state_key": user_id, "sender": user_id}
    return {**event, "content": {"membership": membership}, **other}


def synced(*timeline: Any, state: tuple[Any, ...] = (), **room: Any) -> dict[str, Any]:
    """A sync answer with one joined room."""
    shown = {"timeline": {"events": list(timeline)}, "state": {"events": list(state)}, **room}
    return {"rooms": {"join": {ROOM: shown}}}


def invited(*events: Any) -> dict[str, Any]:
    """The section `rooms.invite` with one room."""
    return {ROOM: {"invite_state": {"events": list(events)}}}


def test_an_invite_names_who_sent_it() -> None:
    section = invited(member(ALICE, "join"), member(BOT, "invite", sender=ALICE))
    assert list(invites_in(section, bot=BOT)) == [Invite(room_id=ROOM, senders=frozenset({ALICE}))]


def test_another_server_can_put_a_second_inviter_in_but_not_hide_the_first() -> None:
    section = invited(member(BOT, "invite", sender=ALICE), member(BOT, "invite", sender=MALLORY))
    (invite,) = invites_in(section, bot=BOT)
    assert invite.senders == {ALICE, MALLORY}


def test_a_join_is_told_apart_from_a_new_display_name() -> None:
    fresh = member(BOT, "join", unsigned={"prev_content": {"membership": "invite"}})
    renamed = member(BOT, "join", unsigned={"prev_content": {"membership": "join"}})
    unknown = member(BOT, "join", unsigned={"replaces_state": "$before"})
    for event in (fresh, member(BOT, "join")):
        assert list(joins_in(synced(event), bot=BOT)) == [Join(room_id=ROOM, alone=True)]
    for event in (renamed, unknown, member(ALICE, "join")):
        assert list(joins_in(synced(event), bot=BOT)) == []


def test_where_events_crossed_an_older_join_is_shown_as_state_and_is_no_news() -> None:
    older = member(BOT, "join", unsigned={"prev_content": {"membership": "invite"}})
    assert list(joins_in(synced(state=(older,)), bot=BOT)) == []


def test_a_bot_that_comes_to_others_is_not_alone() -> None:
    here = synced(member(BOT, "join"), state=(member(ALICE, "join"),))
    counted = synced(member(BOT, "join"), summary={"m.joined_member_count": 2})
    gone = synced(member(BOT, "join"), state=(member(ALICE, "leave"),), summary={"m.joined_member_count": 1})
    for answer, alone in ((here, False), (counted, False), (gone, True)):
        assert [join.alone for join in joins_in(answer, bot=BOT)] == [alone]


def test_departures_are_those_of_others() -> None:
    gone = (member(ALICE, "leave"), member(MALLORY, "ban"))
    others = (member(BOT, "leave"), member(ALICE, "join"))
    found = list(departures_in(synced(*gone, *others, state=(member("@c:old.org", "leave"),)), bot=BOT))
    assert found == [Departure(room_id=ROOM, count=3, joined=None)]
    assert list(departures_in(synced(*others), bot=BOT)) == []


def test_a_sync_that_counts_the_members_is_believed() -> None:
    answer = synced(member(ALICE, "leave"), summary={"m.joined_member_count": 4})
    assert [each.joined for each in departures_in(answer, bot=BOT)] == [4]


NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from([BOT, "m.room.member"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "state_key", "content", "membership", "unsigned", "sender", "events"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(NONSENSE, NONSENSE)
def test_nonsense_is_nothing(events: object, summary: object) -> None:
    shown = {"timeline": {"events": events}, "state": events, "summary": summary}
    for room in (shown, events):
        answer = {"rooms": {"join": {ROOM: room}}}
        assert all(isinstance(each, Join) for each in joins_in(answer, bot=BOT))
        assert all(each.count > 0 for each in departures_in(answer, bot=BOT))
    for section in ({ROOM: {"invite_state": events}}, {ROOM: events}):
        (invite,) = invites_in(section, bot=BOT)
        assert invite == Invite(room_id=ROOM, senders=invite.senders)


@pytest.mark.parametrize("answer", [{}, {"rooms": None}, {"rooms": {"join": None}}])
def test_a_sync_without_rooms_is_nothing(answer: dict[str, Any]) -> None:
    assert [*joins_in(answer, bot=BOT), *departures_in(answer, bot=BOT)] == []
