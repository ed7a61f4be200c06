# SPDX-License-Identifier: AGPL-3.0-or-later
"""Handing a room over: whose it is to do so, what is waited for, what is not believed, what is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Finish, Turned, Wait
from migrationbot.core.errors import Refused
from migrationbot.core.levels import level_asked_now
from migrationbot.core.move import Options, Phase
from migrationbot.core.reasons import Goal, Outcome, Reason
from migrationbot.core.report import Left, left_to_do
from migrationbot.core.room import RoomState
from migrationbot.core.standing import standing
from migrationbot.core.steps import Step
from migrationbot.core.succession import (
    Flaw,
    Succession,
    check_hand_over,
    creators_to_name,
    flaw,
    handed_over,
    upgrade_version,
)
from tests.core.successions import (
    AGREED,
    ASKED,
    JOINED,
    LEVELS,
    LISTED,
    NEXT,
    after,
    assert_over,
    decided,
    owned,
    seen,
    upgraded,
)
from tests.core.worlds import (
    ASKED_NEW,
    BOT,
    CAROL,
    DAVE,
    ERIN,
    NEW,
    NOW,
    OLD,
    ROOM,
    evidence,
    room,
    state,
    with_levels,
)

# ---- Whose it is to hand over ----------------------------------------------------------------------------


def refusal_of(here: RoomState, *, old: str = OLD, new: str = NEW, lost: bool = False) -> str:
    with pytest.raises(Refused) as raised:
        check_hand_over(here, old=old, new=new, lost=lost)
    assert raised.value.details["option"] == "--hand-over"
    return raised.value.details["problem"]


def test_a_creator_of_version_12_can_hand_over_what_is_not_the_new_accounts_already() -> None:
    check_hand_over(owned(), old=OLD, new=NEW)
    assert refusal_of(owned(), old=CAROL) == "hand_over_not_yours"
    assert refusal_of(owned(create={"additional_creators": [NEW]})) == "hand_over_done"


def test_nobody_hands_over_for_an_owner_who_cannot() -> None:
    assert refusal_of(owned(), lost=True) == "hand_over_lost"


def test_before_version_12_only_who_made_the_room_and_may_upgrade_it_can() -> None:
    check_hand_over(room(creator=OLD), old=OLD, new=NEW)
    assert refusal_of(room(creator=CAROL)) == "hand_over_needless"
    asks = with_levels({}, events={"m.room.tombstone": 101})
    assert refusal_of(room(creator=OLD, levels=asks)) == "hand_over_needless"


def test_the_list_of_creators_is_the_whole_one() -> None:
    power = owned(create={"additional_creators": [ERIN, CAROL]}).power
    assert creators_to_name(power, caller=OLD, old=OLD, new=NEW) == (CAROL, ERIN, NEW)
    assert creators_to_name(power, caller=NEW, old=OLD, new=NEW) == (CAROL, ERIN)
    assert creators_to_name(room().power, caller=NEW, old=OLD, new=NEW) == ()


@pytest.mark.parametrize(("version", "to"), [("6", "12"), ("11", "12"), ("12", "12"), ("13", "13")])
def test_the_new_room_is_of_a_version_that_has_owners(version: str, to: str) -> None:
    assert upgrade_version(room(version=version)) == to


def test_who_approves_could_upgrade_the_room() -> None:
    assert level_asked_now(ASKED, owned()) == 150
    assert level_asked_now(replace(ASKED, options=Options()), owned()) == 100


# ---- The upgrade -----------------------------------------------------------------------------------------


def test_people_upgrade_the_room_and_the_bot_waits_for_it() -> None:
    expected = Wait(reason=Reason.UPGRADE, until=ASKED.expires_at, goal=Goal.UPGRADED)
    assert decided(owned()) == expected
    assert_over(decided(owned(), options=Options()), Outcome.PARTIAL)


def test_it_is_waited_for_only_so_long() -> None:
    assert_over(decided(owned(), expires_at=NOW), Outcome.PARTIAL)


def test_an_upgrade_before_the_new_account_has_its_place_comes_in_between() -> None:
    early = replace(ASKED, records={})
    for here in (upgraded(), upgraded(levels={"users": {BOT: 100}})):
        shown = evidence(yes=(OLD,)) if here.power.level_of(NEW) else AGREED
        decision = decide(early, here, shown, NOW, seen())
        assert isinstance(decision, Turned)
        assert decision.ending is not None
        assert (decision.ending.reason, decision.ending.by) == (Reason.ROOM_UPGRADED, OLD)


def test_a_place_that_the_new_account_had_already_is_as_good() -> None:
    had = replace(ASKED, records={record.step: record for record in ASKED_NEW})
    assert decide(had, owned(levels={**LEVELS, "users": {BOT: 100, NEW: 150}}), AGREED, NOW) == Wait(
        reason=Reason.UPGRADE, until=ASKED.expires_at, goal=Goal.UPGRADED
    )
    assert decide(had, upgraded(), AGREED, NOW, seen(deeds={})) == Act(step=Step.FOLLOW, target=NEXT)


FLAWED = {
    Flaw.NAMELESS: (upgraded(""), seen()),
    Flaw.BY_A_STRANGER: (upgraded(by=CAROL), seen(after(JOINED, by=CAROL))),
    Flaw.OTHER_MAKER: (upgraded(), seen(after(JOINED, by=DAVE))),
    Flaw.NO_PREDECESSOR: (upgraded(), seen(after(JOINED, create={"predecessor": {"room_id": "!other"}}))),
    Flaw.NOT_A_CREATOR: (upgraded(), seen(after(JOINED, create={"additional_creators": [DAVE]}))),
}


@pytest.mark.parametrize("wrong", Flaw)
def test_a_room_that_is_not_what_was_agreed_to_is_left_alone(wrong: Flaw) -> None:
    here, succession = FLAWED[wrong]
    assert flaw(ASKED, here, succession) is wrong
    absent = replace(succession, absent=(CAROL,), stale=("#a:old.org",))
    assert_over(decided(here, absent), Outcome.PARTIAL)
    assert not handed_over(ASKED, here, succession)


@pytest.mark.parametrize("content", [{}, {"predecessor": "!room:old.org"}, {"predecessor": {"room_id": 7}}])
def test_a_predecessor_that_is_not_said_properly_is_none(content: Mapping[str, Any]) -> None:
    create = {"predecessor": None, **content}
    assert flaw(ASKED, upgraded(), seen(after(create=create))) is Flaw.NO_PREDECESSOR


def test_a_room_that_follows_itself_is_none() -> None:
    assert flaw(ASKED, upgraded(ROOM), None) is Flaw.NAMELESS


def test_an_owner_below_version_12_is_none() -> None:
    old_kind = after(JOINED, create={"room_version": "11"})
    assert flaw(ASKED, upgraded(), seen(old_kind)) is Flaw.NOT_A_CREATOR


@pytest.mark.parametrize("by", [OLD, NEW, ERIN])
def test_either_account_and_whoever_could_have_agreed_may_upgrade(by: str) -> None:
    here = upgraded(by=by, create={"additional_creators": [ERIN]})
    assert flaw(ASKED, here, seen(after(JOINED, by=by))) is None
    assert flaw(ASKED, here, None) is None


def test_the_old_account_may_have_stepped_down_since() -> None:
    low = room(
        JOINED,
        state("m.room.tombstone", {"replacement_room": NEXT}, sender=OLD),
        creator=OLD,
        levels=with_levels({OLD: 0, NEW: 100}),
    )
    assert flaw(ASKED, low, seen()) is None


# ---- How far it is, and what is left ---------------------------------------------------------------------


def goals(here: RoomState, succession: Succession | None = None) -> tuple[bool, bool]:
    """Whether the room is upgraded, and the new account in it."""
    found = standing(ASKED, here, AGREED, succession)
    assert {Goal.UPGRADED, Goal.SUCCEEDED} <= {*found.met, *found.to_come}
    return Goal.UPGRADED in found.met, Goal.SUCCEEDED in found.met


def test_a_hand_over_has_two_more_goals() -> None:
    assert goals(owned()) == (False, False)
    assert goals(upgraded(), seen(after())) == (True, False)
    assert goals(upgraded(), seen()) == (True, True)
    plain = standing(replace(ASKED, options=Options()), owned(), AGREED)
    assert not {Goal.UPGRADED, Goal.SUCCEEDED} & {*plain.met, *plain.to_come}


def left(here: RoomState, succession: Succession | None = None) -> tuple[Left, ...]:
    """What is left to do once it has ended."""
    decision = decided(here, succession, expires_at=NOW)
    assert isinstance(decision, Finish)
    return left_to_do(ASKED, here, decision.ending, succession)


def test_what_is_left_of_a_hand_over() -> None:
    assert left(owned()) == (Left.RAISE_LEVEL, Left.OLD_KEEPS_PLACE, Left.HAND_OVER)
    assert left(upgraded(), Succession()) == (Left.HAND_OVER,)
    assert left(*FLAWED[Flaw.NOT_A_CREATOR]) == (Left.HAND_OVER,)
    assert left(upgraded(), seen(after())) == (Left.JOIN_SUCCESSOR,)
    assert left(upgraded(), seen()) == ()
    behind = seen(absent=(CAROL,), parents=(LISTED,), foreign=("#a:other.org",))
    assert left(upgraded(), behind) == (Left.INVITE_MEMBERS, Left.LIST_IN_SPACE, Left.MOVE_ADDRESS)
    assert left(upgraded(), seen(more=3, stale=("#a:old.org",))) == (Left.INVITE_MEMBERS, Left.MOVE_ADDRESS)


def test_a_hand_over_that_is_asked_for_again_after_an_ordinary_end_is_not_taken_for_one() -> None:
    assert_over(decided(upgraded(), seen(), options=Options(), expires_at=NOW), Outcome.PARTIAL)


def test_a_move_that_ended_in_between_is_not_followed() -> None:
    assert_over(decide(ASKED, upgraded(), evidence(yes=(OLD,), no=(OLD,)), NOW, seen()), Outcome.DONE)


def test_a_blocked_phase_does_not_matter_once_all_is_given() -> None:
    assert decided(owned(), phase=Phase.BLOCKED) == Wait(
        reason=Reason.UPGRADE, until=ASKED.expires_at, goal=Goal.UPGRADED
    )
