# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a newcomer will be able to read.

Spec: client-server, Room history visibility. Each message is judged by the setting that was in force when it
was sent, so no later change reveals anything older.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any


class Visibility(Enum):
    """The values of `history_visibility`."""

    WORLD_READABLE = "world_readable"  # anyone, member or not
    SHARED = "shared"  # whoever joins later reads it too
    INVITED = "invited"  # members, from their invite on
    JOINED = "joined"  # members, from their join on

    @classmethod
    def read(cls, content: Mapping[str, Any] | None) -> Visibility:
        """The setting that `content` means; absent or unknown values mean `shared`, as the spec says."""
        value = (content or {}).get("history_visibility")
        return next((each for each in cls if each.value == value), cls.SHARED)

    @property
    def open_to_newcomers(self) -> bool:
        """Whether someone who joins later can read what is sent under this setting."""
        return self in (Visibility.WORLD_READABLE, Visibility.SHARED)


class Reading(Enum):
    """From which moment on the new account reads the room. The values stand in summaries."""

    SINCE_SETTING = "since_setting"  # all that was sent since the present, open setting came into force
    FROM_OPENING = "from_opening"  # from the moment when the bot opens the history
    FROM_INVITE = "from_invite"  # from the invite on
    FROM_JOIN = "from_join"  # from the join on
    AS_MEMBER = "as_member"  # it is in the room already, nothing changes


def should_open(visibility: Visibility, *, joined: bool, invited: bool) -> bool:
    """Whether opening the history before the invite would let the new account read more.

    An account that was invited already reads an `invited` room from that invite on: opening adds nothing.
    """
    if joined or visibility.open_to_newcomers:
        return False
    return not (invited and visibility is Visibility.INVITED)


def reading(visibility: Visibility, *, joined: bool, opened: bool) -> Reading:
    """From when on the new account reads, given the setting before the move and whether the bot opens it."""
    if joined:
        return Reading.AS_MEMBER
    if visibility.open_to_newcomers:
        return Reading.SINCE_SETTING
    if opened:
        return Reading.FROM_OPENING
    return Reading.FROM_INVITE if visibility is Visibility.INVITED else Reading.FROM_JOIN
