# SPDX-License-Identifier: AGPL-3.0-or-later
"""A cancelled caller leaves neither half a change nor a connection that nobody can use again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from mautrix.util.async_db import Connection, Database

from migrationbot.store.database import AlreadyThere, StoreDown, Transactions
from migrationbot.store.schema import upgrades


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database with all tables, on each kind."""
    made = Database.create(database_url.replace("postgresql://", "postgres://"), upgrade_table=upgrades)
    await made.start()
    yield made
    await made.stop()


async def answer(connection: Connection, event_id: str) -> None:
    """One row of the simplest table."""
    await connection.execute("INSERT INTO answered (room_id, event_id, at) VALUES ('!r', $1, 0)", event_id)


async def test_what_was_begun_is_finished_though_its_caller_was_cancelled(database: Database) -> None:
    transactions, begun, go_on = Transactions(database), asyncio.Event(), asyncio.Event()

    async def slow(connection: Connection) -> None:
        await answer(connection, "$1")
        begun.set()
        await go_on.wait()
        await answer(connection, "$2")

    caller = asyncio.create_task(transactions.run(slow))
    await begun.wait()
    caller.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await caller
    go_on.set()
    await transactions.settle()
    assert await database.fetchval("SELECT count(*) FROM answered") == 2


async def test_what_fails_leaves_nothing_and_the_next_one_works(database: Database) -> None:
    transactions = Transactions(database)

    async def twice(connection: Connection) -> None:
        await answer(connection, "$1")
        await answer(connection, "$1")

    with pytest.raises(AlreadyThere):
        await transactions.run(twice)

    async def wrong(connection: Connection) -> None:
        await answer(connection, "$1")
        await connection.execute("SELECT nonsense FROM nowhere")

    with pytest.raises(StoreDown):
        await transactions.run(wrong)
    assert await database.fetchval("SELECT count(*) FROM answered") == 0
    await transactions.run(lambda connection: answer(connection, "$1"))
    assert await database.fetchval("SELECT count(*) FROM answered") == 1
