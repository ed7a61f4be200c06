# SPDX-License-Identifier: AGPL-3.0-or-later
"""Those who may not send yet, in the order of their turns; each is told its own.

Whoever is refused goes away and looks again later, which is costly: so no two are told the same time. A turn
belongs to whoever was told it; but nobody waits for one who does not come, and whoever comes may go at once
if all those before it will still find room when they come.

All times are in seconds, of one clock that the caller has.
"""

from __future__ import annotations

from dataclasses import dataclass

from .bucket import Bucket

_GRACE = 5.0  # seconds, and the time of one send: so late one may come to its turn
_ROUNDED = 0.002  # of a send


@dataclass(frozen=True, kw_only=True)
class _Place:
    number: int  # the lower, the earlier it came
    urgent: bool
    told: float  # its turn


class Line:
    """Who waits is known by a name that is the same when it comes again."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self._last = 0
        self._after_urgent = False

    def __len__(self) -> int:
        return len(self._places)

    def ask(self, who: str, *, now: float, bucket: Bucket, urgent: bool = False) -> float:
        """When its turn is. With `now` it goes, and has no place any more.

        A person waits for what is urgent: it goes before all that is not, but not twice in succession.
        """
        self._drop_absent(now, bucket)
        own = self._places.pop(who, None)
        number = own.number if own else self._next()
        before = self._before(number, urgent=urgent)
        if _finds_room(before, now, bucket):
            self._after_urgent = urgent
            return now
        told = bucket.time_of(len(before) + 1, now)
        self._places[who] = _Place(number=number, urgent=urgent, told=told)
        return told

    def back(self, who: str, *, now: float, bucket: Bucket, urgent: bool = False) -> float:
        """When the turn is of one that went and was refused: the first of those like it."""
        first = min((each.number for each in self._places.values()), default=0) - 1
        self._places[who] = _Place(number=first, urgent=urgent, told=now)
        return self.ask(who, now=now, bucket=bucket, urgent=urgent)

    def _next(self) -> int:
        self._last += 1
        return self._last

    def _before(self, number: int, *, urgent: bool) -> list[_Place]:
        """Those whose turns come first: the urgent ones and the others alternate."""
        ordered = sorted(self._places.values(), key=lambda each: each.number)
        alike = [each for each in ordered if each.urgent is urgent and each.number < number]
        others = [each for each in ordered if each.urgent is not urgent]
        goes_first = urgent is not self._after_urgent
        return [*alike, *others[: len(alike) + (0 if goes_first else 1)]]

    def _drop_absent(self, now: float, bucket: Bucket) -> None:
        latest = now - _GRACE - (bucket.interval or 0.0)
        for who in [who for who, place in self._places.items() if place.told < latest]:
            del self._places[who]


def _finds_room(before: list[_Place], now: float, bucket: Bucket) -> bool:
    """Whether one can be sent now, and still one for each of those before when it comes."""
    turns = sorted(place.told for place in before)
    return bucket.room(now) >= 1 - _ROUNDED and all(
        bucket.room(now, turn) >= place + 2 - _ROUNDED for place, turn in enumerate(turns)
    )
