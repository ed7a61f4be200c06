# SPDX-License-Identifier: AGPL-3.0-or-later
"""The room's addresses: which one is the main one, and what to write so that another one is.

Spec: client-server, m.room.canonical_alias. Only the server that an alias names can make it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .able import can_send
from .ids import server_of
from .move import RoomMove
from .room import CANONICAL_ALIAS, RoomState
from .steps import Step

PLACE = (CANONICAL_ALIAS, "")  # its type and state key


def main_address(room: RoomState) -> str:
    """The alias in m.room.canonical_alias, as far as the room was read with it; empty for none."""
    event = room.more.get(PLACE)
    alias = event.content.get("alias") if event else None
    return alias if isinstance(alias, str) else ""


def in_question(move: RoomMove, room: RoomState) -> tuple[str, ...]:
    """The addresses of which this move needs to know whether they lead to the room."""
    asked = move.options.address
    if not asked or move.done(Step.SET_ADDRESS) or not room.joined(move.new):
        return ()
    return tuple(dict.fromkeys(each for each in (asked, main_address(room)) if each))


def may_set(move: RoomMove, room: RoomState) -> bool:
    """Whether the bot may make another address the main one."""
    return room.joined(move.bot) and can_send(room.power, move.bot, CANONICAL_ALIAS)


def bot_makes_it(move: RoomMove) -> bool:
    """Whether the alias is on the server of the bot and of the new account: nobody has to make it by hand."""
    return server_of(move.options.address) == server_of(move.bot) == server_of(move.new)


def with_address(move: RoomMove, room: RoomState, leading: Collection[str]) -> dict[str, Any]:
    """The raw content in which the new alias is the main one; all else as it was.

    The earlier one stays as an alternative if it is among the aliases that lead here: a homeserver takes no
    other.
    """
    event, earlier, address = room.more.get(PLACE), main_address(room), move.options.address
    content = dict(event.content) if event else {}
    known = content.get("alt_aliases")
    others = [*known] if isinstance(known, list) else []
    if earlier in leading and earlier not in others:
        others.insert(0, earlier)
    others = [each for each in others if each != address]
    return {**content, "alias": address, **({"alt_aliases": others} if others or known else {})}
