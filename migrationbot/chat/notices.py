# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bot says that belongs to no migration: its greeting, and what its operators ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from migrationbot.core.ability import USUAL
from migrationbot.core.errors import Code
from migrationbot.core.move import Phase
from migrationbot.core.reasons import Outcome, Reason

from .card import Card, render

MOST_SHOWN = 20  # open moves in one answer

_FIELDS = {"card": "answer"}


@dataclass(frozen=True, kw_only=True)
class Paused:
    """By whom and since when the bot is paused."""

    by: str  # a user ID
    at: int  # milliseconds since the epoch


@dataclass(frozen=True, kw_only=True)
class Stats:
    """Counts for an operator."""

    open: int  # migrations that have not ended
    moves: Mapping[Phase, int]  # room moves that have not ended
    ended: Mapping[Outcome, int]  # room moves, over all time
    limited: int  # answers 429 since the start
    may_send_at: int  # milliseconds since the epoch: the homeserver takes nothing before
    since: int  # milliseconds since the epoch: when the bot was started
    paused: Paused | None


@dataclass(frozen=True, kw_only=True)
class OpenMove:
    """An open move, for an operator."""

    number: int  # the migration's
    old: str
    new: str
    room_id: str
    phase: Phase
    reason: Reason | None  # what it waits for; None while the bot is at work on it
    until: int  # milliseconds since the epoch: it waits no longer


def greeting(*, command: str, bot: str, able: bool) -> Card:
    """What the bot says when it comes into a room; `able`: it has the level that it needs there already."""
    return render("greeting.html", fields=_FIELDS, command=command, bot=bot, able=able, level=USUAL)


def stats(found: Stats, *, now: int) -> Card:
    """`operator stats`."""
    return render(
        "operator_stats.html",
        fields=_FIELDS,
        found=found,
        now=now,
        moves=[(phase.value, found.moves[phase]) for phase in Phase if found.moves.get(phase)],
        ended=[(outcome.value, found.ended[outcome]) for outcome in Outcome if found.ended.get(outcome)],
    )


def open_moves(moves: Sequence[OpenMove], *, more: int, paused: Paused | None, now: int) -> Card:
    """`operator open`: the first ones, and how many more there are."""
    return render("operator_open.html", fields=_FIELDS, moves=moves, more=more, paused=paused, now=now)


def paused(pause: Paused, *, open_count: int, command: str, now: int) -> Card:
    """`operator pause`."""
    return render(
        "operator_paused.html", fields=_FIELDS, paused=pause, open_count=open_count, command=command, now=now
    )


def resumed(*, was: Paused | None, open_count: int, now: int) -> Card:
    """`operator resume`."""
    return render("operator_resumed.html", fields=_FIELDS, paused=was, open_count=open_count, now=now)


def not_for_you(*, is_operator: bool) -> Card:
    """The answer to somebody who is no operator, or to an operator where others read along."""
    fields = {**_FIELDS, "error": Code.NOT_YOURS.value}
    return render("operator_refused.html", fields=fields, is_operator=is_operator)
