# SPDX-License-Identifier: AGPL-3.0-or-later
"""Many rooms: which move, in which order, and how the whole ends."""

from __future__ import annotations

import pytest

from migrationbot.core.community import Entry, Group, Prospect, group_of, in_order, on_the_whole, picked
from migrationbot.core.errors import Code
from migrationbot.core.reasons import Ending, Outcome, Reason
from migrationbot.core.ways import Way
from tests.core.worlds import NOW, OLD, plan


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
