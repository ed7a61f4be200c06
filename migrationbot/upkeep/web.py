# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looking in: `GET …/metrics` and `GET …/health`, for whoever shows the token."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import hdrs, web

from migrationbot.upkeep.health import Health, State
from migrationbot.upkeep.metrics import Metrics, Reading
from migrationbot.upkeep.oversight import Oversight

_NO_PROMETHEUS = "There are no metrics: this maubot lacks the Python package prometheus_client.\n"
_NO_DATABASE = "There are no metrics at present: the database does not answer.\n"


@dataclass(frozen=True, kw_only=True)
class Web:
    """The two pages. Until a token is set there are none."""

    token: Callable[[], str]  # as it is set now; empty when the pages are off
    health: Health
    metrics: Metrics
    oversight: Oversight
    send_pause: Callable[[], float]  # seconds for which the homeserver has told the bot to send nothing

    def add_to(self, pages: web.UrlDispatcher) -> None:
        """Serve the pages; maubot takes them away when the plugin stops."""
        pages.add_route(hdrs.METH_GET, "/health", self._guarded(self._health))
        pages.add_route(hdrs.METH_GET, "/metrics", self._guarded(self._metrics))

    def _guarded(
        self, page: Callable[[], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            token = self.token()
            if not token:
                raise web.HTTPNotFound
            if not _shows(request, token):
                raise web.HTTPUnauthorized(headers={hdrs.WWW_AUTHENTICATE: "Bearer"})
            return await page()

        return serve

    async def _health(self) -> web.Response:
        state = await self.health.now()
        status = web.HTTPOk if state.ok else web.HTTPServiceUnavailable
        return web.json_response(_told(state), status=status.status_code)

    async def _metrics(self) -> web.Response:
        state = await self.health.now()
        if state.census is None:
            return web.Response(text=_NO_DATABASE, status=web.HTTPServiceUnavailable.status_code)
        reading = Reading(
            census=state.census,
            waits=[wait.reason for wait in self.oversight.waits.values()],
            pause=self.send_pause(),
        )
        found = self.metrics.exposition(reading)
        if found is None:
            return web.Response(text=_NO_PROMETHEUS, status=web.HTTPNotImplemented.status_code)
        text, content_type = found
        return web.Response(body=text, headers={hdrs.CONTENT_TYPE: content_type})


def _told(state: State) -> dict[str, object]:
    census = state.census
    return {
        "ok": state.ok,
        "database": census is not None,
        "last_sync_seconds": None if state.since_sync is None else round(state.since_sync, 1),
        "open_migrations": census.open if census else None,
        "paused": census.paused if census else None,
    }


def _shows(request: web.Request, token: str) -> bool:
    """Whether the request carries the token, compared in a time that tells nothing of the token."""
    scheme, _, shown = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    given = shown.strip().encode("utf-8", "surrogateescape")
    return hmac.compare_digest(given, token.encode()) and scheme.lower() == "bearer"
