# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is known of the limit by which a homeserver counts what one account sends.

Homeservers limit with a leaky bucket: each send that is taken adds one, it leaks at a steady rate, and what
would make it overflow is refused with the time after which there is room for one. Rate and size differ from
server to server and from account to account, and no answer names them; so they are learned. A refusal tells
when there is room for exactly one; two refusals, and the number of sends taken in between, tell the rate; the
rate and what was taken before tell the size. A refused send costs nothing. Source: Synapse,
api/ratelimiting.py.

All times are in seconds, of one clock that the caller has.
"""

from __future__ import annotations

from collections import deque

_MARGIN, _LATENESS = 1.02, 0.02  # sends are kept a little further apart than the rate, for they travel
_SHORTEST = 0.05  # seconds between two sends: a limit beyond that is none
_REMEMBERED = 128  # sends
_TRUSTED, _LONGEST_TRUST = 600.0, 4 * 3600.0  # seconds without a refusal: then the limit is doubted,
_TRUSTED_FOR = 20  # sends at its rate, if they take longer
_PROOF = 5.0  # sends beyond the limit: more of them prove that it is gone
_FIRST_GUESS, _LONGEST_GUESS = 5.0, 300.0  # seconds: for a refusal that names no time
_LONGER = 1.5  # times the time between two sends, when it proved too short and nothing better is told
_UNSURE = 15.0  # seconds between two sends at most, as long as that was not measured
_LONG = 30.0  # seconds: no limit of ordinary sends says so, as long as nothing is known of it
_AT_ONCE_FOR = 60.0  # seconds, in which so many sends for each that may be under way were taken:
_FOR_EACH = 12


class Bucket:
    """Its rate, its size, and how full it is. Until a first refusal there is none."""

    def __init__(self, unsure: float = _UNSURE) -> None:
        """`unsure`: how far apart sends are kept at most while the rate is not measured.

        Not all limits are leaky buckets. Of one that counts by the hour a refusal may name a long time after
        which much is taken.
        """
        self._unsure = unsure
        # Seconds in which there is room for one more; None: no limit known.
        self.interval: float | None = None
        self._exact = False  # whether it was measured; otherwise it is the least that it can be
        self._size = 1.0
        self._room, self._at = 0.0, 0.0  # for so many sends, at that time
        self._taken: deque[float] = deque(maxlen=_REMEMBERED)
        self._mark: float | None = None  # when there was room for exactly one, as a refusal told
        self._marked_at = float("-inf")
        self._since = 0  # sends that were taken since
        self._refused_at = float("-inf")
        self._trust = _TRUSTED
        self._guess = _FIRST_GUESS

    def holds(self, now: float) -> bool:
        """Whether it limits, as far as is known. What has not shown for long is doubted, for it may be gone.

        While it is doubted sends go one at a time but don't wait; a refusal makes it known again.
        """
        return self.interval is not None and now - self._refused_at <= self._trusted_for

    def at_once(self, now: float) -> int:
        """How many sends may be under way together.

        Those that are under way when the bucket is full are all refused, and a refused invite may cost its
        invitee's allowance all the same. So there are the more, the more were taken just before.
        """
        if self.interval is not None:
            return 1
        return 1 + sum(1 for each in self._taken if each > now - _AT_ONCE_FOR) // _FOR_EACH

    def room(self, now: float, at: float | None = None) -> float:
        """For how many sends there is room now; at a later time, if none is sent until then."""
        if not self.holds(now):
            return float("inf")
        later = 0.0 if at is None else max(0.0, at - now) / self._spacing
        return self._room_now(now) + later

    def time_of(self, number: int, now: float) -> float:
        """When there is room for so many sends, if those before go as soon as they can."""
        if not self.holds(now):
            return now
        return now + max(0.0, number - self._room_now(now)) * self._spacing

    def take(self, now: float) -> None:
        """Something is sent, and will be taken unless the contrary is told."""
        if self.interval is not None:
            self._room, self._at = self._room_now(now) - 1, now
            if not self.holds(now) and self._room < -(self._size + _PROOF):
                self._forget()
        self._taken.append(now)
        self._since += 1

    def took(self) -> None:
        """Something was taken."""
        self._guess = _FIRST_GUESS

    def spared(self, sent: float) -> None:
        """What was sent then was not counted."""
        if sent in self._taken:
            self._taken.remove(sent)
        self._room += 1
        if sent > self._marked_at:
            self._since -= 1

    def is_of_another(self, told: float) -> bool:
        """Whether a refusal with that time can't be this bucket's: one send waits no longer than for one."""
        return told > (1 + 1.25 * self.interval if self._exact and self.interval else _LONG)

    def refuse(self, sent: float, now: float, told: float | None) -> None:
        """Note that what was sent then was refused, with the time after which there is room for one."""
        self.spared(sent)
        if self.interval is not None and not self.holds(now):
            self._trust = min(self._trusted_for * 2, _LONGEST_TRUST)
        self._refused_at = now
        if sent > self._marked_at:  # otherwise it was under way when another was refused, and tells no more
            self._learn(sent, told)
            self._mark = None if told is None else sent + told
            self._marked_at, self._since = now, 0
        wait = self._guessed() if told is None else told
        self._room, self._at = 1 - wait / self._spacing, now

    @property
    def _trusted_for(self) -> float:
        return max(self._trust, _TRUSTED_FOR * self._spacing)

    @property
    def _spacing(self) -> float:
        interval = self.interval or 0.0
        if self._mark is not None and not self._exact:
            interval = min(interval, self._unsure)
        return interval * _MARGIN + _LATENESS

    def _room_now(self, now: float) -> float:
        return min(self._size, self._room + (now - self._at) / self._spacing)

    def _learn(self, sent: float, told: float | None) -> None:
        known = self.interval or 0.0
        if told is None:
            longer = known * _LONGER if self._since > 0 else known
            self.interval, self._exact = max(longer, self._guess), False
            return
        measured = self._measured(sent + told)
        if measured is not None and measured <= 1 + 2 * max(known, told):
            self.interval, self._exact = max(measured, _SHORTEST), True
        elif known:  # the bucket ran empty in between, or others were sending too: nothing can be measured
            self.interval, self._exact = max(known, told), self._exact and told <= known
        else:
            # It was full after the last that was taken, or less: what leaked since then was one at the most.
            last = max((each for each in self._taken if each < sent), default=sent)
            self.interval = max(told + min(sent - last, told), _SHORTEST)
        full = self._fill(sent) - told / self.interval + 1
        self._size = max(1.0, float(int(full + 0.25)))

    def _measured(self, mark: float) -> float | None:
        """Between two times at which there was room for exactly one, what was taken has leaked again."""
        return (mark - self._mark) / self._since if self._mark is not None and self._since > 0 else None

    def _fill(self, now: float) -> float:
        """How full it is, by what was taken."""
        full, last = 0.0, self._taken[0] if self._taken else now
        for each in self._taken:
            full, last = max(0.0, full - (each - last) / (self.interval or 1.0)) + 1, each
        return max(0.0, full - max(0.0, now - last) / (self.interval or 1.0))

    def _guessed(self) -> float:
        guess, self._guess = self._guess, min(self._guess * 2, _LONGEST_GUESS)
        return max(guess, (self.interval or 0.0) / 4)

    def _forget(self) -> None:
        self.interval, self._exact, self._size = None, False, 1.0
        self._mark, self._trust = None, _TRUSTED
