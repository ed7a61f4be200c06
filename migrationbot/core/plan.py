# SPDX-License-Identifier: AGPL-3.0-or-later
"""What one room's move consists of: its goals, who can reach each, and what stands in the way."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import Code, Refused
from .history import reading, should_open
from .move import Plan
from .power import PowerLevels, can_raise
from .room import Membership, RoomState
from .ways import Way


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What was asked for, before the room was looked at."""

    bot: str
    old: str
    new: str
    open_history: bool = True  # the operator allows it and the requester did not say --keep-history


@dataclass(frozen=True, kw_only=True)
class Lack:
    """A level that the bot would need."""

    needed: int
    has: int
    purpose: str  # "invite" or "promote"; worded in the templates


def make_plan(wish: Wish, room: RoomState) -> Plan:
    """Plan the move. Raises Refused when something stands in its way that a person must remove first."""
    _check_doors(wish, room)
    joined = room.joined(wish.new)
    if joined and room.power.level_of(wish.new) >= worth(room.power, wish.old):
        raise Refused(Code.NOTHING_TO_MOVE, new=wish.new, old=wish.old)
    invited = room.membership(wish.new) is Membership.INVITE
    opens = wish.open_history and should_open(room.visibility, joined=joined, invited=invited)
    opens = opens and can_send(room.power, wish.bot, "m.room.history_visibility")
    plan = Plan(
        level=level_to_give(room.power, old=wish.old, bot=wish.bot),
        old_level=room.power.level_of(wish.old),
        way=_way(room, wish.new),
        open_from=room.visibility if opens else None,
        visibility=room.visibility,
        reading=reading(room.visibility, joined=joined, opened=opens),
    )
    _check_power(wish, room, plan)
    return plan


def _way(room: RoomState, new: str) -> Way:
    ways = {Membership.JOIN: Way.INSIDE, Membership.INVITE: Way.INVITED}
    return ways.get(room.membership(new), Way.INVITE)


def lacks(wish: Wish, room: RoomState, plan: Plan) -> tuple[Lack, ...]:
    """The levels that the bot would need for this plan and does not hold."""
    power, has = room.power, room.power.level_of(wish.bot)
    found = []
    if plan.invite and has < power.invite:
        found.append(Lack(needed=power.invite, has=has, purpose="invite"))
    if _promotes(wish, power) and not can_raise(power, sender=wish.bot, target=wish.new, level=plan.level):
        needed = max(power.to_send("m.room.power_levels"), worth(power, wish.old))
        found.append(Lack(needed=needed, has=has, purpose="promote"))
    return tuple(found)


def worth(power: PowerLevels, user_id: str) -> int:
    """The account's level as a plain number; for a creator, who stays one, the most ever asked."""
    return power.highest_asked if power.is_creator(user_id) else power.level_of(user_id)


def level_to_give(power: PowerLevels, *, old: str, bot: str) -> int:
    """The least of the old account's level and what the bot can give; the former when it can give nothing."""
    wanted = worth(power, old)
    return min(wanted, power.level_of(bot)) if can_send(power, bot, "m.room.power_levels") else wanted


def can_send(power: PowerLevels, user_id: str, event_type: str) -> bool:
    """Whether the account may send this state event."""
    return power.level_of(user_id) >= power.to_send(event_type)


def can_withdraw(power: PowerLevels, *, sender: str, target: str) -> bool:
    """Whether `sender` may take back an invite. Spec: authorisation rules, m.room.member `leave`."""
    has = power.level_of(sender)
    return has >= power.kick and has > power.level_of(target)


def _promotes(wish: Wish, power: PowerLevels) -> bool:
    return worth(power, wish.old) > power.level_of(wish.new)


def _check_doors(wish: Wish, room: RoomState) -> None:
    """What no level of the bot's could open."""
    if room.successor is not None:
        raise Refused(Code.ROOM_UPGRADED, successor=room.successor)
    if not room.joined(wish.old):
        raise Refused(Code.NOT_JOINED, old=wish.old)
    if room.membership(wish.new) is Membership.BAN:
        raise Refused(Code.NEW_BANNED, new=wish.new, by=room.members[wish.new].sender)
    if not room.admits_server_of(wish.new):
        raise Refused(Code.SERVER_DENIED, new=wish.new)
    if not room.federates_with(wish.new):
        raise Refused(Code.NOT_FEDERATED, new=wish.new, home=room.create_sender)


def _check_power(wish: Wish, room: RoomState, plan: Plan) -> None:
    missing = lacks(wish, room, plan)
    if missing:
        worst = max(missing, key=lambda lack: lack.needed)
        raise Refused(
            Code.LACKS_POWER,
            bot=wish.bot,
            needed=str(worst.needed),
            has=str(worst.has),
            purposes=" ".join(lack.purpose for lack in missing),
        )
