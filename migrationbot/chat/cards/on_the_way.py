# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is said between the request and the end: waits, what is done and to do, and what went wrong."""

from __future__ import annotations

from migrationbot.chat.by_hand import by_hand
from migrationbot.chat.card import Card, render
from migrationbot.chat.spot import HERE, Spot
from migrationbot.core.approval import Hint
from migrationbot.core.decisions import Wait
from migrationbot.core.guide import Errand
from migrationbot.core.move import Migration, Phase, RoomMove
from migrationbot.core.reasons import Mishap, Reason
from migrationbot.core.standing import Standing

from . import facts
from .facts import NAMED_APPROVERS

_STATES = {Reason.APPROVAL_LOST: "waiting", Reason.BOT_LACKS_POWER: "blocked"}  # the others: "running"


def progress(
    migration: Migration, move: RoomMove, wait: Wait, *, needed: int, now: int, spot: Spot = HERE
) -> Card:
    """What the move waits for, when that is something that people did not expect."""
    reason, goal = wait.reason, wait.goal
    menders = _menders(move, reason)
    return render(
        "progress.html",
        fields=facts.fields("progress", migration, _STATES.get(reason, "running")),
        mentions=menders,
        spot=spot,
        **facts.who(migration),
        menders=menders,
        reason=reason.value,
        goal=goal.value if goal else "",
        undoing=move.phase is Phase.UNDOING and reason is Reason.BOT_LACKS_POWER,
        plan=move.plan,
        bot=move.bot,
        address=move.options.address,
        needed=needed,
        until=wait.until,
        now=now,
    )


def checklist(
    migration: Migration, move: RoomMove, found: Standing, errands: tuple[Errand, ...], spot: Spot = HERE
) -> Card:
    """What is done and what is to do, with who does it; edited whenever that changes."""
    people = facts.helpers(errands)
    return render(
        "checklist.html",
        spot=spot,
        fields={**facts.fields("progress", migration, "running"), "checklist": True},
        mentions=people,
        **facts.who(migration),
        people=people,
        plan=move.plan,
        met=[goal.value for goal in found.met],
        to_come=[goal.value for goal in found.to_come],
        by_hand=by_hand(errands),
        agreed=found.agreed[:NAMED_APPROVERS],
        more_agreed=len(found.agreed[NAMED_APPROVERS:]),
        missing=found.missing,
        address=move.options.address,
        level=found.level,
        at={},
        now=0,
    )


def hint(migration: Migration, kind: Hint, person: str, *, has: int, asked: int, spot: Spot = HERE) -> Card:
    """A word to somebody who plainly meant to approve, and whose answer does not count."""
    return render(
        "hint.html",
        fields=facts.fields("progress", migration, "waiting"),
        mentions=(person,),
        **facts.who(migration),
        kind=kind.value,
        spot=spot,
        person=person,
        has=has,
        asked=asked,
    )


def mishap(migration: Migration, kind: Mishap, person: str, *, spot: Spot = HERE) -> Card:
    """What went wrong beside the move, to the person whom it concerns."""
    return render(
        "mishap.html",
        fields=facts.fields("progress", migration, "running"),
        mentions=(person,),
        **facts.who(migration),
        kind=kind.value,
        spot=spot,
        person=person,
    )


def _menders(move: RoomMove, reason: Reason) -> tuple[str, ...]:
    """Who in the room can do something about it. Those who agreed hold a level that can mend the bot's."""
    if reason is Reason.PAUSED:
        return ()
    if reason is Reason.ADDRESS_MISSING:
        return (move.new,)
    agreed = move.approvers if reason in (Reason.BOT_LACKS_POWER, Reason.ADDRESS_UNSET) else ()
    return facts.named_once((move.requester, *agreed))
