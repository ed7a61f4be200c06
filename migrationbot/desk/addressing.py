# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether the address that is asked for with `--address` can become one of the room."""

from __future__ import annotations

from migrationbot.core.errors import Code, Refused
from migrationbot.core.ids import server_of
from migrationbot.core.move import Migration
from migrationbot.matrix.rooms import Rooms


async def check_address(rooms: Rooms, migration: Migration, room_id: str) -> None:
    """Raises Refused BAD_OPTION for one that leads elsewhere, or that the new account can't make."""
    address = migration.options.address
    if not address:
        return
    led_to = await rooms.of_alias(address)
    if led_to == room_id:
        return
    problem = "address_taken" if led_to else "address_elsewhere"
    if led_to or server_of(address) != server_of(migration.new):
        raise Refused(
            Code.BAD_OPTION, option="--address", problem=problem, address=address, new=migration.new
        )
