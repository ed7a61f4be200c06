# SPDX-License-Identifier: AGPL-3.0-or-later
"""The last words: the summary, and the request card in its final state."""

from __future__ import annotations

from typing import Any

from migrationbot.chat import handover, history
from migrationbot.chat.card import Card, render
from migrationbot.chat.spot import HERE, Spot
from migrationbot.core.able import level_to_speak, worth
from migrationbot.core.address import main_address
from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.power import can_raise
from migrationbot.core.reasons import Ending, Outcome
from migrationbot.core.report import left_to_do
from migrationbot.core.room import Membership, RoomState
from migrationbot.core.steps import Step
from migrationbot.core.succession import Succession

from . import facts


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
    arrived = ending.outcome in (Outcome.DONE, Outcome.PARTIAL)
    left = [each.value for each in left_to_do(move, room, ending, succession)]
    told = history.told(move, room, now=ending.at)
    entry = {
        "room_id": move.room_id,
        "state": ending.outcome.value,
        "level": room.power.level_of(migration.new) if arrived else None,
        "history": told.reading.value if arrived else None,
        "left_to_do": left,
    }
    return render(
        "summary.html",
        fields={**facts.fields("summary", migration, ending.outcome.value), "rooms": [entry]},
        mentions=(migration.requester,),
        spot=spot,
        **facts.who(migration),
        **facts.how(ending),
        **_done(move, room, arrived=arrived),
        **_accounts(migration, room),
        **facts.people(move.approvers),
        **facts.address(move, room),
        address_set=move.options.address and main_address(room) == move.options.address,
        history=told,
        handover=handover.facts(move, room, succession),
        successor_link=handover.successor_link(room),
        left=tuple(left),
        command=command,
        now=ending.at,
    )


def closed(migration: Migration, ending: Ending, *, spot: Spot = HERE, in_thread: bool = True) -> Card:
    """A request card in its final state; `in_thread` is whether the summary stands in its thread."""
    return render(
        "closed.html",
        fields=facts.fields("request", migration, ending.outcome.value),
        spot=spot,
        in_thread=in_thread,
        **facts.who(migration),
        **facts.how(ending),
    )


def _done(move: RoomMove, room: RoomState, *, arrived: bool) -> dict[str, Any]:
    """What the bot has done, and whether it still holds a level that it was lent for that."""
    bot_level = room.power.level_of(move.bot)
    return {
        "arrived": arrived,
        "plan": move.plan,
        "promoted": move.done(Step.PROMOTE),
        "withdrawn": move.done(Step.WITHDRAW_INVITE),
        "lent": arrived and move.plan.guided and bot_level > level_to_speak(room.power),
        "bot": move.bot,
        "bot_level": bot_level,
    }


def _accounts(migration: Migration, room: RoomState) -> dict[str, Any]:
    """Where each account is now, and what it has and can do."""
    power, old, new = room.power, migration.old, migration.new
    value = worth(power, old)
    return {
        "new_level": power.level_of(new),
        "new_joined": room.joined(new),
        "new_invited": room.membership(new) is Membership.INVITE,
        "old_level": power.level_of(old),
        "old_joined": room.joined(old),
        "old_can_raise": not migration.lost
        and room.joined(old)
        and can_raise(power, sender=old, target=new, level=value),
        "default_level": power.users_default,
        "is_creator": power.is_creator(old),
        "worth": value,
    }
