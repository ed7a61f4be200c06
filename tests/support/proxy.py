# SPDX-License-Identifier: AGPL-3.0-or-later
"""What stands between the bot and its homeserver, and does to one request what networks and kernels do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from yarl import URL

from tests.support.fault import ANSWERS, APPLIED, ENDS_BOT, WITHHELD, Fault, Tap, shape
from tests.support.ports import HOST, free_port

# How long a 429 says to wait, unless a test has another wish, in seconds.
TOLD_TO_WAIT = 0.6

# Longer than anybody waits for an answer that is withheld, in seconds.
_LONGEST = 60.0

_HOP_BY_HOP = frozenset({"connection", "content-encoding", "content-length", "host", "transfer-encoding"})
_WRITES = frozenset({"PUT", "POST"})


class FaultProxy:
    """Passes on what the bot asks, but for what a case strikes."""

    def __init__(self, homeserver_url: str) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.end_bot: Callable[[Fault], None] | None = None  # kills or stops it, now
        self.told_to_wait = TOLD_TO_WAIT
        self.gaps: set[str] = set()  # rooms of which a sync has shown only the end of what was said
        self._may_sync = asyncio.Event()
        self._may_sync.set()
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

    @asynccontextmanager
    async def silence(self) -> AsyncIterator[None]:
        """The bot hears nothing meanwhile: no sync is answered. It can ask for anything else."""
        self._may_sync.clear()
        try:
            yield
        finally:
            self._may_sync.set()

    async def _sync(self, request: web.Request) -> web.Response:
        """A sync of maubot's, asked again when it was answered into a silence."""
        while True:
            await self._may_sync.wait()
            answer = await self._pass_on(request)
            if self._may_sync.is_set():
                self._note_gaps(answer)
                return answer

    def _note_gaps(self, answer: web.Response) -> None:
        rooms = json.loads(answer.text or "{}").get("rooms", {}).get("join", {})
        self.gaps.update(room_id for room_id, room in rooms.items() if room["timeline"]["limited"])

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        parts = [unquote(part) for part in request.raw_path.partition("?")[0].split("/")]
        label = shape(request.method, parts, request.rel_url.query)
        if label is None and parts[-1] == "sync":
            return await self._sync(request)
        tap = next((self._taps[part] for part in parts if part in self._taps), None)
        if tap is None or label is None:
            return await self._pass_on(request)
        case = tap.note(label)
        return await (self._pass_on(request) if case is None else self._meet(tap, case.fault, request))

    async def _meet(self, tap: Tap, fault: Fault | None, request: web.Request) -> web.StreamResponse:
        answer: web.StreamResponse = web.Response()
        if tap.before is not None:
            await tap.before()
        if fault is None or fault in APPLIED:
            answer = await self._pass_on(request)
        if tap.after is not None:
            await tap.after()
        return answer if fault is None else await self._strike(tap, fault, request)

    async def _strike(self, tap: Tap, fault: Fault, request: web.Request) -> web.StreamResponse:
        if fault in ENDS_BOT:
            assert self.end_bot is not None, "Nobody said how to end the bot."
            if await tap.volley.death():
                self.end_bot(fault)
        if fault in WITHHELD:
            await asyncio.sleep(_LONGEST)  # cancelled once the bot is gone or has given up
        if fault not in ANSWERS:
            _break_connection(request)
            return web.Response()
        status, body = ANSWERS[fault]
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
