# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a request for very many rooms does to the bot's memory."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.bench.figures import Figure
from scripts.bench.usage import memory_bytes
from scripts.bench.whole import NoSuchCommand
from tests.support import match
from tests.support.bot import BotProcess
from tests.support.person import Person

NAME = "Many rooms"
_FEW = 10
_TARGET = 20  # MB
_MB = 1_000_000
_PATIENCE = 300.0  # seconds
_NOBODY = "@nobody:homeserver.invalid"  # a new account that no homeserver answers for


async def planned(bot: BotProcess, resident: Person, rooms: Sequence[str]) -> Figure:
    """By how much the memory grows when somebody asks for all of these rooms, after a few of them."""
    what = f"memory, from {_FEW} to {len(rooms)} rooms planned"
    try:
        few = " ".join(f"--only {room}" for room in rooms[:_FEW])
        await _ask(bot, resident, rooms[0], f"--dry-run {few}", "answer")
        before = memory_bytes(bot.process.pid)
        await _ask(bot, resident, rooms[0], "", "request")
        grown = (memory_bytes(bot.process.pid) - before) / _MB
    except NoSuchCommand as missing:
        return Figure(benchmark=NAME, what=f"{what}: {missing}", value=None, unit="MB", target=_TARGET)
    return Figure(benchmark=NAME, what=what, value=grown, unit="MB", target=_TARGET)


async def _ask(bot: BotProcess, resident: Person, home: str, options: str, kind: str) -> None:
    """Ask for all rooms, and return when the answer is there; it has to be of this kind."""
    command = await resident.say(home, f"!migrate {_NOBODY} all {options}")
    answer = await resident.wait_for(
        home,
        lambda event: (
            event["sender"] == bot.user_id
            and match.card_of(event) is not None
            and event["content"].get("m.relates_to", {}).get("event_id") == command
        ),
        "the bot's answer",
        seconds=_PATIENCE,
    )
    shown = match.card_of(answer) or {}
    if shown.get("card") != kind or "error" in shown:
        raise NoSuchCommand(f"It needs “!migrate @you:new.server all”, which this bot answers with: {shown}")
