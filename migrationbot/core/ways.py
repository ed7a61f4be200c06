# SPDX-License-Identifier: AGPL-3.0-or-later
"""How the new account comes into a room. Spec: client-server, m.room.join_rules."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

from .ids import server_of
from .room import JoinRule, Membership, RoomState

_MOST_VIA = 3  # servers in a link. Spec: appendices, "Routing"
_OPEN_TO_SPACES = (JoinRule.RESTRICTED, JoinRule.KNOCK_RESTRICTED)


class Way(Enum):
    """The values stand in the database."""

    INSIDE = "inside"  # it is in the room already
    INVITED = "invited"  # it has been invited already
    PUBLIC = "public"  # anyone may join
    SPACE = "space"  # it may join because it is in a room that the join rule names
    INVITE = "invite"  # somebody has to invite it, or to let it in when it has knocked


def way_in(room: RoomState, new: str, memberships: Collection[str] = ()) -> Way:
    """The cheapest way in: an invite only where nothing else leads in.

    `memberships` are the rooms that the new account is in, or will be before it needs this one.
    """
    membership = room.membership(new)
    if membership is Membership.JOIN:
        return Way.INSIDE
    if membership is Membership.INVITE:
        return Way.INVITED
    if room.join_rule is JoinRule.PUBLIC:
        return Way.PUBLIC
    if room.join_rule in _OPEN_TO_SPACES and not room.allowed_from.isdisjoint(memberships):
        return Way.SPACE
    return Way.INVITE


def via(room: RoomState, bot: str) -> tuple[str, ...]:
    """Servers through which the room can be joined: the bot's, and those of its most powerful people."""
    power = room.power
    mighty = sorted({*power.users, *power.creators}, key=lambda user: (-power.level_of(user), user))
    names = (server_of(user) for user in (bot, *mighty))
    return tuple(dict.fromkeys(name for name in names if name))[:_MOST_VIA]


def needs_invite(way: Way, room: RoomState, new: str) -> bool:
    """Whether the new account has to be invited now: the join rule may have changed since it was planned."""
    if room.membership(new) in (Membership.JOIN, Membership.INVITE):
        return False
    if room.join_rule is JoinRule.PUBLIC:
        return way is not Way.PUBLIC
    return way is not Way.SPACE or room.join_rule not in _OPEN_TO_SPACES
