# SPDX-License-Identifier: AGPL-3.0-or-later
"""What can happen to a request, and to which one.

Requests are told apart by room and by shape: `PUT send/m.room.message`, the third one in this room. So the
same request is found again in every run, although several are under way at once.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class Fault(Enum):
    """What can happen to a request."""

    KILLED_BEFORE = "killed before"  # the bot dies before the request is heard
    KILLED_AFTER = "killed after"  # the homeserver has done it; the bot dies before it hears so
    STOPPED = "stopped"  # the bot is asked to end while it waits for the answer
    FORBIDDEN = "403"  # refused
    LIMITED = "429"  # told how long to wait
    LIMITED_WITHOUT_TIME = "429 without a time"  # told to wait
    BAD_GATEWAY = "502"  # what stands before the bot's own homeserver can't reach it
    SERVER_UNREACHABLE = "502 M_UNKNOWN"  # the bot's own homeserver can't reach the other one
    TIMED_OUT = "timed out"  # the homeserver has done it and does not say so
    CUT_OFF = "cut off"  # the homeserver has done it; the connection ends before it says so
    RESET = "reset"  # the connection ends before the request is heard


APPLIED = frozenset({Fault.KILLED_AFTER, Fault.TIMED_OUT, Fault.CUT_OFF})
ENDS_BOT = frozenset({Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.STOPPED})
WITHHELD = frozenset({Fault.TIMED_OUT, Fault.STOPPED})
ANSWERS: Mapping[Fault, tuple[int, Mapping[str, object]]] = {
    Fault.FORBIDDEN: (403, {"errcode": "M_FORBIDDEN", "error": "No"}),
    Fault.LIMITED: (429, {"errcode": "M_LIMIT_EXCEEDED", "error": "Wait"}),
    Fault.LIMITED_WITHOUT_TIME: (429, {"errcode": "M_LIMIT_EXCEEDED", "error": "Wait"}),
    Fault.BAD_GATEWAY: (502, {}),
    Fault.SERVER_UNREACHABLE: (502, {"errcode": "M_UNKNOWN", "error": "Can't connect to server"}),
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One fault for one request."""

    label: str  # the shape of the request
    occurrence: int  # which of that shape, from 1 on
    fault: Fault | None  # None: only what a tap does meanwhile

    def __str__(self) -> str:
        return f"{self.label} #{self.occurrence}, {self.fault.value if self.fault else 'nothing'}"

    def strikes(self, label: str, occurrence: int) -> bool:
        """Whether it is this request.

        A GET or PUT whose connection breaks is repeated at once by aiohttp, before the bot hears of it: that
        one is struck too.
        """
        again = self.fault in (Fault.CUT_OFF, Fault.RESET) and not label.startswith("POST")
        return label == self.label and 0 <= occurrence - self.occurrence <= int(again)


# How long a request waits for others to come before it dies alone: for less than the bot waits for an answer,
# in seconds.
_HELD = 2.0


class Volley:
    """One death for several cases, each in a room of its own and at a request of its own."""

    def __init__(self, size: int = 1) -> None:
        self._missing = size
        self._death = asyncio.Event()

    async def death(self) -> bool:
        """Return when the others' requests have come, or are late; true for the one that has to kill."""
        self._missing -= 1
        death = self._death
        if self._missing > 0:
            try:
                async with asyncio.timeout(_HELD):
                    await death.wait()
            except TimeoutError:
                pass
        if death.is_set():
            return False
        death.set()
        self._death = asyncio.Event()  # for those that come later
        return True


Meanwhile: TypeAlias = Callable[[], Awaitable[object]] | None


class Tap:
    """The bot's requests about one room, in the order in which they came."""

    def __init__(
        self,
        *names: str,
        case: Case | None = None,
        before: Meanwhile = None,
        after: Meanwhile = None,
        volley: Volley | None = None,
    ) -> None:
        """`names` are parts of their paths: the room ID, and accounts that no other room has.

        `before` is awaited when the case's request has come and the homeserver has not heard it, `after` when
        it has done it and nobody else has heard so. Cases with the same `volley` share one death of the bot.
        """
        self.names = names
        self.volley = volley or Volley()
        self.before = before
        self.after = after
        self.requests: list[tuple[str, int]] = []  # the label, and which one of that shape
        self.fired = False
        self.not_before = 0.0  # on the monotonic clock: a 429 named that time for the next write
        self.too_early: list[str] = []  # writes that came before it
        self._case = case
        self._counts: Counter[str] = Counter()

    def note(self, label: str) -> Case | None:
        """Count a request; gives the case when it is this one."""
        self._counts[label] += 1
        if not label.startswith("GET") and time.monotonic() < self.not_before:
            self.too_early.append(label)
        occurrence = self._counts[label]
        self.requests.append((label, occurrence))
        if self._case is None or not self._case.strikes(label, occurrence):
            return None
        self.fired = True
        return self._case


def shape(method: str, parts: Sequence[str], query: Mapping[str, str]) -> str | None:
    """The request without its room, events and transaction; None when maubot makes it by itself.

    An account is named by its role: tests call it `role-` and something unique.
    """
    match list(parts[4:]):
        case ["rooms", _, "state", kind, key]:
            return f"{method} state/{kind}" + (f"/{_role(key)}" if key else "")
        case ["rooms", _, "send", kind, _]:
            return f"{method} send/{kind}"
        case ["rooms", _, "relations", _, relation, *_]:
            return f"{method} relations/{relation}"
        case ["rooms", _, ("event" | "invite" | "kick" | "messages") as what, *_]:
            return f"{method} {what}"
        case ["sync"] if query.get("filter", "").startswith("{"):  # maubot's own names a stored filter
            return f"{method} sync"
        case ["profile", _] if method == "GET":
            return f"{method} profile"
    return None


def _role(user_id: str) -> str:
    return user_id.removeprefix("@").partition(":")[0].rpartition("-")[0]
