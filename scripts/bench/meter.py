# SPDX-License-Identifier: AGPL-3.0-or-later
"""Stands between the bot and its homeserver, and writes down when each request came and was answered."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from aiohttp import web

from tests.support.proxy import FaultProxy

SYNC = "GET /_matrix/client/v3/sync"
_OUTSIDE_ROOMS = 4  # the parts of a path that stand before the name of what it is about


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request and its answer. Times are seconds of the monotonic clock."""

    label: str  # GET /_matrix/…, unquoted, without its query
    came: float  # when the bot's request was there
    answered: float  # when the homeserver's answer was there
    status: int
    size: int  # bytes of the answer's body
    news: bytes = b""  # of a sync: the answer itself

    @property
    def is_sync(self) -> bool:
        """Whether it asks what is new: such a request lasts until something is."""
        return self.label == SYNC

    def about(self, *names: str) -> bool:
        """Whether one of these rooms or accounts is named in its path."""
        return not set(names).isdisjoint(self.label.split("/")[_OUTSIDE_ROOMS:])


class Meter(FaultProxy):
    """Passes everything on, and remembers all of it."""

    def __init__(self, homeserver_url: str) -> None:
        super().__init__(homeserver_url)
        self.exchanges: list[Exchange] = []

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        came = time.monotonic()
        answer = await self._pass_on(request)
        label = f"{request.method} {unquote(request.raw_path.partition('?')[0])}"
        body = answer.body if isinstance(answer.body, bytes) else b""
        self.exchanges.append(
            Exchange(
                label=label,
                came=came,
                answered=time.monotonic(),
                status=answer.status,
                size=len(body),
                news=body if label == SYNC else b"",
            )
        )
        return answer


def heard_of(exchanges: Iterable[Exchange], event_id: str) -> float:
    """When the bot was told of an event. Raises LookupError."""
    wanted = event_id.encode()
    for each in exchanges:
        if each.is_sync and wanted in each.news:
            return each.answered
    raise LookupError(f"the bot never heard of {event_id}")


def asked_for(exchanges: Iterable[Exchange], method: str, *parts: str) -> float:
    """When the bot first asked for this. Raises LookupError."""
    for each in sorted(exchanges, key=lambda exchange: exchange.came):
        if each.label.startswith(method) and set(parts) <= set(each.label.split("/")):
            return each.came
    raise LookupError(f"the bot never asked for {method} {parts}")


def own_share(exchanges: Iterable[Exchange], since: float, until: float) -> float:
    """The seconds in between during which the homeserver owed the bot no answer."""
    busy = sorted(
        (max(each.came, since), min(each.answered, until))
        for each in exchanges
        if not each.is_sync and each.came < until and each.answered > since
    )
    return until - since - _covered(busy)


def _covered(stretches: Sequence[tuple[float, float]]) -> float:
    """The length of stretches that may overlap, in the order of their beginnings."""
    covered, reached = 0.0, float("-inf")
    for begin, end in stretches:
        covered += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return covered
