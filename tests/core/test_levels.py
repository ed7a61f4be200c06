# SPDX-License-Identifier: AGPL-3.0-or-later
"""The level that a move gives, and the level that it takes to approve it."""

from __future__ import annotations

from typing import Any

import pytest

from migrationbot.core.able import may_speak
from migrationbot.core.history import Visibility
from migrationbot.core.levels import level_asked_now, level_needed
from migrationbot.core.move import Options
from migrationbot.core.ways import Way, needs_invite, via
from tests.core.worlds import (
    BOT,
    CAROL,
    NEW,
    OLD,
    member,
    move,
    moving,
    opening,
    plan,
    room,
    state,
    with_levels,
)

ASKING = with_levels({OLD: 40}, invite=60, kick=75, events={"m.room.history_visibility": 80})


@pytest.mark.parametrize(
    ("facts", "asked"),
    [
        ({"plan": plan(way=Way.INVITED, level=0)}, 0),
        ({"plan": plan(way=Way.INVITED)}, 50),  # to change power levels, for the old account's 40
        ({"plan": plan()}, 60),  # to invite
        ({"plan": plan(way=Way.PUBLIC)}, 60),  # the room is public no more
        ({"plan": opening(Visibility.JOINED)}, 80),
        ({"plan": plan(way=Way.INVITED, level=0), "options": Options(step_down=True)}, 50),
        ({"plan": plan(way=Way.INVITED, level=0), "options": Options(leave=True)}, 75),
    ],
)
def test_an_approver_must_be_able_to_do_by_hand_what_the_move_does(facts: dict[str, Any], asked: int) -> None:
    invited = [member(NEW, "invite", by=CAROL)] if facts["plan"].way is Way.INVITED else []
    here = room(*invited, levels=ASKING)
    assert level_asked_now(move(**facts), here) == asked


def test_the_level_that_is_given_is_asked_too() -> None:
    assert level_asked_now(move(plan=plan(level=90)), room(levels=with_levels({OLD: 95}, invite=60))) == 90


def test_the_bot_needs_what_all_of_it_asks() -> None:
    here = room(levels=with_levels({BOT: 0, NEW: 0}, invite=60, events={"m.room.history_visibility": 120}))
    assert level_needed(moving(), here) == 100
    assert level_needed(moving(plan=opening()), here) == 120


@pytest.mark.parametrize(
    ("way", "rule", "needed"),
    [
        (Way.PUBLIC, "public", False),
        (Way.PUBLIC, "invite", True),
        (Way.SPACE, "restricted", False),
        (Way.SPACE, "knock_restricted", False),
        (Way.SPACE, "invite", True),
        (Way.INVITE, "public", True),
        (Way.INVITE, "restricted", True),
    ],
)
def test_for_a_way_in_that_was_closed_since_an_invite_is_needed(way: Way, rule: str, needed: bool) -> None:
    here = room(state("m.room.join_rules", {"join_rule": rule}))
    assert needs_invite(way, here, NEW) is needed
    assert not needs_invite(way, room(member(NEW, "join")), NEW)


def test_a_link_names_the_servers_of_the_bot_and_of_the_most_powerful() -> None:
    users = {BOT: 100, "@a:one.org": 100, "@b:two.org": 99, "@c:three.org": 98, "not an ID": 97}
    assert via(room(levels={"users": users}), BOT) == ("old.org", "one.org", "two.org")


def test_who_may_speak_is_in_the_room_and_has_the_level() -> None:
    silent = room(levels=with_levels({BOT: 30}, events_default=50))
    assert not may_speak(silent, BOT)
    assert may_speak(silent, CAROL)
    assert not may_speak(silent, NEW)
