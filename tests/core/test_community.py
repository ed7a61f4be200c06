# SPDX-License-Identifier: AGPL-3.0-or-later
"""Many rooms: which move, in which order, and how the whole ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from migrationbot.core.approval import NOTHING_YET, Answer, Reaction
from migrationbot.core.community import (
    LEVEL,
    Entry,
    Group,
    Prospect,
    group_of,
    in_order,
    looked_at_again,
    may_still_come,
    on_the_whole,
    picked,
    rerouted,
    taken_back,
)
from migrationbot.core.errors import Code
from migrationbot.core.move import Migration, Options, Phase, RoomMove
from migrationbot.core.reasons import Ending, Outcome, Reason
from migrationbot.core.ways import Way
from tests.core.worlds import CAROL, NEW, NOW, OLD, SOON, member, move, plan, room, state


def prospect(name: str, way: Way | None = Way.INVITE, *, is_space: bool = False) -> Prospect:
    entry = Entry(room_id=name, is_space=is_space, code=None if way else Code.NEW_BANNED)
    return Prospect(entry=entry, plan=plan(way=way) if way else None)


def ending(outcome: Outcome, reason: Reason = Reason.ARRIVED, *, by: str = "", at: int = NOW) -> Ending:
    return Ending(outcome=outcome, reason=reason, by=by, at=at)


def test_the_space_comes_first_then_what_it_opens_then_public_rooms_and_invites_last() -> None:
    found = [
        prospect("!invite"),
        prospect("!banned", None),
        prospect("!public", Way.PUBLIC),
        prospect("!restricted", Way.SPACE),
        prospect("!inside", Way.INSIDE),
        prospect("!space", is_space=True),
    ]
    ordered = [each.entry.room_id for each in in_order(found)]
    assert ordered == ["!space", "!inside", "!restricted", "!public", "!invite", "!banned"]


@pytest.mark.parametrize(
    ("found", "group"),
    [
        (Prospect(entry=Entry(room_id="!a"), plan=plan()), Group.MOVES),
        (Prospect(entry=Entry(room_id="!a"), plan=plan(guided=True)), Group.NEEDS),
        (Prospect(entry=Entry(room_id="!a", at_home=False), plan=plan()), Group.NEEDS),
        (Prospect(entry=Entry(room_id="!a", at_home=False, code=Code.BOT_NOT_JOINED)), Group.CANT),
    ],
)
def test_each_room_has_its_heading(found: Prospect, group: Group) -> None:
    assert group_of(found) is group


def test_rooms_are_picked_by_naming_them_or_the_others() -> None:
    rooms = ["!a", "!b", "!c"]
    assert picked(rooms, only=(), but=()) == rooms
    assert picked(rooms, only={"!c", "!a"}, but=()) == ["!a", "!c"]
    assert picked(rooms, only=(), but={"!b"}) == ["!a", "!c"]


REFUSED = ending(Outcome.REFUSED, Reason.REFUSED_BY_ADMIN, by=OLD)
EXPIRED = ending(Outcome.EXPIRED, Reason.NOT_APPROVED, at=NOW + 1)


@pytest.mark.parametrize(
    ("endings", "code", "outcome", "reason"),
    [
        ([ending(Outcome.DONE)] * 2, None, Outcome.DONE, Reason.ARRIVED),
        ([ending(Outcome.DONE)], Code.NOTHING_TO_MOVE, Outcome.DONE, Reason.ARRIVED),
        ([ending(Outcome.DONE)], Code.NEW_BANNED, Outcome.PARTIAL, Reason.ARRIVED),
        ([ending(Outcome.DONE), REFUSED], None, Outcome.PARTIAL, Reason.ARRIVED),
        ([ending(Outcome.PARTIAL), REFUSED, REFUSED], None, Outcome.PARTIAL, Reason.ARRIVED),
        ([REFUSED, REFUSED, EXPIRED], None, Outcome.REFUSED, Reason.REFUSED_BY_ADMIN),
        ([EXPIRED], Code.NEW_BANNED, Outcome.EXPIRED, Reason.NOT_APPROVED),
    ],
)
def test_the_whole_ends_as_its_rooms_did(
    endings: list[Ending], code: Code | None, outcome: Outcome, reason: Reason
) -> None:
    whole = on_the_whole(endings, [Entry(room_id="!a"), Entry(room_id="!b", code=code)])
    assert (whole.outcome, whole.reason) == (outcome, reason)
    assert whole.at == max(each.at for each in endings)
    assert whole.by == (OLD if reason is Reason.REFUSED_BY_ADMIN else "")


# ---- Rooms that can't move yet ---------------------------------------------------------------------------

BANNED = Entry(room_id="!banned", code=Code.NEW_BANNED)
ENTRIES = (Entry(room_id="!a"), BANNED, Entry(room_id="!old", code=Code.ROOM_UPGRADED))
MIGRATION = Migration(
    number=7,
    requester=OLD,
    old=OLD,
    new=NEW,
    home_room="!a",
    command_event="$command",
    thread_root="$command",
    created_at=NOW,
    expires_at=SOON,
    options=Options(scope="space", later=True),
)


def ended(outcome: Outcome) -> RoomMove:
    return move(phase=Phase.ENDED, ending=ending(outcome))


@pytest.mark.parametrize(
    "moves", [[move()], [ended(Outcome.DONE)], [ended(Outcome.REFUSED), ended(Outcome.PARTIAL)]]
)
def test_a_room_whose_blocker_can_go_may_still_come(moves: list[RoomMove]) -> None:
    assert may_still_come(MIGRATION, moves, ENTRIES, NOW) == (BANNED,)


def test_no_room_comes_later_unless_the_card_said_so_and_the_request_is_open() -> None:
    said_nothing = replace(MIGRATION, options=Options(scope="space"))
    assert may_still_come(said_nothing, [move()], ENTRIES, NOW) == ()
    assert may_still_come(replace(MIGRATION, cancelled_by=OLD), [move()], ENTRIES, NOW) == ()
    assert may_still_come(MIGRATION, [move()], ENTRIES, SOON) == ()


@pytest.mark.parametrize(
    "moves",
    [
        [ended(Outcome.REFUSED)],
        [ended(Outcome.CANCELLED), move(phase=Phase.UNDOING, ending=ending(Outcome.CANCELLED))],
    ],
)
def test_a_request_that_came_to_nothing_is_not_held_open(moves: list[RoomMove]) -> None:
    assert may_still_come(MIGRATION, moves, ENTRIES, NOW) == ()


def test_a_room_that_comes_later_never_gets_more_than_the_request_named() -> None:
    named = replace(BANNED, details={LEVEL: "50"})
    found = Prospect(entry=Entry(room_id="!banned"), plan=plan(level=100))
    for before, level in ((named, 50), (BANNED, 100)):
        seen = looked_at_again(before, found)
        assert seen.plan is not None
        assert (seen.plan.level, seen.entry) == (level, found.entry)


def test_a_room_that_is_still_blocked_keeps_the_level_that_the_request_named() -> None:
    code, named = Code.SERVER_DENIED, replace(BANNED, details={LEVEL: "50", "by": OLD})
    found = Prospect(entry=Entry(room_id="!banned", code=code, details={LEVEL: "100", "new": NEW}))
    assert looked_at_again(named, found).entry.details == {"new": NEW, LEVEL: "50"}
    assert looked_at_again(BANNED, found).entry.details == {"new": NEW}


# ---- Ways in ---------------------------------------------------------------------------------------------


def said(answer: Answer, sender: str) -> tuple[Reaction, ...]:
    return (Reaction(event_id="$reaction", sender=sender, answer=answer),)


ALLOW = [{"type": "m.room_membership", "room_id": "!space"}]
RESTRICTED = state("m.room.join_rules", {"join_rule": "restricted", "allow": ALLOW})
BY_SPACE = move(plan=plan(way=Way.SPACE))


@pytest.mark.parametrize(
    ("phase", "joined", "way"),
    [
        (Phase.MOVING, (), Way.SPACE),  # it may still come into the space
        (Phase.ENDED, ("!space",), Way.SPACE),
        (Phase.ENDED, (), Way.INVITE),
    ],
)
def test_without_the_space_the_new_account_is_invited(
    phase: Phase, joined: tuple[str, ...], way: Way
) -> None:
    others = [replace(move(), room_id="!space", phase=phase), replace(move(), room_id="!other")]
    assert rerouted(BY_SPACE, room(RESTRICTED), others, joined).plan.way is way


def test_whoever_is_there_or_needs_no_space_goes_on_as_planned() -> None:
    for membership in ("join", "invite"):
        assert rerouted(BY_SPACE, room(RESTRICTED, member(NEW, membership)), [], ()) == BY_SPACE
    public = move(plan=plan(way=Way.PUBLIC))
    assert rerouted(public, room(RESTRICTED), [], ()) == public


# ---- Whether it is still asked for -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "gone"),
    [
        ({}, False),
        ({"reactions": said(Answer.NO, CAROL)}, False),  # she speaks for her rooms
        ({"reactions": said(Answer.NO, OLD)}, True),
        ({"confirmations": said(Answer.NO, NEW)}, True),
        ({"confirmations": said(Answer.YES, NEW)}, False),
        ({"command_stands": False}, True),
        ({"card_stands": False}, True),
        ({"confirm_stands": False}, True),
    ],
)
def test_a_request_that_was_taken_back_is_not_held_open(facts: dict[str, Any], gone: bool) -> None:
    assert taken_back(move(), replace(NOTHING_YET, **facts)) is gone
