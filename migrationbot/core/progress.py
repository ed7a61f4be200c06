# SPDX-License-Identifier: AGPL-3.0-or-later
"""How far a migration in many rooms is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from .decisions import Wait
from .move import Phase, RoomMove
from .reasons import Ending, Outcome, Reason
from .steps import Step

_ARRIVED = (Outcome.DONE, Outcome.PARTIAL)
_TO_SUM_UP = 3  # sends: the summary, the table, and the request card's last version


class Limit(Enum):
    """What keeps the bot from going faster."""

    INVITES = "invites"  # the new account's server takes one invite at a time
    INVITES_HERE = "invites_here"  # the bot's own homeserver takes one invite for an account at a time
    MESSAGES = "messages"  # the bot's own homeserver lets it send only so much


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Rooms that wait for the same."""

    reason: Reason
    rooms: tuple[str, ...]  # room IDs
    until: int  # milliseconds since the epoch: the first of them waits no longer
    needed: int = 0  # for BOT_LACKS_POWER: the level that the bot has to have


@dataclass(frozen=True, kw_only=True)
class Ended:
    """Rooms that ended in the same way."""

    outcome: Outcome
    reason: Reason
    by: str
    rooms: tuple[str, ...]  # room IDs


@dataclass(frozen=True, kw_only=True)
class Progress:
    """All rooms that are to move, each counted once."""

    working: int  # the bot is at work there
    waiting: tuple[Waiting, ...]
    ended: tuple[Ended, ...]

    @property
    def done(self) -> int:
        """In how many the new account has its place."""
        return sum(len(each.rooms) for each in self.ended if each.outcome in _ARRIVED)

    @property
    def stopped(self) -> int:
        """In how many it will not get one."""
        return sum(len(each.rooms) for each in self.ended) - self.done

    @property
    def left(self) -> int:
        """In how many something is still to come."""
        return self.working + sum(len(each.rooms) for each in self.waiting)

    @property
    def failed(self) -> tuple[str, ...]:
        """Where it ended with less than everything."""
        return tuple(
            room_id for each in self.ended if each.outcome is not Outcome.DONE for room_id in each.rooms
        )


def progress_of(moves: Iterable[RoomMove], waits: Mapping[str, Wait], needed: Mapping[str, int]) -> Progress:
    """Sort the moves by how they stand. `waits` and `needed` are by room ID, as was found last."""
    working, waiting, ended = 0, dict[Reason, list[str]](), dict[tuple[Outcome, Reason, str], list[str]]()
    for move in moves:
        if move.phase is Phase.ENDED and move.ending is not None:
            ended.setdefault(_how(move.ending), []).append(move.room_id)
        elif move.room_id in waits:
            waiting.setdefault(waits[move.room_id].reason, []).append(move.room_id)
        else:
            working += 1
    return Progress(
        working=working,
        waiting=tuple(
            Waiting(
                reason=reason,
                rooms=tuple(rooms),
                until=min(waits[each].until for each in rooms),
                needed=max(needed.get(each, 0) for each in rooms),
            )
            for reason, rooms in waiting.items()
        ),
        ended=tuple(
            Ended(outcome=outcome, reason=reason, by=by, rooms=tuple(rooms))
            for (outcome, reason, by), rooms in ended.items()
        ),
    )


def sends_left(moves: Iterable[RoomMove]) -> int:
    """About how many events the bot still has to send for the rooms that were agreed to."""
    at_work = [move for move in moves if move.phase in (Phase.MOVING, Phase.BLOCKED)]
    return sum(not move.done(step) for move in at_work for step in _acts(move)) + (
        _TO_SUM_UP if at_work else 0
    )


def _acts(move: RoomMove) -> tuple[Step, ...]:
    opens = (Step.OPEN_HISTORY, Step.RESTORE_HISTORY) if move.plan.open_from else ()
    return (*opens, *((Step.INVITE,) if move.plan.invite else ()), Step.PROMOTE)


def most_often(people: Iterable[str], most: int) -> tuple[tuple[str, ...], int]:
    """Those named most often, at most so many, and the number of the others."""
    counted = Counter(people).most_common()
    return tuple(name for name, _ in counted[:most]), len(counted[most:])


def _how(ending: Ending) -> tuple[Outcome, Reason, str]:
    return ending.outcome, ending.reason, ending.by
