# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people typed: the latest of each, never too many, and no answer pushed out by a later yes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from mautrix.util.async_db import Database

from migrationbot.core.approval import Answer
from migrationbot.store.database import Transactions
from migrationbot.store.migrations import Migrations
from migrationbot.store.schema import upgrades
from migrationbot.store.stated import MOST_READ, Stated, Statement
from tests.chat.builders import ROOM_ID, migration, move, room


@pytest.fixture
async def transactions(database_url: str) -> AsyncIterator[Transactions]:
    """A database with one migration, number 1."""
    database = Database.create(database_url, upgrade_table=upgrades)
    await database.start()
    transactions = Transactions(database)
    await Migrations(transactions, bot="@bot:old.org").begin(migration(), {ROOM_ID: move(room()).plan})
    yield transactions
    await database.stop()


def said(sender: str, answer: Answer = Answer.YES, event_id: str = "$said") -> Statement:
    return Statement(room_id=ROOM_ID, event_id=event_id, sender=f"@{sender}:old.org", answer=answer)


async def test_the_latest_of_each_person_counts(transactions: Transactions) -> None:
    stated = Stated(transactions)
    await stated.add(1, said("carol"), now=1)
    await stated.add(1, said("dave"), now=2)
    await stated.add(1, said("carol", Answer.NO, "$later"), now=3)
    assert await stated.of(1) == [said("carol", Answer.NO, "$later"), said("dave")]
    assert await stated.of(2) == []


async def test_nobody_is_pushed_out_by_those_who_come_later(transactions: Transactions) -> None:
    stated = Stated(transactions)
    await stated.add(1, said("first"), now=0)
    for number in range(MOST_READ + 5):
        await stated.add(1, said(f"crowd{number:02}"), now=1 + number)
    await stated.add(1, said("naysayer", Answer.NO), now=99)
    found = await stated.of(1)
    assert len(found) == MOST_READ
    assert found[:2] == [said("naysayer", Answer.NO), said("first")]
