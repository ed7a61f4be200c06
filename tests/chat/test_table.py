# SPDX-License-Identifier: AGPL-3.0-or-later
"""The table of every room: correct CSV that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrationbot.chat.table import Row, as_csv, as_text
from migrationbot.core.community import Entry, Prospect
from migrationbot.core.errors import Code
from migrationbot.core.reasons import Reason
from migrationbot.core.report import Left
from tests.chat.builders import CAST


def rows(text: str) -> list[dict[str, str]]:
    """The table as a reader of CSV sees it."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def named(name: str) -> Row:
    """A room that is called so."""
    return Row(entry=Entry(room_id="!a:old.org", name=name), outcome="done", reason=Reason.ARRIVED)


def test_each_room_has_its_row() -> None:
    done = Row(
        entry=Entry(room_id="!a:old.org", name='The "big", old garden'),
        outcome="done",
        reason=Reason.ARRIVED,
        level=100,
        history="as_member",
        left=(Left.OLD_KEEPS_PLACE, Left.RAISE_LEVEL),
    )
    details = {"room": "!b:old.org", "bot": CAST.bot}
    not_tried = Entry(room_id="!b:old.org", code=Code.BOT_NOT_JOINED, details=details)
    first, second, third = rows(
        as_csv([done, Row(entry=not_tried, outcome="not_tried", reason=None), _without_reason()])
    )
    assert first["room"] == 'The "big", old garden'
    assert (first["room_id"], first["outcome"], first["reason"]) == ("!a:old.org", "done", "moved")
    assert (first["level"], first["history"]) == ("100", "as_member")
    assert "keeps its place" in first["left_to_do"]
    assert "raise it" in first["left_to_do"]
    assert (second["outcome"], second["level"]) == ("not_tried", "")
    assert "/invite" in second["reason"]
    assert third["reason"] == ""


def _without_reason() -> Row:
    return Row(entry=Entry(room_id="!c:old.org"), outcome="not_tried", reason=None)


def test_lines_end_as_rfc_4180_says() -> None:
    text = as_csv([named("Garden")])
    assert text.count("\r\n") == 2
    assert text.replace("\r\n", "").count("\n") == 0


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("x")'])
def test_what_a_spreadsheet_would_compute_is_text(name: str) -> None:
    assert rows(as_csv([named(name)]))[0]["room"] == f"'{name}"


@given(st.text(max_size=80))
def test_whatever_a_room_is_called_its_row_stays_one_row_and_harmless(name: str) -> None:
    (row,) = rows(as_csv([named(name)]))
    assert not row["room"].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert row["room_id"] == "!a:old.org"


def test_the_list_names_a_room_without_a_name_by_its_id() -> None:
    assert as_text([Prospect(entry=Entry(room_id="!a:old.org"))]) == "Will move: 1\n- !a:old.org\n"
