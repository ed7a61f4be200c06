# SPDX-License-Identifier: AGPL-3.0-or-later
"""Many rooms in one migration: which of them move, in which order, and how the whole ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from .approval import Answer, Evidence
from .errors import Code
from .move import Migration, Phase, Plan, RoomMove
from .reasons import Ending, Outcome, Reason
from .room import Membership, RoomState
from .ways import Way

# The space first, for it lets people into its rooms. Invites are scarce, so they come last.
_ORDER = (Way.INSIDE, Way.INVITED, Way.SPACE, Way.PUBLIC, Way.INVITE)
_ARRIVED = (Outcome.DONE, Outcome.PARTIAL)
_NOTHING_LOST = frozenset({Code.NOTHING_TO_MOVE})
# What somebody can remove.
_MENDABLE = frozenset({Code.NEW_BANNED, Code.SERVER_DENIED, Code.BOT_NOT_JOINED, Code.LACKS_POWER})
LEVEL = "level"  # among the details of a room that can't move: the level that the request names for it


class Group(Enum):
    """What the request card says of a room."""

    MOVES = "moves"  # somebody who reads the card can say yes to it
    NEEDS = "needs"  # it takes somebody who is not where the card stands, or who does what the bot may not
    CANT = "cant"  # something stands in the way that a person has to remove first


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A room of the community, as it was found when the migration was asked for."""

    room_id: str
    name: str = ""
    is_space: bool = False
    at_home: bool = True  # somebody who may approve is in the room where it was asked
    code: Code | None = None  # why it can't move; None when it can
    details: Mapping[str, str] = field(default_factory=dict)  # the particulars of `code`

    @property
    def mendable(self) -> bool:
        """Whether it can't move for a reason that somebody can remove."""
        return self.code in _MENDABLE


@dataclass(frozen=True, kw_only=True)
class Prospect:
    """A room with the plan for it; without one when it can't move."""

    entry: Entry
    plan: Plan | None = None


def group_of(prospect: Prospect) -> Group:
    """Under which heading it is listed."""
    if prospect.entry.code is not None:
        return Group.CANT
    guided = prospect.plan is not None and prospect.plan.guided
    return Group.MOVES if prospect.entry.at_home and not guided else Group.NEEDS


def in_order(prospects: Iterable[Prospect]) -> list[Prospect]:
    """Spaces first, then what lets the new account in without an invite, then the rest; the others last."""
    return sorted(prospects, key=_rank)


def _rank(prospect: Prospect) -> tuple[bool, bool, int]:
    way = prospect.plan.way if prospect.plan else Way.INVITE
    return prospect.plan is None, not prospect.entry.is_space, _ORDER.index(way)


def picked(rooms: Sequence[str], *, only: Collection[str], but: Collection[str]) -> list[str]:
    """The rooms that are left: none but `only`, if that names any, and none of `but`."""
    return [room_id for room_id in rooms if (not only or room_id in only) and room_id not in but]


def may_still_come(
    migration: Migration, moves: Sequence[RoomMove], entries: Iterable[Entry], now: int
) -> tuple[Entry, ...]:
    """The rooms that can't move yet, and will if what is in their way is removed. `now` in milliseconds.

    Only where the request said so to those who agreed, while it is open, and unless it came to nothing.
    """
    if not migration.options.later or migration.cancelled_by or now >= migration.expires_at:
        return ()
    going = any(move.phase not in (Phase.UNDOING, Phase.ENDED) for move in moves)
    if not going and not any(move.ending and move.ending.outcome in _ARRIVED for move in moves):
        return ()
    return tuple(entry for entry in entries if entry.mendable)


def taken_back(move: RoomMove, evidence: Evidence) -> bool:
    """Whether it is no longer asked for: the requester or the new account said no, or what asks is gone."""
    noes = [each for each in (*evidence.reactions, *evidence.confirmations) if each.answer is Answer.NO]
    stands = evidence.command_stands and evidence.card_stands and evidence.confirm_stands
    return not stands or any(each.sender in (move.requester, move.new) for each in noes)


def waits_for_space(move: RoomMove, room: RoomState) -> bool:
    """Whether the new account was to come in through a space, and has neither come nor been invited yet."""
    outside = room.membership(move.new) not in (Membership.JOIN, Membership.INVITE)
    return move.plan.way is Way.SPACE and outside


def rerouted(
    move: RoomMove, room: RoomState, others: Iterable[RoomMove], joined: Collection[str]
) -> RoomMove:
    """The move as it is to go on: by an invite, where no space will let the new account in any more.

    `joined` are the rooms named in the join rule in which the new account is.
    """
    if not waits_for_space(move, room) or not room.allowed_from.isdisjoint(joined):
        return move
    if any(each.room_id in room.allowed_from and each.phase is not Phase.ENDED for each in others):
        return move
    return replace(move, plan=replace(move.plan, way=Way.INVITE))


def looked_at_again(before: Entry, found: Prospect) -> Prospect:
    """A room that could not move, as it is found now. It gives no more than the level that was agreed to."""
    level = before.details.get(LEVEL)
    entry, plan = found.entry, found.plan
    if plan is not None:
        plan = plan if level is None else replace(plan, level=min(plan.level, int(level)))
        return Prospect(entry=entry, plan=plan)
    named = {} if level is None else {LEVEL: level}
    details = {key: value for key, value in entry.details.items() if key != LEVEL}
    return Prospect(entry=replace(entry, details={**details, **named}))


def on_the_whole(endings: Sequence[Ending], entries: Iterable[Entry]) -> Ending:
    """How the migration ended, given how each of its rooms did. `endings` holds one at least.

    It is done when every room is, partial when any is, and otherwise what most rooms are.
    """
    last = max(endings, key=lambda each: each.at)
    left_out = any(each.code is not None and each.code not in _NOTHING_LOST for each in entries)
    outcomes = {each.outcome for each in endings}
    if outcomes == {Outcome.DONE} and not left_out:
        return Ending(outcome=Outcome.DONE, reason=Reason.ARRIVED, at=last.at)
    if not outcomes.isdisjoint(_ARRIVED):
        return Ending(outcome=Outcome.PARTIAL, reason=Reason.ARRIVED, at=last.at)
    (outcome, reason, by), _ = Counter((each.outcome, each.reason, each.by) for each in endings).most_common(
        1
    )[0]
    return replace(last, outcome=outcome, reason=reason, by=by)
