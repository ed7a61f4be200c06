# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whatever a PostgreSQL does that goes away and comes back: it is one error to the bot, and never its end.

test_database_down.py shows that the bot goes on afterwards; here are the many ways in which a query fails.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import pytest
from mautrix.util.async_db import Connection, Database

from migrationbot.store.database import StoreDown, Transactions
from tests.support.postgres import Postgres

SIDE_BY_SIDE = 8
SHUT_OUTS = 15


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    """An empty one, as maubot opens it."""
    made = Database.create(await postgres.fresh_database(), upgrade_table=None)
    await made.start()
    yield made
    await made.stop()


async def query(connection: Connection) -> int:
    """A transaction that can be cut off anywhere in it."""
    for _ in range(3):
        found: int = await connection.fetchval("SELECT count(*) FROM generate_series(1, 2000)")
    return found


async def asked_again_and_again(transactions: Transactions, until: asyncio.Event) -> Counter[str]:
    """How the queries ended."""
    ends: Counter[str] = Counter()
    while not until.is_set():
        try:
            await transactions.run(query)
            ends["answered"] += 1
        except StoreDown as down:
            ends[str(down)] += 1
        await asyncio.sleep(0.002)
    return ends


async def shut_out(admin: asyncpg.Connection, name: str) -> None:
    """Nobody is let in, and whoever is in is thrown out, twice; then all is as before."""
    await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    for _ in range(2):
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        await asyncio.sleep(0.02)
    await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    await asyncio.sleep(0.1)


async def test_a_database_that_comes_and_goes_is_only_ever_down(
    database: Database, postgres: Postgres
) -> None:
    transactions, over = Transactions(database), asyncio.Event()
    asking = [asyncio.ensure_future(asked_again_and_again(transactions, over)) for _ in range(SIDE_BY_SIDE)]
    admin = await asyncpg.connect(postgres.url("postgres"))
    for _ in range(SHUT_OUTS):
        await shut_out(admin, str(database.url.path).removeprefix("/"))
    await admin.close()
    over.set()
    ends = sum(await asyncio.gather(*asking), Counter[str]())
    assert await transactions.run(query) == 2000
    assert len(ends) > 1
