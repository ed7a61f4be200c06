# SPDX-License-Identifier: AGPL-3.0-or-later
"""How many invites the new account's own server takes, as far as its answers tell.

That server counts by invitee: Synapse's `rc_invites.per_user` takes five at once and then one in 334 s. What
it refuses is seen here only as "can't connect", seconds later. So the bot counts what was taken, tries one
more when all would be spent, and from the first refusal on keeps to that pace. More than it allows, once
taken, proves that the server has no such limit.

All times are in milliseconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

BURST = 5  # invites that are taken at once
REFILL = 334_000  # milliseconds: then one in that time. Synapse: per_second 0.003, burst_count 5
_ROOM_FOR_ONE = (BURST - 1) * REFILL  # milliseconds: spent no more than that, one more is taken
_CLEARLY = REFILL // 2  # milliseconds: what was noted a little late proves nothing
_REMEMBERED = 24 * 3_600_000  # milliseconds: after that it is tried again whether there is a limit


class Turn(Enum):
    """Whether the next invite may be sent."""

    FREE = "free"  # it will be taken
    TRY = "try"  # it may be refused: one alone may try
    SPENT = "spent"  # it would be refused


@dataclass(frozen=True, kw_only=True)
class Spending:
    """What is known of the invites to one account, whoever asked for them and whatever for."""

    taken: tuple[int, ...] = ()  # when each was taken, in any order
    refused_at: int | None = None  # when one was last refused that was beyond the allowance


def may_invite(spending: Spending, *, flying: int, now: int) -> Turn:
    """Whether one more may be sent while `flying` others are under way."""
    if _spent(spending.taken, now) + flying * REFILL <= _ROOM_FOR_ONE or _generous(spending):
        return Turn.FREE
    return Turn.SPENT if limited(spending, now) else Turn.TRY


def limited(spending: Spending, now: int) -> bool:
    """Whether the server is known to keep to the limit."""
    refused_at = spending.refused_at
    return refused_at is not None and now < refused_at + _REMEMBERED and not _generous(spending)


def next_at(spending: Spending, *, ahead: int, now: int) -> int:
    """When the server that is limited takes an invite before which `ahead` others come."""
    return now + max(0, _spent(spending.taken, now) - _ROOM_FOR_ONE + ahead * REFILL)


def _spent(taken: tuple[int, ...], now: int) -> int:
    """How much of the allowance is used up, as the time that it takes to come back."""
    spent, last = 0, 0
    for at in sorted(taken):
        spent, last = max(0, spent - (at - last)) + REFILL, at
    return max(0, spent - max(0, now - last))


def _generous(spending: Spending) -> bool:
    """Whether it took more, since it last refused one, than a limited server would."""
    spent, last, since = 0, 0, spending.refused_at or 0
    for at in sorted(spending.taken):
        spent, last = max(0, spent - (at - last)) + REFILL, at
        if spent > BURST * REFILL + _CLEARLY and at > since:
            return True
    return False
