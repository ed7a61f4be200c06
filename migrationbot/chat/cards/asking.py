# SPDX-License-Identifier: AGPL-3.0-or-later
"""The request card: what is asked, of whom, and what will become of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from migrationbot.chat import handover, history
from migrationbot.chat.by_hand import by_hand
from migrationbot.chat.card import Card, render
from migrationbot.chat.spot import HERE, Spot
from migrationbot.chat.words import room_link
from migrationbot.core.able import may_remove, worth
from migrationbot.core.goals import keys_could_come
from migrationbot.core.guide import Errand
from migrationbot.core.levels import level_needed
from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.room import RoomState
from migrationbot.core.ways import via

from . import facts


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
    return render(
        "request.html",
        fields={"card": "answer"} if asking.dry_run else facts.fields("request", migration, "waiting"),
        mentions=() if asking.dry_run else _asked(move, asking),
        dry_run=asking.dry_run,
        venue=asking.venue.value,
        typed=migration.many,  # nothing is there to tap: each further room has few events to spend
        spot=asking.spot,
        **facts.who(migration),
        **_planned(migration, move, room),
        **_levels(migration, move, room),
        **_answering(migration, move, asking),
        **_lost(migration, move, asking),
        **facts.record(move, room),
        **facts.address(move, room),
        history=history.planned(migration, move, room, now=asking.now),
        handover=handover.facts(move, room),
        by_hand=by_hand(asking.errands),
        warnings=asking.warnings,
        expires_at=migration.expires_at,
        command=asking.command,
        now=asking.now,
    )


def _planned(migration: Migration, move: RoomMove, room: RoomState) -> dict[str, Any]:
    """What was asked for, and how the room stands to it."""
    return {
        "plan": move.plan,
        "bot": move.bot,
        "room_link": room_link(room.room_id, via(room, move.bot)),
        "step_down": move.options.step_down,
        "leave": move.options.leave,
        "outranked": may_remove(room, move.bot, move.old),
        "joined": room.joined(migration.new),
        "encrypted": room.encrypted,
        "old_invites": bool(move.rules.wait_for_owner_invite) and keys_could_come(move, room),
    }


def _levels(migration: Migration, move: RoomMove, room: RoomState) -> dict[str, Any]:
    """Who has which level, and which it takes."""
    power = room.power
    return {
        "needed_level": level_needed(move, room),
        "raises": move.plan.level > power.level_of(migration.new),
        "is_creator": power.is_creator(migration.old),
        "worth": worth(power, migration.old),
        "new_level": power.level_of(migration.new),
        "bot_level": power.level_of(move.bot),
        "default_level": power.users_default,
    }


def _answering(migration: Migration, move: RoomMove, asking: Asking) -> dict[str, Any]:
    """Who may answer, and how many it takes."""
    approvers = asking.approvers
    return {
        "anyone": approvers.anyone,
        "asked": approvers.asked,
        "needed": approvers.needed,
        "old_may_answer": move.rules.requester_may_approve and not migration.lost,
        **facts.people(approvers.named, approvers.more),
    }


def _lost(migration: Migration, move: RoomMove, asking: Asking) -> dict[str, Any]:
    """What is known of an account that is said to be lost, and whether others than the requester answer."""
    approvers, requester = asking.approvers, migration.requester
    return {
        "not_alone": migration.lost and (approvers.anyone or requester in approvers.named),
        "alone": migration.lost and approvers.named == (requester,) and not approvers.more,
        "seen_at": asking.seen_at,
        "sees_since": asking.sees_since,
        "blind": asking.sees_since > asking.now - move.rules.lost_after,
    }


def _asked(move: RoomMove, asking: Asking) -> tuple[str, ...]:
    """Whom the request pings: those who may answer or help. Where everybody may, the requester is enough."""
    approvers, helpers = asking.approvers, facts.helpers(asking.errands)
    enough = approvers.anyone and move.rules.requester_may_approve
    named = facts.named_once((*((move.requester,) if enough else approvers.named), *helpers))
    # If somebody uses the account that is said to be lost, they have to learn of it.
    return (move.old, *named) if move.lost else named
