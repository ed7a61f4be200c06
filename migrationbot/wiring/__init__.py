# SPDX-License-Identifier: AGPL-3.0-or-later
"""Putting the parts together, for one bot account and one database."""

from __future__ import annotations

from collections.abc import Callable
from logging import Logger

from mautrix.client import Client
from mautrix.util.async_db import Database

from migrationbot.config import Settings
from migrationbot.house import Furnishing, House
from migrationbot.matrix.inbox import Inbox
from migrationbot.moves.steps import Clock

from .desk import open_desk
from .many import many_rooms
from .moves import make_runner
from .tools import Tools


def build(
    *, client: Client, database: Database, settings: Callable[[], Settings], clock: Clock, log: Logger
) -> House:
    """Wire the parts to one bot account and one database."""
    tools = Tools(client, database, settings, clock, log)
    many = many_rooms(tools)
    runner = make_runner(tools, many)
    return House(
        Furnishing(
            api=tools.api,
            transactions=tools.transactions,
            store=tools.store,
            watch=tools.watch,
            runner=runner,
            desk=open_desk(tools, many, runner),
            inbox=Inbox(tools.api),
            answered=tools.answered,
            sealing=tools.sealing,
            greeter=tools.office.greeter(tools.messages, tools.rooms, tools.watch),
            office=tools.office,
            settings=settings,
            log=log,
        )
    )
