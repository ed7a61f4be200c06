# SPDX-License-Identifier: AGPL-3.0-or-later
"""All that the database holds of migrations: what was asked, how each room stands, and every step."""

from __future__ import annotations

from .records import Records
from .requests import Requests
from .room_moves import RoomMoves


class Migrations(RoomMoves, Requests, Records):
    """Every query about migrations, of three tables that always go together."""
