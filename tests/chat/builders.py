# SPDX-License-Identifier: AGPL-3.0-or-later
"""Alice moves house in one room: what cards are made of, with one thing different at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from migrationbot.chat.cards import Approvers
from migrationbot.core.move import Migration, RoomMove, Rules
from migrationbot.core.plan import Wish, make_plan
from migrationbot.core.reasons import Ending, Outcome, Reason
from migrationbot.core.room import RoomState, StateEvent, read_room
from migrationbot.core.steps import Record, Step

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOW = 1_795_356_180_000  # 2026-11-22 14:03 UTC
ROOM_ID = "!room:old.org"
HISTORY = "m.room.history_visibility"

# What a move waits for, while it has not ended.
WAITS = (
    Reason.APPROVAL,
    Reason.APPROVAL_LOST,
    Reason.JOIN,
    Reason.CONFIRM,
    Reason.BOT_LACKS_POWER,
    Reason.SERVER_UNREACHABLE,
    Reason.INVITE_BLOCKED,
    Reason.INVITES_SPENT,
    Reason.NOT_ALLOWED,
    Reason.OWNER_INVITE,
    Reason.PAUSED,
    Reason.ADDRESS_MISSING,
    Reason.ADDRESS_UNSET,
    Reason.TAKE_OVER,
    Reason.STEP_DOWN,
    Reason.LEAVE,
    Reason.UPGRADE,
    Reason.ENTER,
    Reason.REPAIR,
    Reason.HEIR,
)


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who is who."""

    old: str = "@alice:old.org"
    new: str = "@alice:new.org"
    bot: str = "@bot:old.org"
    admin: str = "@carol:old.org"


CAST = Cast()


def event(kind: str, content: Mapping[str, Any], *, key: str = "", **more: Any) -> StateEvent:
    """A state event of the admin's, made three days ago."""
    made = {"sender": CAST.admin, "event_id": f"${kind}{key}", "sent_at": NOW - 3 * DAY}
    return StateEvent(type=kind, state_key=key, content=content, **{**made, **more})


def member(user_id: str, membership: str = "join", *, by: str | None = None, **more: Any) -> StateEvent:
    """A membership, brought about by the account itself unless somebody else is named."""
    return event("m.room.member", {"membership": membership}, key=user_id, sender=by or user_id, **more)


def history(setting: str, **more: Any) -> StateEvent:
    """A history setting."""
    return event(HISTORY, {"history_visibility": setting}, **more)


def room(
    *events: StateEvent,
    cast: Cast = CAST,
    version: str = "11",
    levels: Mapping[str, int] | None = None,
    **power: Any,
) -> RoomState:
    """A room with the old account, the bot and the admin at level 100, and history `shared`."""
    users = {cast.old: 100, cast.bot: 100, cast.admin: 100, **(levels or {})}
    usual = (
        event("m.room.create", {"room_version": version}, sender=cast.admin),
        event("m.room.power_levels", {"users": users, **power}),
        history("shared"),
        *(member(user_id) for user_id in (cast.old, cast.bot, cast.admin)),
    )
    return read_room(ROOM_ID, (*usual, *events))


def migration(cast: Cast = CAST, **changes: Any) -> Migration:
    """Request 7, an hour old, open for a week from now."""
    made = Migration(
        number=7,
        requester=cast.old,
        old=cast.old,
        new=cast.new,
        home_room=ROOM_ID,
        command_event="$command",
        thread_root="$command",
        created_at=NOW - HOUR,
        expires_at=NOW + 7 * DAY,
    )
    return replace(made, **changes)


def move(
    state: RoomState,
    *records: Record,
    cast: Cast = CAST,
    open_history: bool = True,
    more: bool = False,
    **changes: Any,
) -> RoomMove:
    """The move that would be planned in this room, with what was done of it."""
    wish = Wish(
        bot=cast.bot,
        old=cast.old,
        new=cast.new,
        open_history=open_history,
        more=more,
        memberships=frozenset({"!space:old.org"}),
    )
    made = RoomMove(
        migration=7,
        room_id=ROOM_ID,
        bot=cast.bot,
        requester=cast.old,
        old=cast.old,
        new=cast.new,
        plan=make_plan(wish, state),
        rules=Rules(),
        expires_at=NOW + 7 * DAY,
        records={record.step: record for record in records},
    )
    return replace(made, **changes)


def did(step: Step, *, ago: int = HOUR, attempt: int = 1) -> Record:
    """A step that the bot has done."""
    return Record(step=step, attempt=attempt, done=True, event_id=f"${step.value}", at=NOW - ago)


def ending(
    outcome: Outcome = Outcome.DONE, reason: Reason = Reason.ARRIVED, *, by: str = "", at: int = NOW
) -> Ending:
    """How it ended, just now."""
    return Ending(outcome=outcome, reason=reason, by=by, at=at)


def approvers(*named: str, **changes: Any) -> Approvers:
    """Those named may approve; level 100 is asked, and one yes."""
    return replace(Approvers(named=named, more=0, anyone=False, asked=100, needed=1), **changes)
