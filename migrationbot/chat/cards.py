# SPDX-License-Identifier: AGPL-3.0-or-later
"""What each card says. The wording is in templates/; which facts it is filled with is decided here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from migrationbot.core.able import can_send, level_to_speak, may_remove, worth
from migrationbot.core.address import PLACE, bot_makes_it, main_address, may_set
from migrationbot.core.approval import Hint
from migrationbot.core.decisions import Wait
from migrationbot.core.errors import Refused
from migrationbot.core.goals import keys_could_come
from migrationbot.core.guide import Errand
from migrationbot.core.levels import level_needed, level_now
from migrationbot.core.move import Ending, Migration, Mishap, Outcome, Phase, Reason, RoomMove, Step
from migrationbot.core.moved import wants_record
from migrationbot.core.power import can_raise
from migrationbot.core.report import left_to_do
from migrationbot.core.room import CANONICAL_ALIAS, MOVED, Membership, RoomState
from migrationbot.core.standing import Standing
from migrationbot.core.succession import Succession
from migrationbot.core.ways import via

from . import handover, history
from .by_hand import by_hand
from .card import Card, render
from .spot import HERE, Spot
from .spot import spot as spot_of
from .words import room_link

NAMED_APPROVERS = 10  # a card names, and so pings, no more than these


@dataclass(frozen=True, kw_only=True)
class Approvers:
    """Who may approve, for the request card."""

    named: tuple[str, ...]  # user IDs of joined, entitled members, the most powerful first
    more: int  # how many beyond those
    anyone: bool  # every member may
    asked: int  # the level that it takes
    needed: int  # how many have to agree


class Venue(Enum):
    """Which chat a request card stands in. The values are used in its template."""

    ROOM = "room"  # the room itself, and it was asked there
    THERE = "there"  # the room itself, and it was asked in another chat
    AWAY = "away"  # the chat in which it was asked; the room has a card of its own
    SILENT = "silent"  # the chat in which it was asked; the bot can say nothing in the room


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What the request card depends on beyond the plan and the room."""

    approvers: Approvers
    command: str  # the word after the `!`
    warnings: tuple[str, ...]  # "missing" or "unreachable": what the new account's server says
    now: int  # milliseconds since the epoch
    errands: tuple[Errand, ...] = ()  # what people do because the bot may not
    dry_run: bool = False  # only show what would be asked
    venue: Venue = Venue.ROOM
    spot: Spot = HERE
    seen_at: int | None = None  # of a lost account: when it was last active here; times in ms since the epoch
    sees_since: int = 0  # from when on the bot sees all that was said here


def request(migration: Migration, move: RoomMove, room: RoomState, asking: Asking) -> Card:
    """The card that asks those who may approve; of a dry run, the answer that only shows it."""
    approvers, power = asking.approvers, room.power
    return render(
        "request.html",
        fields={"card": "answer"} if asking.dry_run else _fields("request", migration, "waiting"),
        mentions=() if asking.dry_run else _asked(move, asking),
        dry_run=asking.dry_run,
        venue=asking.venue.value,
        spot=asking.spot,
        **_who(migration),
        plan=move.plan,
        by_hand=by_hand(asking.errands),
        bot=move.bot,
        needed_level=level_needed(move, room),
        room_link=room_link(room.room_id, via(room, move.bot)),
        step_down=move.options.step_down,
        leave=move.options.leave,
        outranked=may_remove(room, move.bot, move.old),
        history=history.planned(migration, move, room, now=asking.now),
        joined=room.joined(migration.new),
        raises=move.plan.level > power.level_of(migration.new),
        is_creator=power.is_creator(migration.old),
        worth=worth(power, migration.old),
        new_level=power.level_of(migration.new),
        bot_level=power.level_of(move.bot),
        default_level=power.users_default,
        warnings=asking.warnings,
        old_invites=bool(move.rules.wait_for_owner_invite) and keys_could_come(move, room),
        encrypted=room.encrypted,
        anyone=approvers.anyone,
        asked=approvers.asked,
        needed=approvers.needed,
        old_may_answer=move.rules.requester_may_approve and not migration.lost,
        not_alone=migration.lost and (approvers.anyone or migration.requester in approvers.named),
        **_record(move, room),
        **_address(move, room),
        alone=migration.lost and approvers.named == (migration.requester,) and not approvers.more,
        seen_at=asking.seen_at,
        sees_since=asking.sees_since,
        blind=asking.sees_since > asking.now - move.rules.lost_after,
        **_people(approvers.named, approvers.more),
        handover=handover.facts(move, room),
        expires_at=migration.expires_at,
        command=asking.command,
        now=asking.now,
    )


def confirm(
    migration: Migration, move: RoomMove, room: RoomState, *, now: int, spot: Spot = HERE, command: str = ""
) -> Card:
    """The card that asks the new account whether it is who the old one says it is.

    Outside the room it says what to type, for the new account may not be in that chat.
    """
    level = level_now(move, room)
    return render(
        "confirm.html",
        fields=_fields("confirm", migration, "waiting"),
        mentions=(migration.new,) if spot.here else (migration.new, migration.requester),
        spot=spot,
        silent=not spot.here,
        encrypted=room.encrypted,
        bot=move.bot,
        command=command,
        **_who(migration),
        **_people(move.approvers),
        raises=level > room.power.level_of(migration.new),
        level=level,
        **_record(move, room),
        expires_at=move.expires_at,
        now=now,
    )


def ask_old(migration: Migration, move: RoomMove, *, until: int, now: int, spot: Spot = HERE) -> Card:
    """The card that asks the old account to send the invite itself."""
    fields = {**_fields("progress", migration, "running"), "asks": "invite", "room_id": move.room_id}
    return render(
        "ask_old.html",
        fields=fields,
        mentions=(migration.old,),
        spot=spot,
        **_who(migration),
        until=until,
        now=now,
    )


def progress(
    migration: Migration,
    move: RoomMove,
    wait: Wait,
    *,
    needed: int,
    now: int,
    spot: Spot = HERE,
) -> Card:
    """What the move waits for, when that is something that people did not expect."""
    reason, goal = wait.reason, wait.goal
    states = {Reason.APPROVAL_LOST: "waiting", Reason.BOT_LACKS_POWER: "blocked"}
    menders = _menders(move, reason)
    return render(
        "progress.html",
        fields=_fields("progress", migration, states.get(reason, "running")),
        mentions=menders,
        spot=spot,
        **_who(migration),
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
    people = _helpers(errands)
    return render(
        "checklist.html",
        spot=spot,
        fields={**_fields("progress", migration, "running"), "checklist": True},
        mentions=people,
        **_who(migration),
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
        fields=_fields("progress", migration, "waiting"),
        mentions=(person,),
        **_who(migration),
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
        fields=_fields("progress", migration, "running"),
        mentions=(person,),
        **_who(migration),
        kind=kind.value,
        spot=spot,
        person=person,
    )


def summary(
    migration: Migration,
    move: RoomMove,
    room: RoomState,
    ending: Ending,
    *,
    spot: Spot = HERE,
    succession: Succession | None = None,
    command: str = "migrate",
) -> Card:
    """How it ended: what changed, what each account has now, what is left to do."""
    power, arrived = room.power, ending.outcome in (Outcome.DONE, Outcome.PARTIAL)
    left = tuple(each.value for each in left_to_do(move, room, ending, succession))
    level, value = power.level_of(migration.new), worth(power, migration.old)
    told = history.told(move, room, now=ending.at)
    entry = {
        "room_id": move.room_id,
        "state": ending.outcome.value,
        "level": level if arrived else None,
        "history": told.reading.value if arrived else None,
        "left_to_do": list(left),
    }
    return render(
        "summary.html",
        fields={**_fields("summary", migration, ending.outcome.value), "rooms": [entry]},
        mentions=(migration.requester,),
        spot=spot,
        **_who(migration),
        **_how(ending),
        arrived=arrived,
        plan=move.plan,
        history=told,
        new_level=level,
        old_level=power.level_of(migration.old),
        default_level=power.users_default,
        is_creator=power.is_creator(migration.old),
        worth=value,
        old_can_raise=not migration.lost
        and room.joined(migration.old)
        and can_raise(power, sender=migration.old, target=migration.new, level=value),
        new_joined=room.joined(migration.new),
        new_invited=room.membership(migration.new) is Membership.INVITE,
        old_joined=room.joined(migration.old),
        promoted=move.done(Step.PROMOTE),
        withdrawn=move.done(Step.WITHDRAW_INVITE),
        **_people(move.approvers),
        left=left,
        lent=arrived and move.plan.guided and power.level_of(move.bot) > level_to_speak(power),
        bot=move.bot,
        bot_level=power.level_of(move.bot),
        **_address(move, room),
        address_set=move.options.address and main_address(room) == move.options.address,
        handover=handover.facts(move, room, succession),
        successor_link=handover.successor_link(room),
        command=command,
        now=ending.at,
    )


def closed(migration: Migration, ending: Ending, *, spot: Spot = HERE, in_thread: bool = True) -> Card:
    """A request card in its final state; `in_thread` is whether the summary stands in its thread."""
    fields = _fields("request", migration, ending.outcome.value)
    return render(
        "closed.html", fields=fields, spot=spot, in_thread=in_thread, **_who(migration), **_how(ending)
    )


def refusal(refused: Refused, *, command: str) -> Card:
    """Why something was not done. The detail `away` is a room's ID, where another one than this is meant."""
    code = refused.code.value
    fields = {"card": "answer", "error": code}
    away = refused.details.get("away")
    where = spot_of(away, None, at="") if away else HERE
    return render(
        "refusal.html", fields=fields, spot=where, code=code, d=dict(refused.details), command=command
    )


def usage(*, command: str) -> Card:
    """The answer to a cry for help."""
    return render("help.html", fields={"card": "answer"}, command=command)


def _record(move: RoomMove, room: RoomState) -> dict[str, Any]:
    """Whether the room will keep a record of the move, and the level that it takes."""
    wanted = wants_record(move) and can_send(room.power, move.bot, MOVED)
    return {"record": wanted, "record_level": room.power.to_send(MOVED)}


def _address(move: RoomMove, room: RoomState) -> dict[str, Any]:
    """The new address, who makes it, and the level that it takes to choose it; whether there are others."""
    event = room.more.get(PLACE)
    return {
        "address": move.options.address,
        "address_by_bot": bot_makes_it(move),
        "may_address": may_set(move, room),
        "address_level": room.power.to_send(CANONICAL_ALIAS),
        "kept_address": bool(event and event.content.get("alt_aliases")),
    }


def _fields(card: str, migration: Migration, state: str) -> dict[str, str]:
    return {"card": card, "migration": str(migration.number), "state": state}


def _who(migration: Migration) -> dict[str, Any]:
    return {
        "number": migration.number,
        "requester": migration.requester,
        "old": migration.old,
        "new": migration.new,
        "lost": migration.lost,
    }


def _how(ending: Ending) -> dict[str, Any]:
    return {"outcome": ending.outcome.value, "reason": ending.reason.value, "by": ending.by}


def _people(approvers: tuple[str, ...], more: int = 0) -> dict[str, Any]:
    """Those who agreed or may agree: so many as are named, and the number of the others."""
    named = approvers[:NAMED_APPROVERS]
    return {"approvers": named, "more": more + len(approvers) - len(named)}


def _asked(move: RoomMove, asking: Asking) -> tuple[str, ...]:
    """Whom the request pings: those who may answer or help. Where everybody may, the requester is enough."""
    approvers, helpers = asking.approvers, _helpers(asking.errands)
    if approvers.anyone and move.rules.requester_may_approve:
        people: tuple[str, ...] = (move.requester, *helpers)
    else:
        people = (*approvers.named, *helpers)
    named = tuple(dict.fromkeys(people))[:NAMED_APPROVERS]
    # If somebody uses the account that is said to be lost, they have to learn of it.
    return (move.old, *named) if move.lost else named


def _helpers(errands: Iterable[Errand]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(user for errand in errands for user in errand.by))[:NAMED_APPROVERS]


def _menders(move: RoomMove, reason: Reason) -> tuple[str, ...]:
    """Who in the room can do something about it. Those who agreed hold a level that can mend the bot's."""
    if reason is Reason.PAUSED:
        return ()
    if reason is Reason.ADDRESS_MISSING:
        return (move.new,)
    agreed = move.approvers if reason in (Reason.BOT_LACKS_POWER, Reason.ADDRESS_UNSET) else ()
    return tuple(dict.fromkeys((move.requester, *agreed)))[:NAMED_APPROVERS]
