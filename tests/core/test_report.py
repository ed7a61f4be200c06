# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is left for a person to do once a room move has ended."""

from __future__ import annotations

import pytest

from migrationbot.core.move import Options
from migrationbot.core.reasons import Ending, Outcome, Reason
from migrationbot.core.report import Left, left_to_do
from migrationbot.core.steps import Step
from tests.core.worlds import (
    BOT,
    CAROL,
    NEW,
    NOW,
    OLD,
    done,
    member,
    moving,
    opening,
    room,
    state,
    undoing,
    with_levels,
)

DONE = Ending(outcome=Outcome.DONE, reason=Reason.ARRIVED, at=NOW)
PARTIAL = Ending(outcome=Outcome.PARTIAL, reason=Reason.ARRIVED, at=NOW)
CANCELLED = Ending(outcome=Outcome.CANCELLED, reason=Reason.CANCELLED, by=OLD, at=NOW)
UPGRADED = Ending(outcome=Outcome.REFUSED, reason=Reason.ROOM_UPGRADED, at=NOW)
OPENED = state("m.room.history_visibility", {"history_visibility": "shared"}, sender=BOT, event_id="$open")
INVITED = state("m.room.member", {"membership": "invite"}, key=NEW, sender=BOT, event_id="$invite")
JOINED, GONE = member(NEW, "join"), member(OLD, "leave")
WHOLE = with_levels({NEW: 100})


def test_the_old_account_keeps_its_place_until_it_leaves_by_itself() -> None:
    assert left_to_do(moving(), room(JOINED, levels=WHOLE), DONE) == (Left.OLD_KEEPS_PLACE,)
    assert left_to_do(moving(), room(JOINED, GONE, levels=WHOLE), DONE) == ()


def test_a_level_that_the_bot_could_not_give_is_left_to_others() -> None:
    partly = room(JOINED, GONE, levels=with_levels({NEW: 60}))
    assert left_to_do(moving(), partly, PARTIAL) == (Left.RAISE_LEVEL,)


def test_creatorship_stays_where_it_is() -> None:
    asks = {"users": {BOT: 100, NEW: 100}}
    owned = room(JOINED, GONE, version="12", creator=OLD, levels=asks)
    shared = room(
        JOINED, GONE, version="12", creator=OLD, create={"additional_creators": [NEW]}, levels={"users": {}}
    )
    assert left_to_do(moving(), owned, DONE) == (Left.CREATORSHIP,)
    assert left_to_do(moving(), shared, DONE) == ()


def test_keys_of_an_encrypted_room_are_the_persons_own() -> None:
    encrypted = room(JOINED, GONE, state("m.room.encryption", {}), levels=WHOLE)
    assert left_to_do(moving(), encrypted, DONE) == (Left.EXPORT_KEYS,)


@pytest.mark.parametrize("ending", [CANCELLED, UPGRADED])
def test_nothing_is_left_to_do_when_nothing_happened(ending: Ending) -> None:
    assert left_to_do(undoing(), room(state("m.room.encryption", {})), ending) == ()


def test_history_that_the_bot_could_not_close_is_named_while_it_is_the_bots() -> None:
    opened = undoing(done(Step.OPEN_HISTORY, "$open"), plan=opening())
    theirs = state("m.room.history_visibility", {"history_visibility": "shared"}, sender=CAROL)
    assert left_to_do(opened, room(OPENED), CANCELLED) == (Left.CLOSE_HISTORY,)
    assert left_to_do(opened, room(theirs), CANCELLED) == ()
    restored = undoing(done(Step.OPEN_HISTORY, "$open"), done(Step.RESTORE_HISTORY), plan=opening())
    assert left_to_do(restored, room(visibility="invited"), CANCELLED) == ()


def test_an_invite_that_the_bot_could_not_withdraw_is_named_while_it_is_the_bots() -> None:
    invited = undoing(done(Step.INVITE, "$invite"))
    assert left_to_do(invited, room(INVITED), CANCELLED) == (Left.WITHDRAW_INVITE,)
    assert left_to_do(invited, room(member(NEW, "invite", by=CAROL)), CANCELLED) == ()
    assert left_to_do(invited, room(JOINED), CANCELLED) == ()
    assert left_to_do(invited, room(INVITED), UPGRADED) == ()


def test_what_weighs_most_is_named_first() -> None:
    owned = room(
        JOINED, OPENED, state("m.room.encryption", {}), version="12", creator=OLD, levels={"users": {BOT: 60}}
    )
    options = Options(address="#room:new.org")
    moved = moving(done(Step.OPEN_HISTORY, "$open"), plan=opening(), options=options)
    named = left_to_do(moved, owned, PARTIAL)
    assert named == (
        Left.RAISE_LEVEL,
        Left.CREATORSHIP,
        Left.CLOSE_HISTORY,
        Left.SET_ADDRESS,
        Left.OLD_KEEPS_PLACE,
        Left.EXPORT_KEYS,
    )


def test_an_old_account_that_was_to_step_down_and_did_not_is_told() -> None:
    asked = moving(options=Options(step_down=True))
    assert left_to_do(asked, room(JOINED, levels=with_levels({NEW: 100})), DONE) == (
        Left.STEP_DOWN,
        Left.OLD_KEEPS_PLACE,
    )
    lowered = room(JOINED, levels=with_levels({NEW: 100, OLD: 0}))
    assert left_to_do(asked, lowered, DONE) == (Left.OLD_KEEPS_PLACE,)
