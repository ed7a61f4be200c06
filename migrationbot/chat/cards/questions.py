# SPDX-License-Identifier: AGPL-3.0-or-later
"""The cards that ask the two accounts themselves."""

from __future__ import annotations

from migrationbot.chat.card import Card, render
from migrationbot.chat.spot import HERE, Spot
from migrationbot.core.levels import level_now
from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.room import RoomState

from . import facts


def confirm(
    migration: Migration, move: RoomMove, room: RoomState, *, now: int, spot: Spot = HERE, command: str = ""
) -> Card:
    """The card that asks the new account whether it is who the old one says it is.

    Outside the room it says what to type, for the new account may not be in that chat.
    """
    level = level_now(move, room)
    return render(
        "confirm.html",
        fields=facts.fields("confirm", migration, "waiting"),
        mentions=(migration.new,) if spot.here else (migration.new, migration.requester),
        spot=spot,
        silent=not spot.here,
        encrypted=room.encrypted,
        bot=move.bot,
        command=command,
        **facts.who(migration),
        **facts.people(move.approvers),
        raises=level > room.power.level_of(migration.new),
        level=level,
        **facts.record(move, room),
        expires_at=move.expires_at,
        now=now,
    )


def ask_old(migration: Migration, move: RoomMove, *, until: int, now: int, spot: Spot = HERE) -> Card:
    """The card that asks the old account to send the invite itself."""
    return render(
        "ask_old.html",
        fields={
            **facts.fields("progress", migration, "running"),
            "asks": "invite",
            "room_id": move.room_id,
        },
        mentions=(migration.old,),
        spot=spot,
        **facts.who(migration),
        until=until,
        now=now,
    )
