# SPDX-License-Identifier: AGPL-3.0-or-later
"""Running queries so that a cancelled task or a failing database never leaves half a change."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, LiteralString, Protocol, TypeVar, cast

import asyncpg
from mautrix.util.async_db import Connection, Database

Answer = TypeVar("Answer")

# InternalClientError is no InterfaceError, and mautrix lets it through at the end of a transaction.
_DOWN = (
    sqlite3.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


class Row(Protocol):
    """A row of either database."""

    def __getitem__(self, column: str, /) -> Any: ...


class StoreDown(Exception):
    """The database did not take or give what was asked; nothing was changed."""


class AlreadyThere(Exception):
    """A row that must be the only one of its kind exists already."""


class Transactions:
    """Each call is one transaction, carried to its end even when the caller is cancelled.

    Cancelling inside a SQLite transaction would leave mautrix's only connection inside it for good.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._running: set[asyncio.Task[Any]] = set()

    async def run(self, work: Callable[[Connection], Awaitable[Answer]], *, single: bool = False) -> Answer:
        """Do `work` in a transaction. Raises AlreadyThere, or StoreDown when the database fails.

        A `single` statement is a transaction of its own, and needs no other around it.
        """
        task = asyncio.ensure_future(self._transaction(work, single=single))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def settle(self) -> None:
        """Wait until no transaction is under way."""
        while self._running:
            await asyncio.wait(self._running)

    async def _transaction(self, work: Callable[[Connection], Awaitable[Answer]], *, single: bool) -> Answer:
        try:
            taken = cast("AbstractAsyncContextManager[Connection]", self._database.acquire())
            async with taken as connection:
                if single:
                    return await work(connection)
                transaction = cast("AbstractAsyncContextManager[None]", connection.transaction())
                async with transaction:
                    return await work(connection)
        except (sqlite3.IntegrityError, asyncpg.UniqueViolationError) as error:
            raise AlreadyThere from error
        except _DOWN as error:
            raise StoreDown(type(error).__name__) from error
        except SystemExit as end:
            # mautrix ends the program, with every other plugin in it, when asyncpg finds a connection out of
            # step: after PostgreSQL has closed it, for one. The pool replaces such a connection.
            if not isinstance(end.__context__, asyncpg.InternalClientError):
                raise
            raise StoreDown(type(end.__context__).__name__) from end


class Table:
    """Queries about one table. Each method of it is one transaction, and raises StoreDown."""

    def __init__(self, transactions: Transactions) -> None:
        self._run = transactions.run

    async def _write(self, query: LiteralString, *values: object) -> None:
        """Change what the query names."""

        async def work(connection: Connection) -> None:
            await connection.execute(query, *values)

        await self._run(work, single=True)

    async def _row(self, query: LiteralString, *values: object) -> Row | None:
        """The first row that the query finds, if any."""
        rows = await self._rows(query, *values)
        return rows[0] if rows else None

    async def _rows(self, query: LiteralString, *values: object) -> Sequence[Row]:
        """All rows that the query finds."""

        async def work(connection: Connection) -> Sequence[Row]:
            return await connection.fetch(query, *values)

        return await self._run(work, single=True)
