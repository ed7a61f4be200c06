# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bot answers to those who ask or answer in words. The wording is in templates/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from migrationbot.core.ability import Abilities
from migrationbot.core.guide import Errand
from migrationbot.core.move import Migration, Phase, RoomMove
from migrationbot.core.reasons import Goal, Reason
from migrationbot.core.room import RoomState
from migrationbot.core.standing import Standing

from .by_hand import by_hand
from .card import Card, render
from .cards import NAMED_APPROVERS, Approvers, facts
from .spot import HERE, Spot, title

MOST_LISTED = 10
_MOST_GLOBS = 10  # of each kind in a server access list
_LONGEST_SHOWN = 255  # characters of what an admin of the room wrote
_STATES = {
    Phase.ASKING: "waiting",
    Phase.MOVING: "running",
    Phase.BLOCKED: "blocked",
    Phase.UNDOING: "running",
}


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What an open move waits for, and what it still needs. Times: milliseconds since the epoch."""

    standing: Standing
    approvers: Approvers  # who may answer
    errands: tuple[Errand, ...] = ()  # what people do because the bot may not
    wait: Reason | None  # None while the bot is at work
    goal: Goal | None = None  # what a person has to reach by hand now
    until: int  # how long it waits at most
    retry_at: int | None  # when a step that failed is tried again
    level: int  # what is needed, by the bot for all that it still has to do or by whoever is waited for
    now: int


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One line of a list."""

    migration: Migration
    move: RoomMove
    room_name: str | None  # None: it has none, or the bot can't see it
    more_rooms: int = 0  # how many others it spans


def status(
    migration: Migration, move: RoomMove, outlook: Outlook, *, command: str, spot: Spot = HERE
) -> Card:
    """How far an open migration is, for whom it waits and until when."""
    approvers, standing = outlook.approvers, outlook.standing
    return render(
        "status.html",
        fields=_fields(migration, move),
        **_facts(migration, move, now=outlook.now),
        spot=spot,
        state="undoing" if move.phase is Phase.UNDOING else _STATES[move.phase],
        wait=_wait(move, outlook),
        until=outlook.until,
        retry_at=outlook.retry_at,
        plan=move.plan,
        bot=move.bot,
        by_hand=by_hand(outlook.errands),
        goal=outlook.goal.value if outlook.goal else "",
        needed=outlook.level,
        address=move.options.address,
        anyone=approvers.anyone,
        asked=approvers.asked,
        named=approvers.named,
        more=approvers.more,
        missing=standing.missing,
        agreed=standing.agreed[:NAMED_APPROVERS],
        more_agreed=len(standing.agreed[NAMED_APPROVERS:]),
        level=standing.level,
        met=[goal.value for goal in standing.met],
        to_come=[goal.value for goal in standing.to_come],
        at={step.value: record.at for step, record in move.records.items() if record.done},
        command=command,
    )


def ended(migration: Migration, move: RoomMove, *, command: str, now: int, spot: Spot = HERE) -> Card:
    """How and when a migration ended."""
    facts = _facts(migration, move, now=now)
    fields = _fields(migration, move)
    return render("status.html", fields=fields, spot=spot, **facts, state="ended", command=command)


def listed(lines: Sequence[Listed], *, here: str, everywhere: bool, command: str, now: int) -> Card:
    """Somebody's own migrations: those of the room `here`, or of all rooms."""
    shown = [
        {
            **_facts(each.migration, each.move, now=now),
            "state": state_of(each.move),
            "room_id": each.move.room_id,
            "room_name": title(each.room_name or ""),
            "more_rooms": each.more_rooms,
        }
        for each in lines
    ]
    told = [
        {"migration": str(each["number"]), "state": each["state"], "room_id": each["room_id"]}
        for each in shown
    ]
    return render(
        "list.html",
        fields={"card": "answer", "migrations": told},
        lines=shown,
        full=len(lines) >= MOST_LISTED,
        here=here,
        everywhere=everywhere,
        command=command,
        now=now,
    )


def check(room: RoomState, can: Abilities, *, bot: str) -> Card:
    """What the bot can and can't do in this room, and what the room means for newcomers."""
    # Whoever gives a level has it, and may change levels.
    giver = max(can.needed, room.power.to_send("m.room.power_levels"))
    return render(
        "check.html",
        fields={"card": "answer", "lacks": [each.deed.value for each in can.lacking]},
        bot=bot,
        can=can,
        enough=can.has >= can.needed,
        giver=giver,
        visibility=room.visibility,
        open_to_newcomers=room.visibility.open_to_newcomers,
        encrypted=room.encrypted,
        join_rule=room.join_rule.value,
        federates=room.federates,
        home=room.create_sender,
        **_access_list(room),
        creators=sorted(room.power.creators),
        upgraded=room.successor is not None,
        successor=(room.successor or "")[:_LONGEST_SHOWN],
    )


def counted(migration: Migration, *, missing: int) -> Card:
    """A typed yes counts; `missing` is how many more it takes."""
    return _reply("counted", migration, missing=missing)


def not_entitled(migration: Migration, approvers: Approvers, *, spot: Spot = HERE) -> Card:
    """A typed answer that does not count, and whose would."""
    return _reply(
        "not_entitled",
        migration,
        error="not_yours",
        spot=spot,
        anyone=approvers.anyone,
        asked=approvers.asked,
        named=approvers.named,
        more=approvers.more,
    )


def too_early(migration: Migration) -> Card:
    """The new account says yes before it was asked."""
    return _reply("too_early", migration, error="not_yours")


def trying(migration: Migration) -> Card:
    """What failed is being tried again."""
    return _reply("trying", migration)


def edited() -> Card:
    """A typed answer that was edited."""
    return render("reply.html", fields={"card": "answer", "error": "usage"}, reply="edited")


def several(numbers: Sequence[int], *, verb: str, command: str) -> Card:
    """It is not said which of several requests is meant."""
    fields = {"card": "answer", "error": "usage"}
    return render(
        "reply.html", fields=fields, reply="several", numbers=sorted(numbers), verb=verb, command=command
    )


def state_of(move: RoomMove) -> str:
    """The state of a move as cards name it for other programs."""
    return _STATES[move.phase] if move.phase in _STATES or move.ending is None else move.ending.outcome.value


def _reply(name: str, migration: Migration, *, error: str | None = None, **values: Any) -> Card:
    fields = {"card": "answer", "migration": str(migration.number), **({"error": error} if error else {})}
    return render("reply.html", fields=fields, reply=name, number=migration.number, **values)


def _fields(migration: Migration, move: RoomMove) -> dict[str, str]:
    return {"card": "answer", "migration": str(migration.number), "state": state_of(move)}


def _facts(migration: Migration, move: RoomMove, *, now: int) -> dict[str, Any]:
    ending = move.ending
    return {
        **facts.who(migration),
        "asked_at": migration.created_at,
        "outcome": ending.outcome.value if ending else "",
        "reason": ending.reason.value if ending else "",
        "by": ending.by if ending else "",
        "ended_at": ending.at if ending else 0,
        "now": now,
    }


def _wait(move: RoomMove, outlook: Outlook) -> str:
    """The name of the sentence that says what it waits for; empty while the bot is at work."""
    if outlook.wait is None:
        return ""
    undoing = move.phase is Phase.UNDOING and outlook.wait is Reason.BOT_LACKS_POWER
    return "undoing" if undoing else outlook.wait.value


def _access_list(room: RoomState) -> dict[str, Any]:
    """The globs of the room's server access list: so many as are shown, and the number of the others."""
    allow, deny = (room.acl.allow, room.acl.deny) if room.acl else ((), ())
    return {
        "listed": room.acl is not None,
        "ip_literals": room.acl is None or room.acl.allow_ip_literals,
        "allow": [glob[:_LONGEST_SHOWN] for glob in allow[:_MOST_GLOBS]],
        "deny": [glob[:_LONGEST_SHOWN] for glob in deny[:_MOST_GLOBS]],
        "more_allowed": len(allow[_MOST_GLOBS:]),
        "more_denied": len(deny[_MOST_GLOBS:]),
    }
