# SPDX-License-Identifier: AGPL-3.0-or-later
"""Many rooms in one migration: which of them move, in which order, and how the whole ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from .errors import Code
from .move import Plan
from .reasons import Ending, Outcome, Reason
from .ways import Way

# The space first, for it lets people into its rooms. Invites are scarce, so they come last.
_ORDER = (Way.INSIDE, Way.INVITED, Way.SPACE, Way.PUBLIC, Way.INVITE)
_ARRIVED = (Outcome.DONE, Outcome.PARTIAL)
_NOTHING_LOST = frozenset({Code.NOTHING_TO_MOVE})


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
