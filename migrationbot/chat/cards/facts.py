# SPDX-License-Identifier: AGPL-3.0-or-later
"""Facts that several cards are filled with, by the names that their templates know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from migrationbot.core.able import can_send
from migrationbot.core.address import PLACE, bot_makes_it, may_set
from migrationbot.core.guide import Errand
from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.moved import wants_record
from migrationbot.core.reasons import Ending
from migrationbot.core.room import CANONICAL_ALIAS, MOVED, RoomState

NAMED_APPROVERS = 10  # a card names, and so pings, no more than these


def fields(card: str, migration: Migration, state: str) -> dict[str, Any]:
    """What other programs read of a card."""
    return {"card": card, "migration": str(migration.number), "state": state}


def who(migration: Migration) -> dict[str, Any]:
    """Whose migration it is."""
    return {
        "number": migration.number,
        "requester": migration.requester,
        "old": migration.old,
        "new": migration.new,
        "lost": migration.lost,
    }


def how(ending: Ending) -> dict[str, Any]:
    """How it ended, why, and by whom."""
    return {"outcome": ending.outcome.value, "reason": ending.reason.value, "by": ending.by}


def people(approvers: tuple[str, ...], more: int = 0) -> dict[str, Any]:
    """Those who agreed or may agree: so many as are named, and the number of the others."""
    named = approvers[:NAMED_APPROVERS]
    return {"approvers": named, "more": more + len(approvers) - len(named)}


def record(move: RoomMove, room: RoomState) -> dict[str, Any]:
    """Whether the room will keep a record of the move, and the level that it takes."""
    wanted = wants_record(move) and can_send(room.power, move.bot, MOVED)
    return {"record": wanted, "record_level": room.power.to_send(MOVED)}


def address(move: RoomMove, room: RoomState) -> dict[str, Any]:
    """The new address, who makes it, and the level that it takes to choose it; whether there are others."""
    event = room.more.get(PLACE)
    return {
        "address": move.options.address,
        "address_by_bot": bot_makes_it(move),
        "may_address": may_set(move, room),
        "address_level": room.power.to_send(CANONICAL_ALIAS),
        "kept_address": bool(event and event.content.get("alt_aliases")),
    }


def helpers(errands: Iterable[Errand]) -> tuple[str, ...]:
    """Who can do what the bot may not."""
    return named_once(user for errand in errands for user in errand.by)


def named_once(users: Iterable[str]) -> tuple[str, ...]:
    """Each of them once, and no more than a card names."""
    return tuple(dict.fromkeys(users))[:NAMED_APPROVERS]
