# SPDX-License-Identifier: AGPL-3.0-or-later
"""Old hands a room over to New: the room, what follows it, and what the bot has tried there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from migrationbot.core.decide import decide
from migrationbot.core.decisions import Decision, Finish
from migrationbot.core.move import Options
from migrationbot.core.reasons import Outcome
from migrationbot.core.room import RoomState, StateEvent, read_room
from migrationbot.core.steps import Step
from migrationbot.core.succession import Deed, Parent, Succession
from tests.core.worlds import (
    ASKED_NEW,
    BOT,
    CAROL,
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
)

NEXT, SPACE = "!next", "!space:old.org"
JOINED = member(NEW, "join")
AGREED = evidence(yes=(OLD,), confirm=(NEW,))
ASKED = moving(*ASKED_NEW, done(Step.PROMOTE), options=Options(hand_over=True), approvers=(OLD,))
LEVELS = {"users": {BOT: 100, NEW: 100, CAROL: 100}, "events": {"m.room.tombstone": 150}}
LISTED = Parent(space=SPACE, lists_old=True, lists_new=False, bot_may=True, agreed=True)
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
    """The hand-over is over, and ended so."""
    assert isinstance(decision, Finish)
    assert decision.ending.outcome is outcome
