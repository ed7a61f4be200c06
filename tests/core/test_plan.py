# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a move consists of, and what stands in its way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from migrationbot.core.able import can_withdraw, worth
from migrationbot.core.errors import Code, Refused
from migrationbot.core.history import Reading, Visibility
from migrationbot.core.move import Plan
from migrationbot.core.plan import Lack, Wish, check_possible, lacks, level_to_give, make_plan
from migrationbot.core.room import RoomState, StateEvent
from migrationbot.core.ways import Way
from tests.core.worlds import BOT, CAROL, DAVE, NEW, OLD, member, plan, room, state, with_levels

WISH = Wish(bot=BOT, old=OLD, new=NEW)
KEEP_HISTORY = Wish(bot=BOT, old=OLD, new=NEW, open_history=False)


def refusal(now: RoomState) -> Refused:
    with pytest.raises(Refused) as refused:
        make_plan(WISH, now)
    return refused.value


def test_an_admin_is_moved_whole_into_a_shared_room() -> None:
    assert make_plan(WISH, room()) == plan()


def test_an_account_without_power_is_only_invited() -> None:
    made = make_plan(WISH, room(levels=with_levels({OLD: 0})))
    assert (made.level, made.old_level, made.invite) == (0, 0, True)


@pytest.mark.parametrize(("membership", "invite"), [("leave", True), ("knock", True), ("invite", False)])
def test_who_is_not_invited_yet_has_to_be(membership: str, invite: bool) -> None:
    assert make_plan(WISH, room(member(NEW, membership, by=CAROL))).invite is invite


def test_a_member_needs_no_invite_and_reads_as_before() -> None:
    made = make_plan(WISH, room(member(NEW, "join"), visibility="joined"))
    assert (made.invite, made.open_from, made.reading) == (False, None, Reading.AS_MEMBER)


def test_hidden_history_is_opened_and_put_back() -> None:
    made = make_plan(WISH, room(visibility="invited"))
    assert (made.open_from, made.reading) == (Visibility.INVITED, Reading.FROM_OPENING)


def test_hidden_history_is_left_alone_on_request() -> None:
    made = make_plan(KEEP_HISTORY, room(visibility="invited"))
    assert (made.open_from, made.visibility, made.reading) == (None, Visibility.INVITED, Reading.FROM_INVITE)


def test_hidden_history_that_the_bot_may_not_open_stays_as_it_is() -> None:
    levels = with_levels({}, events={"m.room.history_visibility": 101})
    made = make_plan(WISH, room(visibility="joined", levels=levels))
    assert (made.open_from, made.reading) == (None, Reading.FROM_JOIN)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (state("m.room.tombstone", {"replacement_room": "!next:old.org"}), Code.ROOM_UPGRADED),
        (state("m.room.tombstone", {}), Code.ROOM_UPGRADED),
        (member(OLD, "leave"), Code.NOT_JOINED),
        (member(NEW, "ban", by=CAROL), Code.NEW_BANNED),
        (state("m.room.server_acl", {"allow": ["old.org"]}), Code.SERVER_DENIED),
    ],
)
def test_what_a_person_has_to_remove_first_is_refused(change: StateEvent, code: Code) -> None:
    assert refusal(room(change)).code is code


def test_a_refusal_names_who_banned_the_new_account() -> None:
    assert refusal(room(member(NEW, "ban", by=DAVE))).details == {"new": NEW, "by": DAVE}


def test_a_room_that_does_not_federate_admits_no_account_from_elsewhere() -> None:
    assert refusal(room(create={"m.federate": False})).code is Code.NOT_FEDERATED


@pytest.mark.parametrize("levels", [with_levels({OLD: 0}), with_levels({NEW: 100}), with_levels({NEW: 101})])
def test_nothing_is_moved_to_a_member_that_has_all_of_it(levels: dict[str, Any]) -> None:
    assert refusal(room(member(NEW, "join"), levels=levels)).code is Code.NOTHING_TO_MOVE


def test_a_member_that_has_all_of_it_may_still_wait_for_the_old_one_to_go() -> None:
    made = make_plan(replace(WISH, more=True), room(member(NEW, "join"), levels=with_levels({NEW: 100})))
    assert (made.way, made.guided) == (Way.INSIDE, False)


def test_a_member_with_less_than_the_old_account_is_moved() -> None:
    assert make_plan(WISH, room(member(NEW, "join"), levels=with_levels({NEW: 99}))).level == 100


@pytest.mark.parametrize(
    ("levels", "needed", "purposes"),
    [
        (with_levels({BOT: 0}), 100, "promote"),
        (with_levels({BOT: 49, OLD: 60}), 60, "promote"),
        (with_levels({BOT: 40, OLD: 40}), 50, "promote"),
        (with_levels({BOT: 60, OLD: 80, NEW: 60}), 80, "promote"),
        (with_levels({BOT: 60}, events={"m.room.power_levels": 70}), 100, "promote"),
        (with_levels({BOT: 20, OLD: 0}, invite=30), 30, "invite"),
        (with_levels({BOT: 0}, invite=30), 100, "invite promote"),
        (with_levels({BOT: 0, OLD: 10}, invite=60), 60, "invite promote"),
    ],
)
def test_where_the_bot_lacks_a_level_people_are_guided(
    levels: dict[str, Any], needed: int, purposes: str
) -> None:
    planned, lacking = made_with_lacks(levels)
    assert planned.guided
    assert max(each.needed for each in lacking) == needed
    assert " ".join(each.purpose for each in lacking) == purposes
    levels["users"][BOT] = needed
    planned, lacking = made_with_lacks(levels)
    assert (planned.guided, planned.level, lacking) == (False, levels["users"][OLD], ())


def made_with_lacks(levels: dict[str, Any]) -> tuple[Plan, tuple[Lack, ...]]:
    here = room(levels=levels)
    planned = make_plan(WISH, here)
    return planned, lacks(WISH, here, planned)


def test_what_nobody_there_can_do_is_refused() -> None:
    levels = with_levels({BOT: 0, OLD: 40, CAROL: 40, DAVE: 40}, invite=45)
    here = room(levels=levels)
    with pytest.raises(Refused) as refused:
        check_possible(WISH, here, make_plan(WISH, here))
    assert refused.value.code is Code.LACKS_POWER
    assert (refused.value.details["needed"], refused.value.details["purposes"]) == ("50", "invite promote")


@pytest.mark.parametrize("old", [0, 100])
def test_what_somebody_there_can_do_is_possible(old: int) -> None:
    here = room(levels=with_levels({BOT: 0, OLD: old}, invite=30))
    check_possible(WISH, here, make_plan(WISH, here))


SPACE = "!space:old.org"
MEMBERS_OF_SPACE = {"type": "m.room_membership", "room_id": SPACE}


def restricted(*allow: Any, rule: str = "restricted") -> dict[str, Any]:
    return {"join_rule": rule, "allow": list(allow)}


@pytest.mark.parametrize(
    ("rule", "memberships", "way"),
    [
        ({"join_rule": "public"}, (), Way.PUBLIC),
        ({"join_rule": "knock"}, (), Way.INVITE),
        (restricted(MEMBERS_OF_SPACE), (SPACE, "!other:old.org"), Way.SPACE),
        (restricted(MEMBERS_OF_SPACE, rule="knock_restricted"), (SPACE,), Way.SPACE),
        (restricted(MEMBERS_OF_SPACE), ("!other:old.org",), Way.INVITE),
        (restricted({**MEMBERS_OF_SPACE, "type": "other"}), (SPACE,), Way.INVITE),
        (restricted(SPACE, {"type": "m.room_membership"}), (SPACE,), Way.INVITE),
        ({"join_rule": "restricted", "allow": SPACE}, (SPACE,), Way.INVITE),
    ],
)
def test_an_invite_is_the_last_way_in(rule: dict[str, Any], memberships: tuple[str, ...], way: Way) -> None:
    wish = replace(WISH, memberships=frozenset(memberships))
    assert make_plan(wish, room(state("m.room.join_rules", rule))).way is way


def test_a_bot_without_power_can_still_see_to_it_that_a_powerless_account_moves() -> None:
    nobody = room(levels=with_levels({BOT: 0, OLD: 0}))
    assert lacks(WISH, nobody, make_plan(WISH, nobody)) == ()


def test_no_more_is_given_than_the_bot_holds() -> None:
    made = make_plan(WISH, room(levels=with_levels({BOT: 60})))
    assert (made.level, made.old_level) == (60, 100)


def test_an_old_account_held_below_everyone_is_worth_no_entry() -> None:
    muted = room(levels=with_levels({OLD: -1}, users_default=10)).power
    assert level_to_give(muted, WISH) == -1
    assert worth(muted, OLD) < muted.level_of(NEW)


def test_a_creator_is_worth_the_most_that_the_room_asks_for() -> None:
    asks = {"users": {BOT: 150}, "events": {"m.room.tombstone": 150}}
    ours = room(version="12", creator=OLD, levels=asks).power
    assert worth(ours, OLD) == 150
    assert level_to_give(ours, WISH) == 150
    assert level_to_give(room(version="12", creator=OLD).power, WISH) == 100


def test_a_bot_that_is_a_creator_gives_what_the_old_account_has() -> None:
    made = make_plan(WISH, room(version="12", creator=BOT, levels={"users": {OLD: 75}}))
    assert made.level == 75


def test_a_creator_moves_nothing_to_another_creator() -> None:
    both = room(
        member(NEW, "join"), version="12", creator=OLD, create={"additional_creators": [NEW]}, levels={}
    )
    assert refusal(both).code is Code.NOTHING_TO_MOVE


def test_an_invite_is_withdrawn_with_the_level_for_a_kick_and_more_than_the_invited_has() -> None:
    power = room(levels=with_levels({DAVE: 50, NEW: 49})).power
    assert can_withdraw(power, sender=DAVE, target=NEW)
    assert not can_withdraw(room(levels=with_levels({NEW: 50})).power, sender=DAVE, target=NEW)
    assert not can_withdraw(room(levels=with_levels({}, kick=51)).power, sender=DAVE, target=NEW)
