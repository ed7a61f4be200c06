# SPDX-License-Identifier: AGPL-3.0-or-later
"""A database of an earlier version is brought up to date with all that is in it."""

from __future__ import annotations

from mautrix.util.async_db import Database, UpgradeTable

from migrationbot.core.approval import Answer
from migrationbot.core.move import Options, Rules
from migrationbot.core.ways import Way
from migrationbot.store.database import Transactions
from migrationbot.store.migrations import Migrations
from migrationbot.store.schema import upgrades
from migrationbot.store.stated import Stated, Statement

ROOM, OLD = "!room:old.org", "@me:old.org"
# As version 1 wrote them.
ASKED = """INSERT INTO migration (number, requester, old_account, new_account, home_room, command_event,
               thread_root, keep_history, created_at, expires_at)
           VALUES (7, $1, $1, '@me:new.org', $2, '$command', '$command', true, 1, 2)"""
MOVE = """INSERT INTO room_move (migration, room_id, old_account, new_account, plan, phase, expires_at)
          VALUES (7, $1, $2, '@me:new.org', $3, 'asking', 2)"""
PLAN = """{"level": 100, "old_level": 100, "invite": %s, "open_from": null,
           "visibility": "shared", "reading": "%s"}"""


WAYS = {
    ROOM: ("true", "since_setting", Way.INVITE),
    "!inside:old.org": ("false", "as_member", Way.INSIDE),
    "!invited:old.org": ("false", "from_join", Way.INVITED),
}


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
    await earlier.execute(ASKED, OLD, ROOM)
    for room_id, (invite, reading, _) in WAYS.items():
        await earlier.execute(MOVE, room_id, OLD, PLAN % (invite, reading))
    await earlier.stop()
    database = await _open(database_url, upgrades)
    try:
        transactions = Transactions(database)
        migrations = Migrations(transactions, bot="@bot:old.org")
        migration = await migrations.migration(7)
        assert migration is not None
        assert migration.new == "@me:new.org"
        assert migration.options == Options(keep_history=True)
        for room_id, (_, _, way) in WAYS.items():
            assert (await migrations.move(migration, room_id, Rules())).plan.way is way
        stated = Stated(transactions)
        said = Statement(room_id=ROOM, event_id="$said", sender="@carol:old.org", answer=Answer.YES)
        await stated.add(7, said, now=3)
        assert await stated.of(7) == [said]
        assert await database.fetchval("SELECT version FROM migrationbot_version") == len(upgrades.upgrades)
    finally:
        await database.stop()
