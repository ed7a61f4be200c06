# SPDX-License-Identifier: AGPL-3.0-or-later
"""The goals of a room move: each is a fact about the room, met or not, by looking.

A goal that is not met is somebody's to reach: the bot acts where it may; where it may not, the move waits for
the person who can. A new goal is a function here and a line in one of the two lists.
"""

from __future__ import annotations

from typing import Final

from .able import level_to_speak, manageable_without, may_raise, may_remove, may_set_history, worth
from .address import bot_makes_it, main_address, may_set, with_address
from .approval import confirmed, skipped
from .decisions import Act, Wait
from .following import HAND_OVER
from .levels import level_asked_now, level_now
from .look import Look, Next, Reach
from .move import RoomMove
from .moved import to_publish, wants_record
from .reasons import Goal, Reason
from .room import Membership, RoomState
from .steps import Step
from .traces import opening_stands
from .ways import needs_invite


def history_open(look: Look) -> Next:
    """Newcomers can read what is sent from now on. Nobody is asked to do it for the bot."""
    move, room = look.move, look.room
    wanted = move.plan.open_from is not None and not room.joined(move.new)
    if not wanted or move.history_is_open or room.visibility is not move.plan.open_from:
        return None
    return (
        Act(step=Step.OPEN_HISTORY) if may_set_history(room, move.bot) else _by_hand(look, Goal.HISTORY_OPEN)
    )


def invited(look: Look) -> Next:
    """The new account may come in."""
    move, room = look.move, look.room
    if not needs_invite(move.plan.way, room, move.new):
        return None
    if not room.holds(move.bot, room.power.invite):
        return _by_hand(look, Goal.INVITED)
    return _invited_by_old(look) or Act(step=Step.INVITE)


def keys_could_come(move: RoomMove, room: RoomState) -> bool:
    """Whether an invite by the old account could bring the keys of older messages with it. MSC4268."""
    return room.encrypted and not move.lost and room.holds(move.old, room.power.invite)


def _invited_by_old(look: Look) -> Next:
    """In an encrypted room the old account has some time to invite: only its client can pass keys on.

    MSC4268. None when it is the bot's turn.
    """
    move, room = look.move, look.room
    if not keys_could_come(move, room):
        return None
    for step in (Step.ASK_OLD, Step.SEED_SKIP):
        if not move.done(step) and move.rules.wait_for_owner_invite:
            return Act(step=step)
    asked = move.records.get(Step.ASK_OLD)
    until = min(asked.at + move.rules.wait_for_owner_invite, move.expires_at) if asked else 0
    if look.now >= until or skipped(move, room, look.evidence, level_asked_now(move, room)):
        return None
    return Wait(reason=Reason.OWNER_INVITE, until=until)


def joined(look: Look) -> Next:
    """The new account is in the room."""
    move = look.move
    return None if look.room.joined(move.new) else Wait(reason=Reason.JOIN, until=move.expires_at)


def history_restored(look: Look) -> Next:
    """The setting is what it was."""
    if not opening_stands(look.move, look.room):
        return None
    able = may_set_history(look.room, look.move.bot)
    return Act(step=Step.RESTORE_HISTORY) if able else _by_hand(look, Goal.HISTORY_RESTORED)


def confirmed_by_new(look: Look) -> Next:
    """The new account itself said yes."""
    move = look.move
    for step in (Step.CONFIRM_CARD, Step.SEED_CONFIRM):
        if not move.done(step):
            return Act(step=step)
    said_yes = confirmed(move, look.room, look.evidence)
    return None if said_yes else Wait(reason=Reason.CONFIRM, until=move.expires_at)


def promoted(look: Look) -> Next:
    """Raised once, or there already; if somebody lowers it afterwards, that is their decision."""
    move, room = look.move, look.room
    level = level_now(move, room)
    if room.power.level_of(move.new) >= level:
        return None
    able = may_raise(room, move.bot, move.new, level)
    return Act(step=Step.PROMOTE, level=level) if able else _by_hand(look, Goal.PROMOTED)


def stepped_down(look: Look) -> Next:
    """The old account has no more than everybody has. Never before the new one has all of its level."""
    move, room = look.move, look.room
    power, level = room.power, room.power.users_default
    if not steps_down(move, room) or power.level_of(move.old) <= level:
        return None
    if may_raise(room, move.bot, move.old, level):
        return Act(step=Step.STEP_DOWN, level=level)
    return Wait(reason=Reason.STEP_DOWN, until=move.expires_at, goal=Goal.STEPPED_DOWN)


def left(look: Look) -> Next:
    """The old account is not in the room any more."""
    move, room = look.move, look.room
    if not move.options.leave or room.membership(move.old) is not Membership.JOIN or not _has_all(move, room):
        return None
    if may_remove(room, move.bot, move.old):
        return Act(step=Step.REMOVE_OLD)
    return Wait(reason=Reason.LEAVE, until=move.expires_at, goal=Goal.LEFT)


def published(look: Look) -> Next:
    """The room keeps a record of the move, where the operator wants one and the bot may write it."""
    move = look.move
    if not wants_record(move) or move.done(Step.PUBLISH):
        return None  # whoever changes it afterwards decided so
    content = to_publish(move, look.room, look.evidence)
    return None if content is None else Act(step=Step.PUBLISH, content=content)


def addressed(look: Look) -> Next:
    """The new alias is the room's main address. Set once: who changes it afterwards, decided so."""
    move, room, leading = look.move, look.room, look.evidence.addresses
    address = move.options.address
    if address in ("", main_address(room)) or move.done(Step.SET_ADDRESS):
        return None
    able = may_set(move, room)
    if able and (address in leading or bot_makes_it(move)):
        return Act(step=Step.SET_ADDRESS, content=with_address(move, room, leading))
    reason = Reason.ADDRESS_UNSET if address in leading else Reason.ADDRESS_MISSING
    return Wait(reason=reason, until=move.expires_at, goal=Goal.ADDRESSED)


def bot_stepped_down(look: Look) -> Next:
    """The bot gives its level back, unless nobody else could manage the room; it can still speak then."""
    move, room = look.move, look.room
    if not move.rules.step_down_after or not move.alone:
        return None
    level = level_to_speak(room.power)
    lent = room.power.level_of(move.bot) > level and manageable_without(room, move.bot)
    able = lent and may_raise(room, move.bot, move.bot, level)
    return Act(step=Step.BOT_DOWN, level=level) if able else None


def may_act(move: RoomMove, room: RoomState) -> bool:
    """Whether the bot could do something now that it needs approval for."""
    if needs_invite(move.plan.way, room, move.new) and room.holds(move.bot, room.power.invite):
        return True
    level = level_now(move, room)
    return room.power.level_of(move.new) < level and may_raise(room, move.bot, move.new, level)


def steps_down(move: RoomMove, room: RoomState) -> bool:
    """Whether the old account's level is to go, and may: a creator's never can."""
    wanted = move.options.step_down and not room.power.is_creator(move.old)
    return wanted and _has_all(move, room)


def _has_all(move: RoomMove, room: RoomState) -> bool:
    """Whether the new account has at least what the old one has.

    Nothing is taken before: so where the old one was the last to manage the room, the new one is that now.
    """
    return room.joined(move.new) and room.power.level_of(move.new) >= worth(room.power, move.old)


def _by_hand(look: Look, goal: Goal) -> Wait:
    return Wait(reason=Reason.BOT_LACKS_POWER, until=look.move.expires_at, goal=goal)


def _while_open(goal: Reach) -> Reach:
    """The goal, as long as the room has no successor."""
    return lambda look: goal(look) if look.room.successor is None else None


# Up to the promotion, in the order of the design.
ARRIVAL: Final[tuple[Reach, ...]] = (
    history_open,
    invited,
    joined,
    history_restored,
    confirmed_by_new,
    promoted,
)

# Once the new account was promoted and read back.
# Nothing of it is done in a room that was upgraded, but what a hand-over asks for in the next one.
AFTERWARDS: Final[tuple[Reach, ...]] = (
    _while_open(published),
    _while_open(addressed),
    *HAND_OVER,
    _while_open(stepped_down),
    _while_open(left),
)
