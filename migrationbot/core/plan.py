# SPDX-License-Identifier: AGPL-3.0-or-later
"""What one room's move consists of: its goals, who can reach each, and what stands in the way."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .able import can_send, worth
from .errors import Code, Refused
from .history import reading, should_open
from .lost import left_its_level
from .move import Plan
from .power import PowerLevels, can_raise
from .room import Membership, RoomState
from .ways import way_in


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What was asked for, before the room was looked at."""

    bot: str
    old: str
    new: str
    open_history: bool = True  # the operator allows it and the requester did not say --keep-history
    more: bool = False  # something is asked for that is left to do when nothing is left to give
    memberships: frozenset[str] = frozenset()  # rooms that the new account is in, or will be by then
    lost: bool = False  # somebody else asks, because nobody can use the old account any more


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
    if joined and not wish.more and room.power.level_of(wish.new) >= worth(room.power, wish.old):
        raise Refused(Code.NOTHING_TO_MOVE, new=wish.new, old=wish.old)
    invited = room.membership(wish.new) is Membership.INVITE
    opens = wish.open_history and should_open(room.visibility, joined=joined, invited=invited)
    opens = opens and can_send(room.power, wish.bot, "m.room.history_visibility")
    plan = Plan(
        level=level_to_give(room.power, wish),
        old_level=room.power.level_of(wish.old),
        bot_level=room.power.level_of(wish.bot),
        way=way_in(room, wish.new, wish.memberships),
        open_from=room.visibility if opens else None,
        visibility=room.visibility,
        reading=reading(room.visibility, joined=joined, opened=opens),
    )
    return replace(plan, guided=bool(lacks(wish, room, plan)))


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


def check_possible(wish: Wish, room: RoomState, plan: Plan) -> None:
    """Raises Refused LACKS_POWER for what neither the bot nor anybody else in the room can do.

    `room` has to know the memberships of those with the highest levels.
    """
    silent = {wish.old} if wish.lost else set()
    missing, others = lacks(wish, room, plan), set(room.members) - {wish.bot, wish.new} - silent
    hopeless = [lack for lack in missing if not any(room.holds(user, lack.needed) for user in others)]
    if hopeless:
        worst = max(missing, key=lambda lack: lack.needed)
        raise Refused(
            Code.LACKS_POWER,
            bot=wish.bot,
            needed=str(worst.needed),
            has=str(worst.has),
            purposes=" ".join(lack.purpose for lack in missing),
        )


def level_to_give(power: PowerLevels, wish: Wish) -> int:
    """The least of the old account's level and what the bot can give; the former when it can give nothing."""
    wanted = worth(power, wish.old)
    ours = min(wanted, power.level_of(wish.bot))
    able = ours > power.level_of(wish.new) and can_raise(power, sender=wish.bot, target=wish.new, level=ours)
    return ours if able else wanted


def _promotes(wish: Wish, power: PowerLevels) -> bool:
    return worth(power, wish.old) > power.level_of(wish.new)


def _check_doors(wish: Wish, room: RoomState) -> None:
    """What no level of the bot's could open."""
    if room.successor is not None:
        raise Refused(Code.ROOM_UPGRADED, successor=room.successor)
    if not (room.joined(wish.old) or (wish.lost and left_its_level(room, wish.old))):
        raise Refused(Code.NOT_JOINED, old=wish.old, **({"lost": "yes"} if wish.lost else {}))
    if room.membership(wish.new) is Membership.BAN:
        raise Refused(Code.NEW_BANNED, new=wish.new, by=room.members[wish.new].sender)
    if not room.admits_server_of(wish.new):
        raise Refused(Code.SERVER_DENIED, new=wish.new)
    if not room.federates_with(wish.new):
        raise Refused(Code.NOT_FEDERATED, new=wish.new, home=room.create_sender)
