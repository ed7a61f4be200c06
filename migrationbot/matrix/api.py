# SPDX-License-Identifier: AGPL-3.0-or-later
"""One request to the homeserver, with its errors told apart and its rate limits kept.

mautrix's own requests throw the time of a 429 away and log message content, so requests are made here, over
the session, address and token of the client that maubot gives us.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import aiohttp
from mautrix.api import HTTPAPI
from yarl import URL

from .errors import (
    Forbidden,
    Limited,
    LoggedOut,
    NotFound,
    Rejected,
    RemoteUnreachable,
    Stopping,
    TimedOut,
    Unavailable,
)
from .pace import Claim, Pace
from .together import Together

Json = dict[str, Any]
CLIENT = "/_matrix/client/v3"
CLIENT_V1 = "/_matrix/client/v1"
READ_TIMEOUT = 30.0  # seconds
WRITE_TIMEOUT = 120.0  # seconds: an invite waits for the other server
_SUCCESS, _REFUSAL = 2, 4  # the hundreds of an HTTP status
_UNCOUNTED = "/directory/"  # aliases are no events: no limit of sends counts them
_BY_STATUS = {401: LoggedOut, 403: Forbidden, 404: NotFound}


@dataclass(frozen=True)
class _Answer:
    status: int
    body: Json
    retry_after: str | None  # the header, in seconds


@lru_cache(maxsize=10_000)  # the same few rooms and accounts, again and again
def _quoted(part: str) -> str:
    return quote(part, safe="")


def path(prefix: str, *parts: str) -> str:
    """A request path of which every part is percent-encoded."""
    return "/".join((prefix, *map(_quoted, parts)))


class Api:
    """Requests as the bot. Raises only the errors of `errors`."""

    def __init__(self, http: HTTPAPI, pace: Pace) -> None:
        self._http = http
        self._pace = pace
        self._together: Together[_Answer] = Together()
        self._under_way: set[asyncio.Future[Any]] = set()
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Give up on every request under way, with Stopping; and on every later one."""
        self._stopped.set()
        for work in self._under_way:
            work.cancel()

    async def pause(self, seconds: float) -> None:
        """Wait. Raises Stopping as soon as the plugin is stopped."""
        await self._or_stop(asyncio.sleep(seconds))

    async def get(
        self, where: str, query: Mapping[str, str] | None = None, seconds: float | None = None
    ) -> Json:
        """Read. GETs are not rate-limited. Who asks for the same at the same time gets the same answer."""

        async def ask() -> _Answer:
            answer: _Answer = await self._or_stop(
                self._request("GET", where, query, None, seconds or READ_TIMEOUT)
            )
            return answer

        question = (where, tuple(sorted((query or {}).items())), seconds)
        return _judge(await self._together.ask(question, ask))

    async def send(self, method: str, where: str, body: Mapping[str, Any], *, urgent: bool = False) -> Json:
        """Write: a PUT or POST that counts towards the limits. A person waits for what is `urgent`.

        Nothing waits here for its turn, for what a request rests on would grow old. When it would come too
        soon, and for a 429, it raises Limited with the time of its turn: whoever asked has to look again.
        """
        if _UNCOUNTED in where:
            answer = await self._or_stop(self._request(method, where, None, body, WRITE_TIMEOUT))
        else:
            answer = await self._or_stop(
                self._in_turn(method, where, body, _claim(where, body, urgent=urgent))
            )
        return _judge(answer)

    async def _in_turn(self, method: str, where: str, body: Mapping[str, Any], claim: Claim) -> _Answer:
        sent = await self._pace.begin(claim)
        try:
            answer = await self._request(method, where, None, body, WRITE_TIMEOUT)
        finally:
            self._pace.end(sent)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise self._pace.refused(claim, sent, _seconds(answer))
        self._pace.answered(sent, counts=answer.status // 100 != _REFUSAL)
        return answer

    async def upload(self, where: str, query: Mapping[str, str], kind: str, data: bytes) -> Json:
        """Store a file of that media type. Synapse does not count it towards the limits of messages."""
        return _judge(await self._or_stop(self._request("POST", where, query, data, WRITE_TIMEOUT, kind)))

    async def _or_stop(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Await `work`, or raise Stopping as soon as the plugin is stopped."""
        if self._stopped.is_set():
            work.close()
            raise Stopping
        task, caller = asyncio.ensure_future(work), asyncio.current_task()
        self._under_way.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            if self._stopped.is_set() and caller is not None and not caller.cancelling():
                raise Stopping from None
            raise
        finally:
            self._under_way.discard(task)

    async def _request(
        self,
        method: str,
        where: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | bytes | None,
        seconds: float,
        kind: str = "application/json",
    ) -> _Answer:
        http = self._http
        asked = dict(query or {})
        if http.as_user_id:
            asked["user_id"] = http.as_user_id
        url = URL(str(http.base_url).rstrip("/") + where, encoded=True)
        try:
            async with http.session.request(
                method,
                url.update_query(asked) if asked else url,
                data=json.dumps(body).encode() if isinstance(body, Mapping) else body,
                headers={"Authorization": f"Bearer {http.token}", "Content-Type": kind},
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as response:
                retry_after = response.headers.get("Retry-After")
                return _Answer(response.status, await _body(response), retry_after)
        except TimeoutError as error:
            slow = not isinstance(error, aiohttp.ConnectionTimeoutError)
            raise (TimedOut if slow else Unavailable)(type(error).__name__) from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(type(error).__name__) from None


async def _body(response: aiohttp.ClientResponse) -> Json:
    try:
        found = json.loads(await response.read())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _claim(where: str, body: Mapping[str, Any], *, urgent: bool) -> Claim:
    """Who asks: the same when it comes again, be it with a newer version of the same message.

    The transaction ID of a version has that of the message before its second dash.
    """
    invitee = body.get("user_id") if where.endswith("/invite") else None
    before, _, last = where.rpartition("/")
    says = "/send/" in where
    who = f"{before}/{'-'.join(last.split('-')[:2])}" if says else where
    return Claim(who=who, invitee=invitee if isinstance(invitee, str) else None, urgent=urgent, act=not says)


def _judge(answer: _Answer) -> Json:
    if answer.status // 100 == _SUCCESS:
        return answer.body
    errcode = answer.body.get("errcode")
    errcode = errcode if isinstance(errcode, str) else ""
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise Limited(_seconds(answer) or 5.0)
    if answer.status == HTTPStatus.BAD_GATEWAY and errcode:
        raise RemoteUnreachable(answer.status, errcode)
    if answer.status // 100 != _REFUSAL:
        raise Unavailable(str(answer.status))
    raise _BY_STATUS.get(answer.status, Rejected)(answer.status, errcode)


def _seconds(answer: _Answer) -> float | None:
    """How long a 429 says to wait. Spec: `retry_after_ms`, deprecated for the header Retry-After."""
    told = answer.body.get("retry_after_ms")
    if isinstance(told, int | float) and not isinstance(told, bool) and told >= 0:
        return told / 1000
    try:
        return max(0.0, float(answer.retry_after or ""))
    except ValueError:
        return None
