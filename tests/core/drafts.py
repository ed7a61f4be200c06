# SPDX-License-Identifier: AGPL-3.0-or-later
"""Moves at every stage at which a decision is due, with all well: others can be made of them by changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from migrationbot.core.approval import Answer, Evidence
from migrationbot.core.move import Phase, Plan, RoomMove
from migrationbot.core.reasons import Ending, Outcome, Reason
from migrationbot.core.room import RoomState, StateEvent
from migrationbot.core.steps import Record, Step
from tests.core.worlds import (
    BOT,
    CAROL,
    DAVE,
    ERIN,
    EVERYONE,
    HOUR,
    NEW,
    NOW,
    OLD,
    done,
    evidence,
    member,
    move,
    opening,
    plan,
    room,
    said,
    state,
)

OPENED = ("shared", BOT, "$open_history")


@dataclass(frozen=True)
class World:
    """All that a decision depends on, the time apart: that is `NOW`."""

    move: RoomMove
    room: RoomState
    evidence: Evidence


@dataclass
class Draft:
    """A world that can still be changed; as it is, Carol has agreed to a move that may begin."""

    version: str = "10"
    creators: tuple[str, ...] = (ERIN,)
    levels: dict[str, Any] | None = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=lambda: {BOT: 100, OLD: 100, CAROL: 100, DAVE: 50})
    members: dict[str, StateEvent] = field(default_factory=dict)
    history: tuple[str, str, str] = ("shared", CAROL, "$before")  # the setting, who set it, by which event
    doors: dict[str, StateEvent] = field(default_factory=dict)
    plan: Plan = field(default_factory=plan)
    records: dict[Step, Record] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=lambda: {"phase": Phase.MOVING, "approved_level": 100})
    answers: dict[str, set[str]] = field(default_factory=lambda: {"yes": {CAROL}})
    flags: dict[str, Any] = field(default_factory=dict)

    def world(self) -> World:
        """The world as it is now."""
        setting, sender, event_id = self.history
        history = state(
            "m.room.history_visibility", {"history_visibility": setting}, sender=sender, event_id=event_id
        )
        joined = {user: member(user, "join") for user in EVERYONE if user != NEW}
        now = room(
            history,
            *{**joined, **self.members}.values(),
            *self.doors.values(),
            version=self.version,
            creator=self.creators[0],
            create={"additional_creators": list(self.creators[1:])},
            levels=None if self.levels is None else {**self.levels, "users": self.users},
            members={},
        )
        reactions = said(Answer.YES, *sorted(self.answers.get("yes", ())))
        reactions += said(Answer.NO, *sorted(self.answers.get("no", ())))
        confirmations = said(Answer.YES, *sorted(self.answers.get("confirm", ())))
        confirmations += said(Answer.NO, *sorted(self.answers.get("deny", ())))
        stands = evidence(reactions=reactions, confirmations=confirmations, **self.flags)
        return World(move(*self.records.values(), plan=self.plan, **self.facts), now, stands)


def at_stage(phase: Phase, *steps: Step, here: str = "", closed: bool = False) -> Draft:
    """A move in this phase that has come through these steps, with the new account here in that way."""
    draft = Draft(plan=opening(), records={step: done(step) for step in steps}, answers={"yes": {CAROL}})
    draft.facts["phase"] = phase
    if phase is Phase.UNDOING:
        ending = Ending(outcome=Outcome.CANCELLED, reason=Reason.CANCELLED, by=OLD, at=NOW - HOUR)
        draft.facts["ending"] = ending
    if here:
        by = BOT if here == "invite" else NEW
        content = {"membership": here}
        draft.members[NEW] = state("m.room.member", content, key=NEW, sender=by, event_id="$invite")
    open_now = Step.OPEN_HISTORY in steps and not closed
    draft.history = OPENED if open_now else ("invited", CAROL, "$before")
    return draft


OPEN, INVITED = (Step.OPEN_HISTORY,), (Step.OPEN_HISTORY, Step.INVITE)
ASKED = (*INVITED, Step.RESTORE_HISTORY, Step.CONFIRM_CARD, Step.SEED_CONFIRM)


def confirmed() -> Draft:
    """All that a promotion takes."""
    draft = at_stage(Phase.MOVING, *ASKED, here="join", closed=True)
    draft.answers["confirm"] = {NEW}
    return draft


STAGES: tuple[Callable[[], Draft], ...] = (
    Draft,
    partial(at_stage, Phase.ASKING),
    partial(at_stage, Phase.ASKING, *INVITED, here="invite"),
    partial(at_stage, Phase.MOVING),
    partial(at_stage, Phase.MOVING, *OPEN),
    partial(at_stage, Phase.MOVING, *INVITED, here="invite"),
    partial(at_stage, Phase.MOVING, *INVITED, here="join"),
    partial(at_stage, Phase.MOVING, *INVITED, Step.RESTORE_HISTORY, here="join", closed=True),
    partial(at_stage, Phase.MOVING, *ASKED, here="join", closed=True),
    confirmed,
    partial(at_stage, Phase.BLOCKED, *ASKED, here="join", closed=True),
    partial(at_stage, Phase.BLOCKED, *OPEN),
    partial(at_stage, Phase.MOVING, *ASKED, Step.PROMOTE, here="join", closed=True),
    partial(at_stage, Phase.UNDOING),
    partial(at_stage, Phase.UNDOING, *OPEN),
    partial(at_stage, Phase.UNDOING, *INVITED, here="invite"),
)
