# SPDX-License-Identifier: AGPL-3.0-or-later
"""How the room is afterwards, what the new account can read, and whether all that is as it should be."""

from __future__ import annotations

import asyncio
import textwrap
import time
from collections.abc import Collection

from scripts.demo.paper import Paper, Style
from scripts.demo.script import Take
from scripts.demo.snapshot import comparison, state_set
from scripts.demo.teller import Entry, edit_of
from tests.support.api import MatrixError
from tests.support.person import Person
from tests.support.scene import HISTORY, Scene
from tests.support.timeline import PATIENCE

_PAUSE = 0.1  # seconds between two looks at what a homeserver has fetched


class WentWrong(Exception):
    """The demo did not show what it should; the message is a sentence."""


def show_room(take: Take, paper: Paper) -> None:
    """Write down what the room was and is."""
    paper.blank()
    paper.text("The room before and after", style=Style.HEADING)
    paper.table(comparison(take.before, take.after, take.stage.cast))
    paper.blank()


async def show_reading(take: Take, paper: Paper) -> None:
    """Write down what the new account's homeserver shows. Raises WentWrong."""
    paper.text("What the new account can read, asked of its own homeserver", style=Style.HEADING)
    messages = [entry for entry in take.entries if _is_message(entry)]
    expected = {entry.event["event_id"] for entry in messages if _is_later(entry, take)}
    there = await fetched(take.scene, expected)
    for entry in messages:
        _write_line(entry, take, paper, readable=entry.event["event_id"] in there)
    if there & {entry.event["event_id"] for entry in messages} != expected:
        raise WentWrong("The new account can read messages from before the history was opened.")


async def fetched(scene: Scene, event_ids: Collection[str]) -> set[str]:
    """All that the new account can read, once these are among it: its homeserver may take its time."""
    deadline = time.monotonic() + PATIENCE
    while True:
        there = {event["event_id"] for event in await scene.new.messages(scene.room)}
        if there.issuperset(event_ids):
            return there
        if time.monotonic() > deadline:
            raise WentWrong("The new account's homeserver did not fetch what it may read.")
        await asyncio.sleep(_PAUSE)


def _is_message(entry: Entry) -> bool:
    return entry.event["type"] == "m.room.message" and edit_of(entry.event) is None


def _is_later(entry: Entry, take: Take) -> bool:
    """Whether it was sent after the opening of the history, as the cards promise it."""
    opening = next(number for number, each in enumerate(take.entries) if each.event["type"] == HISTORY)
    return take.entries.index(entry) > opening


def _write_line(entry: Entry, take: Take, paper: Paper, *, readable: bool) -> None:
    name = take.stage.cast[entry.event["sender"]]
    widths = len("no   "), max(map(len, take.stage.cast.values())) + 2
    text = textwrap.shorten(entry.text, paper.width - sum(widths), placeholder=" …")
    style = Style.PLAIN if readable else Style.ASIDE
    margin = (("yes" if readable else "no", widths[0], Style.PLAIN), (name, widths[1], Style.NAME))
    paper.beside(margin, text, bar="", style=style)


def check_room(take: Take, *, touched: Collection[tuple[str, str]], level: int = 100) -> None:
    """That the new account is there with this level, and no other state than this was set.

    Raises WentWrong.
    """
    alice, new = take.stage.alice.user_id, take.stage.new.user_id
    wanted = {**take.before.levels, "users": {**take.before.levels["users"], new: level}}
    if take.after.levels != wanted or take.after.visibility != take.before.visibility:
        raise WentWrong("The room's settings are not what they should be after the move.")
    if take.after.memberships != {**take.before.memberships, new: "join"}:
        raise WentWrong(f"The members are not what they should be after the move of {alice}.")
    if state_set(take.before, take.after) != set(touched):
        raise WentWrong("Something in the room was set that the move had no need to set.")


async def tried(person: Person, method: str, path: str, content: object) -> str:
    """Whether somebody may do this, by doing it: "yes" or "no". Raises MatrixError when that is not why."""
    try:
        await person.api.request(method, path, content)
    except MatrixError as error:
        if error.errcode != "M_FORBIDDEN":
            raise
        return "no"
    return "yes"


def check_log(take: Take) -> None:
    """That the bot met no error. Raises WentWrong."""
    errors = [line for line in take.stage.bot.log_text().splitlines() if " ERROR " in line]
    if errors:
        raise WentWrong(f"The bot met an error: {errors[0]}")
