# SPDX-License-Identifier: AGPL-3.0-or-later
"""When an account was last active, as a homeserver answers that may answer anything."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from migrationbot.matrix.activity import Activity
from migrationbot.matrix.api import Api

OLD = "@me:old.org"
LATEST = 2**53 - 1


class Pages:
    """A homeserver with these pages, one after the other."""

    def __init__(self, *pages: Mapping[str, Any]) -> None:
        self.pages = pages
        self.asked: list[str | None] = []

    async def get(self, _where: str, query: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        self.asked.append((query or {}).get("from"))
        return self.pages[min(len(self.asked), len(self.pages)) - 1]


def last_event(pages: Pages) -> int | None:
    return asyncio.run(Activity(cast(Api, pages)).last_event("!room:old.org", OLD))


def sent(at: object, sender: str = OLD) -> dict[str, Any]:
    return {"sender": sender, "origin_server_ts": at}


def test_the_latest_event_counts_and_no_further_page_is_read() -> None:
    pages = Pages({"chunk": [sent(7), sent(9)], "end": "t1"})
    assert last_event(pages) == 7
    assert pages.asked == [None]


def test_pages_whose_events_are_hidden_are_passed_over_but_not_without_end() -> None:
    pages = Pages({"chunk": [], "end": "t1"}, {"chunk": [sent(5)]})
    assert last_event(pages) == 5
    assert pages.asked == [None, "t1"]
    endless = Pages({"chunk": [], "end": "t1"})
    assert last_event(endless) is None
    assert len(endless.asked) == 5


@pytest.mark.parametrize("chunk", [None, "x", {}, [], [None, 7, "x", []], [sent(5, "@other:old.org")]])
def test_where_nothing_of_it_is_shown_nothing_is_known(chunk: object) -> None:
    assert last_event(Pages({"chunk": chunk})) is None


@pytest.mark.parametrize("at", [None, "7", True, -1, 2**53, 2**80, 7.5])
def test_by_a_time_that_cannot_be_true_nobody_seems_silent(at: object) -> None:
    assert last_event(Pages({"chunk": [sent(at)]})) == LATEST


@pytest.mark.parametrize(("joined", "there"), [({OLD: {}}, {OLD}), (None, set()), ([OLD], set())])
def test_who_is_there(joined: object, there: set[str]) -> None:
    pages = Pages({"joined": joined})
    assert asyncio.run(Activity(cast(Api, pages)).joined("!room:old.org")) == there
