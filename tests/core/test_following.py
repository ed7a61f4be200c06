# SPDX-License-Identifier: AGPL-3.0-or-later
"""Handing a room over: what is waited for, what the bot does in the new room, what it does not believe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Decision, Finish, Turned, Wait
from migrationbot.core.errors import Refused
from migrationbot.core.following import history_lost
from migrationbot.core.levels import level_asked_now
from migrationbot.core.move import Goal, Options, Outcome, Phase, Reason, Step
from migrationbot.core.report import Left, left_to_do
from migrationbot.core.room import RoomState, StateEvent, read_room
from migrationbot.core.standing import standing
from migrationbot.core.succession import (
    Deed,
    Flaw,
    Parent,
    Succession,
    check_hand_over,
    creators_to_name,
    flaw,
    handed_over,
    upgrade_version,
)
from tests.core.worlds import (
    ASKED_NEW,
    BOT,
    CAROL,
    DAVE,
    ERIN,
    HOUR,
    NEW,
    NOW,
    OLD,
    ROOM,
    done,
    evidence,
    member,
    moving,
    room,
    state,
    with_levels,
)

NEXT, SPACE = "!next", "!space:old.org"
JOINED = member(NEW, "join")
AGREED = evidence(yes=(OLD,), confirm=(NEW,))
ASKED = moving(*ASKED_NEW, done(Step.PROMOTE), options=Options(hand_over=True), approvers=(OLD,))
LEVELS = {"users": {BOT: 100, NEW: 100, CAROL: 100}, "events": {"m.room.tombstone": 150}}
FOLLOWED = {(Step.FOLLOW, NEXT): Deed(done=True, at=NOW - HOUR)}


def owned(*changes: StateEvent, **facts: Any) -> RoomState:
    """Old's room of version 12, in which the new account has its place."""
    return room(JOINED, *changes, **{"version": "12", "creator": OLD, "levels": LEVELS, **facts})


def upgraded(to: str = NEXT, *, by: str = OLD, **facts: Any) -> RoomState:
    """The same, closed in favour of another room."""
    return owned(state("m.room.tombstone", {"replacement_room": to}, sender=by), **facts)


def after(*changes: StateEvent, by: str = OLD, create: Mapping[str, Any] | None = None) -> RoomState:
    """The room that follows, as an upgrade by this account makes it, with the bot in it."""
    content = {
        "room_version": "12",
        "predecessor": {"room_id": ROOM},
        "additional_creators": [NEW],
        **(create or {}),
    }
    usual = (
        state("m.room.create", content, sender=by),
        state("m.room.power_levels", {"users": {BOT: 100}}),
        state("m.room.history_visibility", {"history_visibility": "shared"}),
        member(by, "join"),
        member(BOT, "join", by=by),
    )
    return read_room(NEXT, (*usual, *changes))


def seen(successor: RoomState | None = None, **facts: Any) -> Succession:
    """What is seen of it, with nothing left to mend, and the new account in it."""
    usual = Succession(successor=successor or after(JOINED), deeds=FOLLOWED)
    return replace(usual, **facts)


def decided(old_room: RoomState, succession: Succession | None = None, **facts: Any) -> Decision:
    """What is decided about Old's hand-over."""
    return decide(replace(ASKED, **facts), old_room, AGREED, NOW, succession)


def with_deeds(*deeds: tuple[Step, str, Deed]) -> dict[tuple[Step, str], Deed]:
    """The bot has followed, and tried these as well."""
    reported = {(Step.SUCCESSOR_CARD, NEXT): Deed(done=True)}
    return {**FOLLOWED, **reported, **{(step, target): deed for step, target, deed in deeds}}


REPORTED = with_deeds()


def assert_over(decision: Decision, outcome: Outcome) -> None:
    assert isinstance(decision, Finish)
    assert decision.ending.outcome is outcome


# ---- Whose it is to hand over -----------------------------------------------------------------------------


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


# ---- The upgrade ------------------------------------------------------------------------------------------


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


# ---- Following --------------------------------------------------------------------------------------------


def test_the_bot_follows_and_asks_to_be_let_in_when_it_may_not_join() -> None:
    outside = Succession()
    assert decided(upgraded(), outside) == Act(step=Step.FOLLOW, target=NEXT)
    failed = replace(outside, deeds={(Step.FOLLOW, NEXT): Deed(failed=True, at=NOW)})
    waiting = Wait(reason=Reason.ENTER, until=NOW + 30_000, goal=Goal.SUCCEEDED)
    assert decided(upgraded(), failed) == waiting
    late = replace(outside, deeds={(Step.FOLLOW, NEXT): Deed(failed=True, at=NOW - 30_000)})
    assert decided(upgraded(), late) == Act(step=Step.FOLLOW, target=NEXT)
    often = replace(outside, deeds={(Step.FOLLOW, NEXT): Deed(failed=True, tries=20, at=NOW)})
    assert decided(upgraded(), often) == replace(waiting, until=NOW + 1_800_000)
    assert decided(upgraded(), often, expires_at=NOW + 5) == replace(waiting, until=NOW + 5)


def test_once_it_was_let_in_it_goes_on_at_once() -> None:
    deeds = {(Step.FOLLOW, NEXT): Deed(failed=True, at=NOW)}
    assert decided(upgraded(), seen(deeds=deeds)) == Act(step=Step.FOLLOW, target=NEXT)


def test_a_crash_while_joining_is_no_failure() -> None:
    deeds = {(Step.FOLLOW, NEXT): Deed(at=NOW)}
    assert decided(upgraded(), Succession(deeds=deeds)) == Act(step=Step.FOLLOW, target=NEXT)


def test_a_bot_that_was_put_out_again_does_not_come_back() -> None:
    assert_over(decided(upgraded(), Succession(deeds=FOLLOWED)), Outcome.PARTIAL)


def test_what_nobody_agrees_to_any_more_is_not_done() -> None:
    withdrawn = evidence(confirm=(NEW,))
    assert_over(decide(ASKED, upgraded(), withdrawn, NOW, Succession()), Outcome.PARTIAL)


def test_a_new_room_is_left_to_settle_first() -> None:
    just_now = {(Step.FOLLOW, NEXT): Deed(done=True, at=NOW)}
    waiting = Wait(reason=Reason.REPAIR, until=NOW + 3_000)
    assert decided(upgraded(), seen(stale=("#a:old.org",), deeds=just_now)) == waiting


# ---- The new account --------------------------------------------------------------------------------------

INVITE = Act(step=Step.INVITE_HEIR, target=NEW)
WAITS = Wait(reason=Reason.HEIR, until=ASKED.expires_at, goal=Goal.SUCCEEDED)
PUBLIC = state("m.room.join_rules", {"join_rule": "public"})


def test_the_new_account_is_invited_and_waited_for() -> None:
    assert decided(upgraded(), seen(after())) == INVITE
    invited = after(member(NEW, "invite", by=BOT))
    assert decided(upgraded(), seen(invited, deeds=REPORTED)) == WAITS
    assert_over(decided(upgraded(), seen(deeds=REPORTED)), Outcome.DONE)


def test_one_who_knocks_is_let_in() -> None:
    assert decided(upgraded(), seen(after(member(NEW, "knock")))) == INVITE


def test_a_public_room_needs_no_invite() -> None:
    assert decided(upgraded(), seen(after(PUBLIC), deeds=REPORTED)) == WAITS


def test_where_the_bot_may_not_invite_it_is_left_to_people() -> None:
    asks = state("m.room.power_levels", {"users": {BOT: 0}, "invite": 50})
    closed = seen(after(asks), absent=(CAROL,), unnamed=("#a:old.org",), deeds=REPORTED)
    assert decided(upgraded(), closed) == WAITS


@pytest.mark.parametrize("membership", ["leave", "ban"])
def test_a_new_account_that_is_out_again_is_not_asked_twice(membership: str) -> None:
    out = seen(after(member(NEW, membership, by=OLD)), deeds=REPORTED)
    assert_over(decided(upgraded(), out), Outcome.PARTIAL)


# ---- What an upgrade leaves behind ------------------------------------------------------------------------

LISTED = Parent(space=SPACE, lists_old=True, lists_new=False, bot_may=True, agreed=True)
REPAIRS: list[tuple[dict[str, Any], Step, str]] = [
    ({"parents": (LISTED,)}, Step.LIST_CHILD, SPACE),
    ({"parents": (replace(LISTED, lists_new=True),)}, Step.UNLIST_CHILD, SPACE),
    ({"stale": ("#a:old.org",)}, Step.MOVE_ALIAS, "#a:old.org"),
    ({"unnamed": ("#a:old.org",)}, Step.NAME_ALIAS, NEXT),
    ({"absent": (CAROL,)}, Step.INVITE_MEMBER, CAROL),
]


@pytest.mark.parametrize(("left", "step", "target"), REPAIRS)
def test_what_is_left_behind_is_mended_once(left: dict[str, Any], step: Step, target: str) -> None:
    assert decided(upgraded(), seen(**left)) == Act(step=step, target=target)
    tried = with_deeds((step, target, Deed(done=True)))
    assert_over(decided(upgraded(), seen(**left, deeds=tried)), Outcome.DONE)


@pytest.mark.parametrize(("left", "step", "target"), REPAIRS)
def test_what_is_refused_is_tried_three_times(left: dict[str, Any], step: Step, target: str) -> None:
    failed = with_deeds((step, target, Deed(failed=True, tries=2, at=NOW)))
    assert decided(upgraded(), seen(**left, deeds=failed)) == Wait(reason=Reason.REPAIR, until=NOW + 60_000)
    hopeless = with_deeds((step, target, Deed(failed=True, tries=3)))
    assert_over(decided(upgraded(), seen(**left, deeds=hopeless)), Outcome.DONE)


def test_one_refusal_keeps_nothing_else_from_being_mended() -> None:
    failed = with_deeds((Step.MOVE_ALIAS, "#a:old.org", Deed(failed=True, at=NOW)))
    left = seen(stale=("#a:old.org", "#b:old.org"), deeds=failed)
    assert decided(upgraded(), left) == Act(step=Step.MOVE_ALIAS, target="#b:old.org")


@pytest.mark.parametrize(
    "parent",
    [
        replace(LISTED, lists_old=False, lists_new=True),
        replace(LISTED, bot_may=False),
        replace(LISTED, agreed=False),
    ],
)
def test_a_space_is_changed_only_for_those_who_may_change_it(parent: Parent) -> None:
    assert_over(decided(upgraded(), seen(parents=(parent,), deeds=REPORTED)), Outcome.DONE)


def test_history_that_the_upgrade_did_not_carry_over_is_set_and_what_people_set_stays() -> None:
    old_room = upgraded(visibility="joined")
    kind = "m.room.history_visibility"
    assert decided(old_room, seen()) == Act(step=Step.CARRY_HISTORY, target=NEXT)
    theirs = replace(state(kind, {"history_visibility": "shared"}), replaces_state="$first")
    assert not history_lost(old_room, after(JOINED, theirs))
    weak = after(JOINED, state("m.room.power_levels", {"users": {BOT: 0}}))
    assert_over(decided(old_room, seen(weak, deeds=REPORTED)), Outcome.DONE)
    unset = replace(after(JOINED), history_event=None)
    assert history_lost(old_room, unset)


def test_invites_keep_to_what_homeservers_allow() -> None:
    invited = [(Step.INVITE_MEMBER, f"@{n}:old.org", Deed(done=True, at=NOW - n)) for n in range(8)]
    few = seen(absent=(CAROL,), deeds=with_deeds(*invited[1:]))
    assert decided(upgraded(), few) == Act(step=Step.INVITE_MEMBER, target=CAROL)
    many = seen(absent=(CAROL,), deeds=with_deeds(*invited))
    assert decided(upgraded(), many) == Wait(reason=Reason.REPAIR, until=NOW + 5_000)
    assert decide(ASKED, upgraded(), AGREED, NOW + 5_000, many) == Act(step=Step.INVITE_MEMBER, target=CAROL)


def test_the_people_there_are_told_once() -> None:
    assert decided(upgraded(), seen()) == Act(step=Step.SUCCESSOR_CARD, target=NEXT)
    assert_over(decided(upgraded(), seen(deeds=REPORTED)), Outcome.DONE)


# ---- How far it is, and what is left ----------------------------------------------------------------------


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
