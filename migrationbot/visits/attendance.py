# SPDX-License-Identifier: AGPL-3.0-or-later
"""Missing nothing: which messages are still to be read, and how far the bot has read."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from logging import Logger
from typing import Any

from migrationbot.matrix.inbox import Gap, Inbox, Post, read_sync
from migrationbot.matrix.raw import as_dict
from migrationbot.store.inbox import Answered

_NOTED_EVERY = 5.0  # seconds: what is read again after a crash is not answered again
Take = Callable[[str, Mapping[str, Any]], Awaitable[None]]  # a room ID and a raw event


class Attendance:
    """Keeps the token before which every message was handled, and fetches what maubot did not bring.

    The token only moves on while nothing is being handled: after a crash, too much is read rather than too
    little, and what was answered is not answered again.
    """

    def __init__(
        self,
        inbox: Inbox,
        answered: Answered,
        log: Logger,
        *,
        take: Take,
        came: Callable[[Mapping[str, Any]], None],
        fails: Callable[[Mapping[str, Any]], bool],
    ) -> None:
        """`take` is given each message that may be a command, `came` every answer, raw.

        `fails` tells of a sync whether maubot will not get to its end.
        """
        self._inbox = inbox
        self._answered = answered
        self._log = log
        self._take = take
        self._came = came
        self._fails = fails
        self._seen: str | None = None  # the token of the last sync that maubot had
        self._noted_at = 0.0  # on the monotonic clock
        self._caught_up = False

    async def catch_up(self) -> None:
        """Read all that came since the token; at the very first start, begin here."""
        token = await self._answered.token()
        if token is None:
            post = await self._inbox.now()
            self._came(post.answer)
            await self._answered.reached(post.token)
        else:
            await self._read(await self._inbox.since(token))
        self._caught_up = True

    def synced(self, answer: Mapping[str, Any]) -> tuple[Post, bool]:
        """Maubot had a sync: gives what it brought, and whether maubot keeps any of that from the plugin."""
        post = read_sync(answer, since=self._seen)
        facts = as_dict(answer.get("net.maunium.mautrix"))
        return post, bool(facts.get("is_first") or facts.get("is_initial") or self._fails(answer))

    async def fill(self, gaps: Iterable[Gap]) -> None:
        """Read what a sync left out."""
        for gap in gaps:
            for event in await self._inbox.missed(gap):
                await self._take(gap.room_id, event)

    async def note(self, post: Post, *, idle: bool) -> None:
        """After a sync: everything before it has been handed out, and with `idle` been handled as well."""
        reached, self._seen = self._seen, post.token or self._seen
        if not idle or not self._caught_up or reached is None:
            return
        if time.monotonic() - self._noted_at >= _NOTED_EVERY:
            self._noted_at = time.monotonic()
            await self._answered.reached(reached)

    async def _read(self, post: Post) -> None:
        self._log.info("caught up: %d messages, %d gaps", len(post.messages), len(post.gaps))
        self._came(post.answer)
        for event in post.messages:
            await self._take(str(event["room_id"]), event)
        await self.fill(post.gaps)
