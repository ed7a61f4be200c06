# SPDX-License-Identifier: AGPL-3.0-or-later
"""What each card says. The wording is in templates/; which facts it is filled with is decided here."""

from __future__ import annotations

from dataclasses import dataclass

from migrationbot.core.decide import level_now
from migrationbot.core.errors import Refused
from migrationbot.core.move import Ending, Migration, Outcome, Reason, RoomMove, Step
from migrationbot.core.report import left_to_do
from migrationbot.core.room import RoomState

from .card import Card, render

NAMED_APPROVERS = 10  # a card names, and so pings, no more than these


@dataclass(frozen=True, kw_only=True)
class Approvers:
    """Who may approve, for the request card."""

    named: tuple[str, ...]  # user IDs of joined, entitled members, the most powerful first
    more: int  # how many beyond those
    anyone: bool  # every member may
    asked: int  # the level that it takes
    needed: int  # how many have to agree


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What the request card depends on beyond the plan and the room."""

    approvers: Approvers
    command: str  # the word after the `!`
    warnings: tuple[str, ...]  # "missing" or "unreachable": what the new account's server says
    now: int  # milliseconds since the epoch
    dry_run: bool = False  # only show what would be asked


def request(migration: Migration, move: RoomMove, room: RoomState, asking: Asking) -> Card:
    """The card that asks those who may approve; of a dry run, the answer that only shows it."""
    plan, approvers, dry_run = move.plan, asking.approvers, asking.dry_run
    fields = {"card": "answer"} if dry_run else _fields("request", migration, "waiting")
    named = () if approvers.anyone or dry_run else approvers.named
    return render(
        "request.html",
        fields=fields,
        mentions=named or (() if dry_run else (migration.requester,)),
        dry_run=dry_run,
        number=migration.number,
        requester=migration.requester,
        old=migration.old,
        new=migration.new,
        plan=plan,
        raises=plan.level > room.power.level_of(migration.new),
        creator=room.power.is_creator(migration.old),
        bot_level=room.power.level_of(move.bot),
        default_level=room.power.users_default,
        since=_in_force_since(room),
        warnings=asking.warnings,
        encrypted=room.encrypted,
        approvers=approvers.named,
        more=approvers.more,
        anyone=approvers.anyone,
        asked=approvers.asked,
        needed=approvers.needed,
        expires_at=migration.expires_at,
        command=asking.command,
        now=asking.now,
    )


def confirm(migration: Migration, move: RoomMove, room: RoomState, *, now: int) -> Card:
    """The card that asks the new account whether it is who the old one says it is."""
    level = level_now(move, room)
    return render(
        "confirm.html",
        fields=_fields("confirm", migration, "waiting"),
        mentions=(migration.new,),
        old=migration.old,
        new=migration.new,
        raises=level > room.power.level_of(migration.new),
        level=level,
        expires_at=move.expires_at,
        now=now,
    )


def progress(
    migration: Migration, move: RoomMove, reason: Reason, *, until: int, needed: int, now: int
) -> Card:
    """What the move waits for, when that is something that people did not expect."""
    state = "blocked" if reason is Reason.BOT_LACKS_POWER else "running"
    return render(
        "progress.html",
        fields=_fields("progress", migration, "waiting" if reason is Reason.APPROVAL_LOST else state),
        mentions=(migration.new if reason is Reason.INVITE_BLOCKED else migration.requester,),
        number=migration.number,
        reason=reason.value,
        old=migration.old,
        new=migration.new,
        until=until,
        person=move.bot,
        needed=needed,
        now=now,
    )


def summary(migration: Migration, move: RoomMove, room: RoomState, ending: Ending) -> Card:
    """How it ended: what changed, what each account has now, what is left to do."""
    arrived = ending.outcome in (Outcome.DONE, Outcome.PARTIAL)
    left = left_to_do(move, room, ending)
    level = room.power.level_of(migration.new)
    entry = {
        "room_id": move.room_id,
        "state": ending.outcome.value,
        "level": level if arrived else None,
        "history": move.plan.reading.value if arrived else None,
        "left_to_do": [each.value for each in left],
    }
    return render(
        "summary.html",
        fields={**_fields("summary", migration, ending.outcome.value), "rooms": [entry]},
        mentions=(migration.requester,),
        requester=migration.requester,
        old=migration.old,
        new=migration.new,
        outcome=ending.outcome.value,
        reason=ending.reason.value,
        by=ending.by,
        arrived=arrived,
        plan=move.plan,
        new_level=level,
        old_level=room.power.level_of(migration.old),
        new_joined=room.joined(migration.new),
        old_joined=room.joined(migration.old),
        opened_at=_at(move, Step.OPEN_HISTORY),
        closed_at=_at(move, Step.RESTORE_HISTORY),
        withdrawn=move.done(Step.WITHDRAW_INVITE),
        since=_in_force_since(room),
        approvers=move.approvers,
        left=[each.value for each in left],
    )


def closed(migration: Migration, ending: Ending) -> Card:
    """The request card in its final state."""
    return render(
        "closed.html",
        fields=_fields("request", migration, ending.outcome.value),
        number=migration.number,
        requester=migration.requester,
        old=migration.old,
        new=migration.new,
        outcome=ending.outcome.value,
        reason=ending.reason.value,
        by=ending.by,
    )


def refusal(refused: Refused, *, command: str) -> Card:
    """Why something was not done."""
    return render(
        "refusal.html",
        fields={"card": "answer", "error": refused.code.value},
        code=refused.code.value,
        d=_Details(refused.details),
        command=command,
    )


def usage(*, command: str) -> Card:
    """The answer to a cry for help."""
    return render("help.html", fields={"card": "answer"}, command=command)


class _Details(dict[str, str]):
    """A refusal's details; what was not given reads as empty."""

    def __missing__(self, key: str) -> str:
        return ""


def _fields(card: str, migration: Migration, state: str) -> dict[str, str]:
    return {"card": card, "migration": str(migration.number), "state": state}


def _at(move: RoomMove, step: Step) -> int | None:
    record = move.records.get(step)
    return record.at if record and record.done else None


def _in_force_since(room: RoomState) -> int | None:
    return room.history_event.sent_at if room.history_event else None
