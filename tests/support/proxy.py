# SPDX-License-Identifier: AGPL-3.0-or-later
"""What stands between the bot and its homeserver, and does to one request what networks and kernels do.

Requests are told apart by room and by shape: `PUT send/m.room.message`, the third one in this room. So the
same request is found again in every run, although several are under way at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from yarl import URL

from tests.support.ports import HOST, free_port

# How long a 429 says to wait, unless a test has another wish, in seconds.
TOLD_TO_WAIT = 0.6

# Longer than anybody waits for an answer that is withheld, in seconds.
_LONGEST = 60.0

_HOP_BY_HOP = frozenset({"connection", "content-encoding", "content-length", "host", "transfer-encoding"})
_WRITES = frozenset({"PUT", "POST"})


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


_APPLIED = frozenset({Fault.KILLED_AFTER, Fault.TIMED_OUT, Fault.CUT_OFF})
ENDS_BOT = frozenset({Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.STOPPED})
_WITHHELD = frozenset({Fault.TIMED_OUT, Fault.STOPPED})
_ANSWERS: Mapping[Fault, tuple[int, Mapping[str, object]]] = {
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


Meanwhile: TypeAlias = Callable[[], Awaitable[object]] | None


class Tap:
    """The bot's requests about one room, in the order in which they came."""

    def __init__(
        self, *names: str, case: Case | None = None, before: Meanwhile = None, after: Meanwhile = None
    ) -> None:
        """`names` are parts of their paths: the room ID, and accounts that no other room has.

        `before` is awaited when the case's request has come and the homeserver has not heard it, `after` when
        it has done it and nobody else has heard so.
        """
        self.names = names
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


class FaultProxy:
    """Passes on what the bot asks, but for the requests that a rule strikes."""

    def __init__(self, homeserver_url: str) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.end_bot: Callable[[Fault], None] | None = None  # kills or stops it, now
        self.told_to_wait = TOLD_TO_WAIT
        self._homeserver_url = homeserver_url
        self._taps: dict[str, Tap] = {}
        self._tasks: set[asyncio.Task[web.Response]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen."""
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        # Connections are given up long before the homeserver does: none goes stale.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=5)
        self._session = aiohttp.ClientSession(connector=connector)
        # With cancellation, a long poll ends with the bot that waits for it.
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port).start()

    async def close(self) -> None:
        """Listen no more, and pass on nothing more."""
        if self._runner is not None:
            await self._runner.cleanup()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def tap(self, tap: Tap) -> None:
        """Follow the requests about a room from now on."""
        self._taps.update(dict.fromkeys(tap.names, tap))

    def untap(self, tap: Tap) -> None:
        """Follow them no longer."""
        for name in tap.names:
            del self._taps[name]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        parts = [unquote(part) for part in request.raw_path.partition("?")[0].split("/")]
        label = shape(request.method, parts, request.rel_url.query)
        tap = next((self._taps[part] for part in parts if part in self._taps), None)
        if tap is None or label is None:
            return await self._pass_on(request)
        case = tap.note(label)
        return await (self._pass_on(request) if case is None else self._meet(tap, case.fault, request))

    async def _meet(self, tap: Tap, fault: Fault | None, request: web.Request) -> web.StreamResponse:
        answer: web.StreamResponse = web.Response()
        if tap.before is not None:
            await tap.before()
        if fault is None or fault in _APPLIED:
            answer = await self._pass_on(request)
        if tap.after is not None:
            await tap.after()
        return answer if fault is None else await self._strike(tap, fault, request)

    async def _strike(self, tap: Tap, fault: Fault, request: web.Request) -> web.StreamResponse:
        if fault in ENDS_BOT:
            assert self.end_bot is not None, "Nobody said how to end the bot."
            self.end_bot(fault)
        if fault in _WITHHELD:
            await asyncio.sleep(_LONGEST)  # cancelled once the bot is gone or has given up
        if fault not in _ANSWERS:
            _break_connection(request)
            return web.Response()
        status, body = _ANSWERS[fault]
        if fault is Fault.LIMITED:
            body = {**body, "retry_after_ms": round(self.told_to_wait * 1000)}
            if request.method in _WRITES:
                tap.not_before = time.monotonic() + self.told_to_wait
        return web.json_response(body, status=status) if body else web.Response(status=status, text="<html>")

    async def _pass_on(self, request: web.Request) -> web.Response:
        """What the homeserver answers. A write is heard to its end, even when the bot is gone."""
        task = asyncio.ensure_future(self._forward(request, await request.read()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await (asyncio.shield(task) if request.method in _WRITES else task)

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        assert self._session is not None, "The proxy was not started."
        url = URL(self._homeserver_url + request.raw_path, encoded=True)
        asked = _end_to_end(request.headers)
        async with self._session.request(request.method, url, data=body, headers=asked) as answer:
            content, headers = await answer.read(), _end_to_end(answer.headers)
            return web.Response(status=answer.status, body=content, headers=headers)


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


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}


def _break_connection(request: web.Request) -> None:
    """As a crash does it: without a farewell."""
    transport = request.transport
    if transport is not None:
        peer = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
