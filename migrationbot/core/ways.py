# SPDX-License-Identifier: AGPL-3.0-or-later
"""How the new account comes into a room."""

from __future__ import annotations

from enum import Enum


class Way(Enum):
    """The values stand in the database. Spec: client-server, m.room.join_rules."""

    INSIDE = "inside"  # it is in the room already
    INVITED = "invited"  # it has been invited already
    PUBLIC = "public"  # anyone may join
    SPACE = "space"  # it may join because it is in a room that the join rule names
    INVITE = "invite"  # somebody has to invite it, or to let it in when it has knocked
