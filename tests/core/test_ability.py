# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bot can do in a room: the level that is named is the least with which it can."""

from __future__ import annotations

from typing import Any

import pytest

from migrationbot.core.ability import Deed, abilities
from migrationbot.core.able import can_send, can_withdraw, may_speak
from tests.core.worlds import BOT, CAROL, OLD, room, with_levels

POWERS: tuple[dict[str, Any], ...] = (
    {},
    {"invite": 30},
    {"kick": 0},
    {"kick": 20, "users_default": 25},
    {"state_default": 90},
    {"events": {"m.room.history_visibility": 10, "m.room.power_levels": 70}},
)


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("has", [-1, 0, 10, 20, 26, 50, 70, 90, 100])
def test_a_deed_takes_the_level_that_is_named(has: int, power: dict[str, Any]) -> None:
    state = room(levels=with_levels({BOT: has}, **power))
    found = abilities(state, BOT)
    can = {each.deed: each.can for each in found.each}
    assert can == {each.deed: has >= each.asked for each in found.each}
    assert can == {
        Deed.INVITE: has >= state.power.invite,
        Deed.PROMOTE: can_send(state.power, BOT, "m.room.power_levels"),
        Deed.OPEN_HISTORY: can_send(state.power, BOT, "m.room.history_visibility"),
        Deed.WITHDRAW_INVITE: can_withdraw(state.power, sender=BOT, target="@anybody:new.org"),
    }
    assert [each.deed for each in found.lacking] == [deed for deed, able in can.items() if not able]


@pytest.mark.parametrize("power", POWERS)
def test_with_the_level_that_mends_all_nothing_is_lacking(power: dict[str, Any]) -> None:
    needed = abilities(room(levels=with_levels({BOT: 0}, **power)), BOT).needed
    mended = abilities(room(levels=with_levels({BOT: needed}, **power)), BOT)
    assert mended.lacking == ()
    assert mended.has >= mended.highest


def test_the_bots_own_level_is_nothing_that_it_has_to_give() -> None:
    found = abilities(room(levels=with_levels({BOT: 100, OLD: 60, CAROL: 50})), BOT)
    assert (found.has, found.highest) == (100, 60)


def test_in_a_room_without_levels_of_anybody_the_default_is_the_highest() -> None:
    assert abilities(room(levels={"users_default": 5, "users": {}}), BOT).highest == 5


def test_a_creator_is_worth_what_the_room_asks_at_most() -> None:
    levels = {"users": {BOT: 100}, "events": {"m.room.tombstone": 150}}
    assert abilities(room(levels=levels, version="12"), BOT).highest == 150


def test_who_is_there_and_has_the_level_may_speak() -> None:
    assert may_speak(room(), BOT)
    assert may_speak(room(levels=with_levels({BOT: 50}, events_default=50)), BOT)
    assert not may_speak(room(levels=with_levels({BOT: 49}, events_default=50)), BOT)
    assert not may_speak(room(members={}), BOT)


@pytest.mark.parametrize(
    ("levels", "version", "enough"),
    [
        (with_levels({BOT: 100}), "10", True),
        (with_levels({BOT: 50}), "10", False),  # others have more
        ({"users": {BOT: 50, OLD: 50}}, "10", True),
        ({"users": {BOT: 50, OLD: 50}, "events": {"m.room.history_visibility": 60}}, "10", False),
        ({"users": {BOT: 100}, "events": {"m.room.tombstone": 150}}, "12", True),  # as much as it asks for
    ],
)
def test_a_bot_asks_for_no_level_that_would_add_nothing(
    levels: dict[str, Any], version: str, enough: bool
) -> None:
    assert abilities(room(levels=levels, version=version), BOT).enough is enough
