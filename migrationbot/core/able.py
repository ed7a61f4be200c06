# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an account may do in a room, by its power level.

Spec: room versions, authorisation rules.
"""

from __future__ import annotations

from .power import PowerLevels, can_raise
from .room import RoomState


def worth(power: PowerLevels, user_id: str) -> int:
    """The account's level as a plain number; for a creator, who stays one, the most ever asked."""
    return power.highest_asked if power.is_creator(user_id) else power.level_of(user_id)


def can_send(power: PowerLevels, user_id: str, event_type: str) -> bool:
    """Whether the account may send this state event."""
    return power.level_of(user_id) >= power.to_send(event_type)


def can_withdraw(power: PowerLevels, *, sender: str, target: str) -> bool:
    """Whether `sender` may take back an invite. Spec: authorisation rules, m.room.member `leave`."""
    has = power.level_of(sender)
    return has >= power.kick and has > power.level_of(target)


def level_to_speak(power: PowerLevels) -> int:
    """The least that an account needs to go on talking: what everybody has, or what messages ask."""
    return max(power.users_default, power.to_send("m.room.message", state=False))


def may_speak(room: RoomState, user_id: str) -> bool:
    """Whether the account may send messages: in a room that was upgraded, that takes a higher level."""
    return room.holds(user_id, room.power.to_send("m.room.message", state=False))


def may_set_history(room: RoomState, user_id: str) -> bool:
    """A bot that was removed is shown the room as it was then, its level included: it can do nothing."""
    return room.joined(user_id) and can_send(room.power, user_id, "m.room.history_visibility")


def may_raise(room: RoomState, sender: str, target: str, level: int) -> bool:
    """Whether the account, being in the room, may set the other one's entry to this level."""
    return room.joined(sender) and can_raise(room.power, sender=sender, target=target, level=level)


def may_remove(room: RoomState, sender: str, target: str) -> bool:
    """Whether the account, being in the room, may kick the other one."""
    return room.joined(sender) and can_withdraw(room.power, sender=sender, target=target)


def manageable_without(room: RoomState, user_id: str) -> bool:
    """Whether anybody else in the room can still manage it, as far as memberships are known."""
    asked = room.power.to_send("m.room.power_levels")
    return any(room.holds(other, asked) for other in room.members if other != user_id)
