# SPDX-License-Identifier: AGPL-3.0-or-later
"""A room, a move and the evidence for it, as a test needs them: every fact has a plain default.

By default Old, at 100, asks to move to New. In the room, Carol is an admin, Dave a moderator, and Erin has no
power. Nobody has answered yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from migrationbot.core.approval import Answer, Evidence, Reaction
from migrationbot.core.history import Reading, Visibility
from migrationbot.core.move import Migration, Phase, Plan, RoomMove, Rules
from migrationbot.core.reasons import Ending, Outcome, Reason
from migrationbot.core.room import RoomState, StateEvent, read_room
from migrationbot.core.steps import Record, Step
from migrationbot.core.ways import Way

ROOM = "!room:old.org"
BOT, OLD, NEW = "@bot:old.org", "@me:old.org", "@me:new.org"
CAROL, DAVE, ERIN = "@carol:old.org", "@dave:old.org", "@erin:old.org"
EVERYONE = (BOT, OLD, NEW, CAROL, DAVE, ERIN)

HOUR = 3_600_000  # milliseconds
NOW = 1_000 * HOUR
SOON = NOW + HOUR
LEVELS: Mapping[str, Any] = {"users": {BOT: 100, OLD: 100, CAROL: 100, DAVE: 50}}
MEMBERS: Mapping[str, str] = dict.fromkeys((BOT, OLD, CAROL, DAVE, ERIN), "join")


def state(
    kind: str, content: Mapping[str, Any], *, key: str = "", sender: str = OLD, event_id: str = ""
) -> StateEvent:
    """One state event; its ID names its type and key unless another is given."""
    return StateEvent(
        type=kind,
        state_key=key,
        content=content,
        sender=sender,
        event_id=event_id or f"${kind}{key}",
        sent_at=NOW - HOUR,
    )


def member(user_id: str, membership: str, *, by: str = "") -> StateEvent:
    """A membership, brought about by the account itself unless `by` names somebody else."""
    return state("m.room.member", {"membership": membership}, key=user_id, sender=by or user_id)


def room(
    *changes: StateEvent,
    version: str = "10",
    creator: str = CAROL,
    create: Mapping[str, Any] | None = None,
    levels: Mapping[str, Any] | None = LEVELS,
    visibility: str = "shared",
    members: Mapping[str, str] = MEMBERS,
) -> RoomState:
    """The room, read from raw events; `changes` come on top of what the other arguments say."""
    events = [
        state("m.room.create", {"room_version": version, **(create or {})}, sender=creator),
        state("m.room.history_visibility", {"history_visibility": visibility}),
        *(member(user_id, membership) for user_id, membership in members.items()),
    ]
    if levels is not None:
        events.append(state("m.room.power_levels", levels))
    return read_room(ROOM, [*events, *changes])


def with_levels(users: Mapping[str, int], **others: Any) -> dict[str, Any]:
    """Power levels in which these users' entries differ from the default room's."""
    return {**LEVELS, **others, "users": {**LEVELS["users"], **users}}


def plan(**facts: Any) -> Plan:
    """Invite New, give it 100, leave the history alone."""
    standard = Plan(
        level=100,
        old_level=100,
        way=Way.INVITE,
        bot_level=100,
        open_from=None,
        visibility=Visibility.SHARED,
        reading=Reading.SINCE_SETTING,
    )
    return replace(standard, **facts)


def opening(before: Visibility = Visibility.INVITED) -> Plan:
    """A plan that opens the history for the time of the move."""
    return plan(open_from=before, visibility=before, reading=Reading.FROM_OPENING)


def migration(*records: Record, **facts: Any) -> Migration:
    """Old's request as a whole, with the given steps on record."""
    asked = Migration(
        number=7,
        requester=OLD,
        old=OLD,
        new=NEW,
        home_room=ROOM,
        command_event="$command",
        thread_root="$command",
        created_at=NOW,
        expires_at=NOW + 168 * HOUR,
        records={record.step: record for record in records},
    )
    return replace(asked, **facts)


def move(*records: Record, **facts: Any) -> RoomMove:
    """Old's request, with the given steps on record."""
    asked = RoomMove(
        migration=7,
        room_id=ROOM,
        bot=BOT,
        requester=OLD,
        old=OLD,
        new=NEW,
        plan=plan(),
        rules=Rules(),
        expires_at=NOW + 168 * HOUR,
        records={record.step: record for record in records},
    )
    return replace(asked, **facts)


def moving(*records: Record, **facts: Any) -> RoomMove:
    """The same, approved by Carol."""
    return move(*records, **{"phase": Phase.MOVING, "approved_level": 100, "approvers": (CAROL,), **facts})


def undoing(*records: Record, **facts: Any) -> RoomMove:
    """The same, cancelled an hour ago."""
    ended = Ending(outcome=Outcome.CANCELLED, reason=Reason.CANCELLED, by=OLD, at=NOW - HOUR)
    return moving(*records, **{"phase": Phase.UNDOING, "ending": ended, **facts})


def done(step: Step, event_id: str = "", *, attempt: int = 1) -> Record:
    """A step on record as done, by an event whose ID names the step unless another is given."""
    return Record(step=step, attempt=attempt, done=True, event_id=event_id or f"${step.value}", at=NOW - HOUR)


def intended(step: Step, *, base: str | None = None, attempt: int = 1) -> Record:
    """A step that was about to be done when the bot was interrupted."""
    return Record(step=step, attempt=attempt, base=base, at=NOW - HOUR)


ASKED_NEW = (done(Step.INVITE), done(Step.CONFIRM_CARD), done(Step.SEED_CONFIRM))  # all before its answer


def said(answer: Answer, *senders: str) -> tuple[Reaction, ...]:
    """One reaction of each sender."""
    return tuple(Reaction(event_id=f"${answer.name}{each}", sender=each, answer=answer) for each in senders)


def evidence(
    yes: Iterable[str] = (), *, no: Iterable[str] = (), confirm: Iterable[str] = (), **facts: Any
) -> Evidence:
    """Command and cards stand; under the request card these said ✅ and ❌, under the confirm card ✅."""
    standing = Evidence(
        command_stands=True,
        cancelled_by="",
        card_stands=True,
        reactions=said(Answer.YES, *yes) + said(Answer.NO, *no),
        confirm_stands=True,
        confirmations=said(Answer.YES, *confirm),
    )
    return replace(standing, **facts)
