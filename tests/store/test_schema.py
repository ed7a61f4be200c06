# SPDX-License-Identifier: AGPL-3.0-or-later
"""A database of an earlier version is brought up to date with all that is in it."""

from __future__ import annotations

from mautrix.util.async_db import Database, UpgradeTable

from migrationbot.core.approval import Answer
from migrationbot.core.history import Reading, Visibility
from migrationbot.core.move import Migration, Plan
from migrationbot.store.database import Transactions
from migrationbot.store.migrations import Migrations
from migrationbot.store.schema import upgrades
from migrationbot.store.stated import Stated, Statement

ROOM, OLD = "!room:old.org", "@me:old.org"
ASKED = Migration(
    number=0,
    requester=OLD,
    old=OLD,
    new="@me:new.org",
    home_room=ROOM,
    command_event="$command",
    thread_root="$command",
    created_at=1,
    expires_at=2,
)
PLAN = Plan(
    level=100,
    old_level=100,
    invite=True,
    open_from=None,
    visibility=Visibility.SHARED,
    reading=Reading.SINCE_SETTING,
)


def _up_to(version: int) -> UpgradeTable:
    """The upgrades as they were when the schema had this version."""
    table = UpgradeTable(version_table_name="migrationbot_version", database_name="migrationbot")
    for upgrade in upgrades.upgrades[:version]:
        table.register(upgrade, description="earlier")
    return table


async def _open(url: str, table: UpgradeTable) -> Database:
    database = Database.create(url, upgrade_table=table)
    await database.start()
    return database


async def test_what_version_1_holds_is_there_in_the_latest(database_url: str) -> None:
    earlier = await _open(database_url, _up_to(1))
    number = await Migrations(Transactions(earlier), bot="@bot:old.org").begin(ASKED, {ROOM: PLAN})
    await earlier.stop()
    database = await _open(database_url, upgrades)
    try:
        transactions = Transactions(database)
        migration = await Migrations(transactions, bot="@bot:old.org").migration(number)
        assert migration is not None
        assert migration.new == ASKED.new
        stated = Stated(transactions)
        said = Statement(room_id=ROOM, event_id="$said", sender="@carol:old.org", answer=Answer.YES)
        await stated.add(number, said, now=3)
        assert await stated.of(number) == [said]
        assert await database.fetchval("SELECT version FROM migrationbot_version") == len(upgrades.upgrades)
    finally:
        await database.stop()
