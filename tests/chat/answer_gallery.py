# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every answer to somebody who asks how things are, answers in words, or tries once more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from migrationbot.chat import answers
from migrationbot.chat.card import Card
from migrationbot.core.ability import abilities
from migrationbot.core.move import Phase, RoomMove
from migrationbot.core.reasons import Goal, Outcome, Reason
from migrationbot.core.room import RoomState
from migrationbot.core.standing import Standing, standing
from migrationbot.core.steps import Step
from tests.chat.builders import (
    CAST,
    DAY,
    HOUR,
    MINUTE,
    NOW,
    WAITS,
    Cast,
    approvers,
    did,
    ending,
    event,
    history,
    migration,
    move,
    room,
)
from tests.core.worlds import evidence

ALL_GOALS = Standing(met=tuple(Goal)[:-1], to_come=tuple(Goal), agreed=(), level=100)


def outlook(current: RoomMove, state: RoomState, *named: str, **changes: Any) -> answers.Outlook:
    """The move waits for an answer until tomorrow."""
    usual = answers.Outlook(
        standing=standing(current, state, evidence()),
        approvers=approvers(*named),
        wait=Reason.APPROVAL,
        until=NOW + DAY,
        retry_at=None,
        level=100,
        now=NOW,
    )
    return replace(usual, **changes)


def status(current: RoomMove, state: RoomState, *named: str, cast: Cast = CAST, **changes: Any) -> Card:
    """The status of the move in that room."""
    seen = outlook(current, state, *named, **changes)
    return answers.status(migration(cast), current, seen, command="migrate")


def rooms(cast: Cast = CAST) -> Iterator[tuple[str, RoomState]]:
    """Rooms of which `check` has different things to say."""
    yield "usual", room(cast=cast)
    yield "weak", room(cast=cast, levels={cast.bot: 50})
    yield "powerless", room(history("joined"), cast=cast, levels={cast.bot: 0}, invite=50)
    yield "version 12", room(cast=cast, version="12")
    yield "encrypted", room(event("m.room.encryption", {}), cast=cast)
    yield "upgraded", room(event("m.room.tombstone", {"replacement_room": "!" + cast.admin}), cast=cast)
    yield "upgraded to nothing", room(event("m.room.tombstone", {}), cast=cast)
    for setting in ("world_readable", "invited", "joined"):
        yield setting, room(history(setting), cast=cast)
    for rule in ("public", "private", "knock", "restricted", "knock_restricted"):
        yield rule, room(event("m.room.join_rules", {"join_rule": rule}), cast=cast)
    yield "one server", replace(room(cast=cast), federates=False)
    yield "closed", _with_acl(cast, allow_ip_literals=False)
    yield "some servers", _with_acl(cast, allow=["*.org"])
    globs = [f"{letter}.{cast.admin}" for letter in "abcdefghijkl"]
    yield "many servers", _with_acl(cast, allow=["*"], deny=globs)


def _with_acl(cast: Cast, **content: Any) -> RoomState:
    return room(event("m.room.server_acl", content), cast=cast)


def every_answer(cast: Cast = CAST, named: tuple[str, ...] = ()) -> dict[str, Card]:
    """All of them by a name that says which it is."""
    named = named or (cast.admin,)
    return {
        **_statuses(cast, named),
        **{f"check: {name}": _checked(state, cast) for name, state in rooms(cast)},
        **_lists(cast),
        **_replies(cast, named),
    }


def _checked(state: RoomState, cast: Cast) -> Card:
    return answers.check(state, abilities(state, cast.bot), bot=cast.bot)


def _statuses(cast: Cast, named: tuple[str, ...]) -> dict[str, Card]:
    usual, hidden = room(cast=cast), room(history("joined"), cast=cast)
    asked = move(usual, cast=cast)
    end = ending(Outcome.CANCELLED, Reason.CANCELLED, by=cast.old, at=NOW - HOUR)
    phases = {phase: move(usual, cast=cast, phase=phase) for phase in (Phase.MOVING, Phase.BLOCKED)}
    undoing = move(hidden, did(Step.OPEN_HISTORY), cast=cast, phase=Phase.UNDOING, ending=end)
    found = {
        f"status: {reason.value}": status(asked, usual, *named, cast=cast, wait=reason) for reason in WAITS
    }
    for phase, current in phases.items():
        found[f"status: {phase.value}"] = status(current, usual, *named, cast=cast, wait=None)
    found["status: retried"] = status(asked, usual, cast=cast, retry_at=NOW + 3 * MINUTE)
    found["status: anyone"] = status(asked, usual, cast=cast, approvers=approvers(anyone=True))
    found["status: two more"] = status(asked, usual, cast=cast, approvers=approvers(*named, needed=2))
    found["status: goals"] = status(asked, usual, *named, cast=cast, standing=ALL_GOALS)
    agreed = replace(ALL_GOALS, agreed=named, to_come=())
    records = (did(Step.OPEN_HISTORY), did(Step.INVITE), did(Step.RESTORE_HISTORY), did(Step.PROMOTE))
    worked = move(hidden, *records, cast=cast, phase=Phase.MOVING)
    found["status: worked"] = status(worked, hidden, *named, cast=cast, standing=agreed)
    found["status: undoing"] = status(undoing, hidden, cast=cast, wait=Reason.BOT_LACKS_POWER)
    found["status: undoing now"] = status(undoing, hidden, cast=cast, wait=None)
    for outcome, reason in ENDED.items():
        over = replace(asked, phase=Phase.ENDED, ending=ending(outcome, reason, by=cast.admin, at=NOW - DAY))
        card = answers.ended(migration(cast), over, command="migrate", now=NOW)
        found[f"status: {outcome.value}"] = card
    return found


ENDED = {
    Outcome.DONE: Reason.ARRIVED,
    Outcome.PARTIAL: Reason.ARRIVED,
    Outcome.REFUSED: Reason.REFUSED_BY_ADMIN,
    Outcome.CANCELLED: Reason.CANCELLED,
    Outcome.EXPIRED: Reason.NOT_APPROVED,
}


def _lists(cast: Cast) -> dict[str, Card]:
    asked, mine = move(room(cast=cast), cast=cast), migration(cast)
    over = replace(asked, phase=Phase.ENDED, ending=ending(at=NOW - DAY))
    lines = [
        answers.Listed(migration=mine, move=asked, room_name=None),
        answers.Listed(migration=mine, move=over, room_name="Tea & talk"),
    ]
    elsewhere: dict[str, Any] = {"here": "!elsewhere:old.org", "everywhere": True}
    here: dict[str, Any] = {"here": asked.room_id, "everywhere": False}
    more: dict[str, Any] = {"command": "migrate", "now": NOW}
    return {
        "list": answers.listed(lines, **elsewhere, **more),
        "list: none": answers.listed([], **elsewhere, **more),
        "list: here": answers.listed(lines, **here, **more),
        "list: none here": answers.listed([], **here, **more),
        "list: full": answers.listed(lines * 5, **here, **more),
    }


def _replies(cast: Cast, named: tuple[str, ...]) -> dict[str, Card]:
    mine = migration(cast)
    return {
        "reply: enough": answers.counted(mine, missing=0),
        "reply: one more": answers.counted(mine, missing=1),
        "reply: two more": answers.counted(mine, missing=2),
        "reply: not entitled": answers.not_entitled(mine, approvers(*named, more=2)),
        "reply: not entitled, nobody is": answers.not_entitled(mine, approvers()),
        "reply: not entitled, anyone": answers.not_entitled(mine, approvers(anyone=True, asked=0)),
        "reply: too early": answers.too_early(mine),
        "reply: edited": answers.edited(),
        "reply: several": answers.several([8, 7], verb="approve", command="migrate"),
        "reply: trying": answers.trying(mine),
    }
