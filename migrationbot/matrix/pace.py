# SPDX-License-Identifier: AGPL-3.0-or-later
"""How fast the bot may send: as fast as the homeserver lets it, and never while it was told to wait.

Nothing is known after a start, and nothing is stored: it costs one or two 429s to learn it again.

A homeserver counts invites several times: as sends, by their issuer, and by their invitee, whose allowance
is by far the smallest (Synapse: five, and then one in 334 s). A 429 does not say which count it was. But what
it tells to wait is for one send, and no longer than the limit in question takes for one. So a time that is
longer than one ordinary send takes, as it was measured, or longer than any known limit takes, as long as none
was, is about the invitee, and holds up nothing but its invites. A short one could be either; then everything
waits for that short time, and the next send shows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from migrationbot.core.bucket import Bucket
from migrationbot.core.line import Line

from .errors import InviteLimited, Limited

# Seconds after which a send that is under way is taken for one that was not refused: a 429 comes at once, or
# as with Synapse after half a second, but an invite waits for another server.
_ANSWERED_LATEST = 1.0
# Seconds, for the answers to those that went before. What an act rests on grows old meanwhile.
_PATIENCE, _PATIENCE_OF_ACTS = 2.0, 0.3
_A_LITTLE = 0.01  # seconds: timers may be early


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Who wants to send."""

    who: str  # the same when it comes again after it was refused
    invitee: str | None = None  # whom it invites
    urgent: bool = False  # a person waits for it
    act: bool = False  # whether it rests on how a room was found


class Pace:
    """One for each bot account: the homeserver's limits count by sender, whatever the room."""

    def __init__(
        self, met: Callable[[], None] = lambda: None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`met` is told of each 429; `clock` gives seconds."""
        self._met = met
        self._clock = clock
        self._bucket = Bucket()
        self._line = Line()
        self._invitees: dict[str, float] = {}  # when each may be invited again
        self._under_way: set[float] = set()  # when each was sent
        self._one_ended = asyncio.Event()
        self.limited = 0  # how many 429s were met

    @property
    def wait(self) -> float:
        """Seconds until the homeserver takes another send."""
        now = self._clock()
        return self._bucket.time_of(1, now) - now

    def seconds_for(self, sends: int) -> float:
        """In how many seconds so many more will have been taken, after those that wait already."""
        now = self._clock()
        return self._bucket.time_of(len(self._line) + sends, now) - now

    async def begin(self, claim: Claim) -> float:
        """Have a turn: gives the time by which `end` and the rest know this send. Raises Limited.

        Until a first 429 nothing waits, but for the answers to those just before, if many come at once.
        """
        if claim.invitee is not None and (held := self._held(claim.invitee)) > 0:
            raise InviteLimited(held)
        await self._narrow(_PATIENCE_OF_ACTS if claim.act else _PATIENCE)
        now = self._clock()
        turn = self._line.ask(claim.who, now=now, bucket=self._bucket, urgent=claim.urgent)
        if turn > now:
            raise Limited(turn - now + _A_LITTLE)
        while now in self._under_way:  # a coarse clock
            now += 1e-6
        self._under_way.add(now)
        self._bucket.take(now)
        return now

    def end(self, sent: float) -> None:
        """It was answered, or given up on. What became of it has to be told at the same moment."""
        self._under_way.discard(sent)
        self._one_ended.set()

    def answered(self, sent: float, *, counts: bool) -> None:
        """It was not refused for coming too soon. What was not done at all does not count."""
        self._bucket.took()
        if not counts:
            self._bucket.spared(sent)

    def refused(self, claim: Claim, sent: float, told: float | None) -> Limited:
        """Note a 429 with the time that it named, if it did. Gives the error to raise."""
        self.limited += 1
        self._met()
        now = self._clock()
        if claim.invitee is not None and told is not None and self._bucket.is_of_another(told):
            self._bucket.spared(sent)
            self._invitees[claim.invitee] = now + told
            return InviteLimited(told)
        self._bucket.refuse(sent, now, told)
        turn = self._line.back(claim.who, now=now, bucket=self._bucket, urgent=claim.urgent)
        return Limited(turn - now + _A_LITTLE)

    def _held(self, invitee: str) -> float:
        now = self._clock()
        self._invitees = {each: until for each, until in self._invitees.items() if until > now}
        return self._invitees.get(invitee, now) - now

    async def _narrow(self, patience: float) -> None:
        """Wait until few enough are under way. Raises Limited when that takes longer than so many seconds."""
        began = self._clock()
        while self._crowded():
            if self._clock() - began >= patience:
                raise Limited(patience)
            self._one_ended.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._one_ended.wait(), min(_ANSWERED_LATEST / 4, patience))

    def _crowded(self) -> bool:
        now = self._clock()
        fresh = [each for each in self._under_way if each > now - _ANSWERED_LATEST]
        return len(fresh) >= self._bucket.at_once(now)
