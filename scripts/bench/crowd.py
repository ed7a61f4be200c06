# SPDX-License-Identifier: AGPL-3.0-or-later
"""Many accounts in a room, cheaply: the homeserver's admin makes them and has them join."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar
from urllib.parse import quote

from tests.support.api import MatrixApi
from tests.support.homeserver import Homeserver
from tests.support.person import unique

Item = TypeVar("Item")
Result = TypeVar("Result")

_SIDE_BY_SIDE = 8


async def side_by_side(
    work: Callable[[Item], Awaitable[Result]], items: Iterable[Item], *, most: int = _SIDE_BY_SIDE
) -> list[Result]:
    """The results of the same work on each, a few at a time, in their order."""
    free = asyncio.Semaphore(most)

    async def one(item: Item) -> Result:
        async with free:
            return await work(item)

    return await asyncio.gather(*(one(item) for item in items))


async def fill(homeserver: Homeserver, room: str, count: int) -> None:
    """Have so many new accounts join a public room. Source: Synapse's documentation, Admin API."""
    admin = await homeserver.admin()
    api = MatrixApi(homeserver.url, admin.access_token)

    async def join(user_id: str) -> None:
        name = quote(user_id, safe="")
        await api.request("PUT", f"/_synapse/admin/v2/users/{name}", {})
        await api.request("POST", f"/_synapse/admin/v1/join/{quote(room, safe='')}", {"user_id": user_id})

    prefix = unique("many")
    try:
        await side_by_side(join, [f"@{prefix}-{each}:{homeserver.server_name}" for each in range(count)])
    finally:
        await api.close()
