# SPDX-License-Identifier: AGPL-3.0-or-later
"""The goals of a hand-over: people upgrade the room, the bot follows and mends what an upgrade leaves behind.

Spec: client-server, Room upgrades: members, spaces and aliases of other servers are not taken along.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .able import can_send, may_set_history
from .decisions import Act, Wait
from .look import Look, Next, Reach
from .reasons import Goal, Reason
from .room import JoinRule, Membership, RoomState
from .steps import Step
from .succession import Deed, Succession, flaw, heir_of

_SETTLING: Final = 3_000  # milliseconds: a homeserver makes the new room, and then goes on to adjust it
_FIRST_RETRY, _LONGEST_RETRY = 30_000, 1_800_000  # milliseconds
_MOST_TRIES: Final = 3  # of a repair: what is refused so often is told to people
_BURST: Final = 8  # invites at once; homeservers allow ten, and the bot has to speak as well
_INVITE_EVERY: Final = 5_000  # milliseconds, after these: Synapse's rc_message allows one in five seconds


def upgraded(look: Look) -> Next:
    """The room has a successor. The bot never makes it: it would own that room for ever."""
    move = look.move
    if not move.options.hand_over or look.room.successor is not None:
        return None
    return Wait(reason=Reason.UPGRADE, until=move.expires_at, goal=Goal.UPGRADED)


def followed(look: Look) -> Next:
    """The bot is in the successor: it joins if it may, else whoever upgraded has to invite it."""
    move, room, succession = look.move, look.room, look.succession
    if succession is None or room.successor is None or flaw(move, room, succession) is not None:
        return None
    deed = succession.deed(Step.FOLLOW, room.successor)
    if deed is not None and deed.done:
        return None  # if it is not there any more, somebody wants it so
    if deed is None or succession.successor is not None or look.now >= _next_try(deed):
        return Act(step=Step.FOLLOW, target=room.successor)
    return Wait(reason=Reason.ENTER, until=min(_next_try(deed), move.expires_at), goal=Goal.SUCCEEDED)


def heir_invited(look: Look) -> Next:
    """The new account may come into the successor. Whoever can invites it; it is not invited twice."""
    successor = _followed_to(look)
    if successor is None or not _needs_invite(look, successor):
        return None
    return _attempt(look, Step.INVITE_HEIR, look.move.new) if _may_invite(look, successor) else None


def repaired(look: Look) -> Next:
    """What an upgrade leaves behind is mended, as far as the bot's power reaches and those who agreed may."""
    successor, succession = _followed_to(look), look.succession
    if successor is None or succession is None:
        return None
    settled = _settled_at(look, successor.room_id)
    if look.now < settled:
        return Wait(reason=Reason.REPAIR, until=settled)
    waits = []
    for step, target in _wanted(look, succession, successor):
        found = _attempt(look, step, target)
        if isinstance(found, Act):
            return found
        waits += [found] if found is not None else []
    return min(waits, key=lambda wait: wait.until) if waits else None


def reported(look: Look) -> Next:
    """The people in the successor know what was done, and what is left to them."""
    successor = _followed_to(look)
    if successor is None or repaired(look) is not None:
        return None
    return _attempt(look, Step.SUCCESSOR_CARD, successor.room_id)


def heir_joined(look: Look) -> Next:
    """The new account is in the successor, unless it has left or was put out."""
    successor, member = _followed_to(look), heir_of(look.move, look.succession)
    outside = member is not None and member.membership in (Membership.LEAVE, Membership.BAN)
    if successor is None or outside or successor.joined(look.move.new):
        return None
    return Wait(reason=Reason.HEIR, until=look.move.expires_at, goal=Goal.SUCCEEDED)


HAND_OVER: Final[tuple[Reach, ...]] = (upgraded, followed, heir_invited, repaired, reported, heir_joined)


def _followed_to(look: Look) -> RoomState | None:
    """The successor, once the bot is in it and it is what was agreed to."""
    move, room, succession = look.move, look.room, look.succession
    if succession is None or flaw(move, room, succession) is not None:
        return None
    return succession.successor


def _needs_invite(look: Look, successor: RoomState) -> bool:
    member = heir_of(look.move, look.succession)
    asked_before = member is not None and member.membership is not Membership.KNOCK
    return not asked_before and successor.join_rule is not JoinRule.PUBLIC


def _may_invite(look: Look, successor: RoomState) -> bool:
    return successor.holds(look.move.bot, successor.power.invite)


def _wanted(look: Look, succession: Succession, successor: RoomState) -> Iterator[tuple[Step, str]]:
    """What is not as it should be and the bot may mend, what is done with one act first."""
    bot = look.move.bot
    if history_lost(look.room, successor) and may_set_history(successor, bot):
        yield Step.CARRY_HISTORY, successor.room_id
    for parent in succession.parents:
        if parent.lists_old and parent.bot_may and parent.agreed:
            yield Step.UNLIST_CHILD if parent.lists_new else Step.LIST_CHILD, parent.space
    for alias in succession.stale:
        yield Step.MOVE_ALIAS, alias
    if succession.unnamed and can_send(successor.power, bot, "m.room.canonical_alias"):
        yield Step.NAME_ALIAS, successor.room_id
    for user_id in succession.absent if _may_invite(look, successor) else ():
        yield Step.INVITE_MEMBER, user_id


def history_lost(room: RoomState, successor: RoomState) -> bool:
    """Whether the upgrade itself set another history visibility; what people set afterwards is theirs."""
    event = successor.history_event
    by_people = event is not None and event.replaces_state is not None
    return successor.visibility is not room.visibility and not by_people


def _attempt(look: Look, step: Step, target: str) -> Act | Wait | None:
    """The act, unless it was done, or has failed too often; a wait, when it has to wait for its turn."""
    deed = look.succession.deed(step, target) if look.succession else None
    if deed is not None and (deed.done or (deed.failed and deed.tries >= _MOST_TRIES)):
        return None
    turn = _next_try(deed) if deed is not None else 0
    if step is Step.INVITE_MEMBER:
        turn = max(turn, _next_invite(look))
    return Act(step=step, target=target) if look.now >= turn else Wait(reason=Reason.REPAIR, until=turn)


def _next_try(deed: Deed) -> int:
    """When it may be tried again: at once, when it was only a crash that came between."""
    pause = min(_FIRST_RETRY * 2 ** (deed.tries - 1), _LONGEST_RETRY)
    return deed.at + pause if deed.failed else 0


def _next_invite(look: Look) -> int:
    invited = look.succession.invited if look.succession else ()
    return max(deed.at for deed in invited) + _INVITE_EVERY if len(invited) >= _BURST else 0


def _settled_at(look: Look, successor: str) -> int:
    deed = look.succession.deed(Step.FOLLOW, successor) if look.succession else None
    return deed.at + _SETTLING if deed is not None else 0
