# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files that are attached to cards: every room of a migration in many."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from migrationbot.core.community import Entry, Group, Prospect, group_of
from migrationbot.core.reasons import Reason
from migrationbot.core.report import Left

from . import words
from .card import render
from .spot import title

_COLUMNS = ("room", "room_id", "outcome", "reason", "level", "history", "left_to_do")
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # spreadsheets compute what begins so


@dataclass(frozen=True, kw_only=True)
class Row:
    """How one room ended. `entry.code` says why it was not even tried."""

    entry: Entry
    outcome: str  # an Outcome, or "not_tried"
    reason: Reason | None
    by: str = ""
    level: int | None = None  # of the new account, once it is there
    history: str | None = None  # a Reading, once it is there
    left: tuple[Left, ...] = ()


def as_csv(rows: Iterable[Row]) -> str:
    """The table. RFC 4180; no cell begins like a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        writer.writerow([_harmless(cell) for cell in _cells(row)])
    return out.getvalue()


def as_text(prospects: Sequence[Prospect]) -> str:
    """The list that a request card shortens."""
    headings = {
        Group.MOVES: "Will move",
        Group.NEEDS: "Needs someone else",
        Group.CANT: "Cannot move",
    }
    lines = []
    for group, heading in headings.items():
        found = [each for each in prospects if group_of(each) is group]
        if found:
            lines += [f"{heading}: {len(found)}", *(f"- {_line(each)}" for each in found), ""]
    return "\n".join(lines)


def phrase(source: str, name: str, **values: Any) -> str:
    """One phrase of a template, as plain text."""
    return render("phrase.html", fields={}, source=source, phrase=name, **values).text


def _line(prospect: Prospect) -> str:
    entry, plan = prospect.entry, prospect.plan
    named = (
        f"{title(entry.name)} ({words.spelled(entry.room_id)})"
        if entry.name
        else words.spelled(entry.room_id)
    )
    if entry.code is not None:
        return f"{named}: {phrase('cant.html', entry.code.value, d=entry.details)}"
    return f"{named}: {words.level(plan.level)}" if plan else named


def _cells(row: Row) -> tuple[str, ...]:
    if row.entry.code is not None:
        why = phrase("cant.html", row.entry.code.value, d=row.entry.details)
    else:
        why = phrase("many_endings.html", row.reason.value, by=row.by) if row.reason else ""
    return (
        title(row.entry.name),
        row.entry.room_id,
        row.outcome,
        why,
        "" if row.level is None else str(row.level),
        row.history or "",
        " ".join(phrase("leftover.html", each.value) for each in row.left),
    )


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULAS) else cell
