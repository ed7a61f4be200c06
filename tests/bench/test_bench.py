# SPDX-License-Identifier: AGPL-3.0-or-later
"""`make bench` measures what it says: tried at a size that takes seconds."""

from __future__ import annotations

import subprocess
import sys

import pytest

from scripts.bench.figures import Figure, growth, table
from scripts.bench.meter import Exchange, asked_for, heard_of, own_share
from scripts.bench.noise import noise
from scripts.bench.start import start
from scripts.run import ROOT
from tests.support.homeserver import HomeserverPair

BENCH = (sys.executable, "-m", "scripts.bench")


async def test_noise_costs_no_request_no_query_and_next_to_no_time() -> None:
    figures = await noise(count=2000, rounds=3)
    assert [figure.target for figure in figures] == [30, 0]
    each, used = (figure.value for figure in figures)
    assert each is not None
    assert 0 < each < 300  # ten times what it may take: other tests are running, too
    assert used == 0


async def test_a_bot_that_starts_asks_little_and_nothing_about_idle_rooms(
    homeservers: HomeserverPair,
) -> None:
    figures = await start(rooms=5, open_ones=3, homeservers=homeservers)
    asked = {figure.what: figure.value for figure in figures if figure.benchmark == "Start"}
    assert len(asked) == 5
    assert all(figure.value is not None for figure in figures)  # memory among them: it was measured
    assert asked["requests about idle rooms"] == 0
    # So few share what each start asks for; and a busy machine lets the bot look twice.
    assert 0 < (asked["requests in all ÷ open migrations"] or 0) <= 40


def _exchange(label: str, came: float, answered: float, news: bytes = b"") -> Exchange:
    return Exchange(label=label, came=came, answered=answered, status=200, size=len(news), news=news)


def test_what_the_homeserver_takes_is_not_the_bots_share() -> None:
    told = [
        _exchange("GET /_matrix/client/v3/sync", 0, 10, b'{"event_id": "$yes"}'),
        _exchange("GET /_matrix/client/v3/sync", 10, 90),
        _exchange("GET /_matrix/client/v3/rooms/!r:a/state/m.room.create/", 11, 14),
        _exchange("GET /_matrix/client/v3/rooms/!r:a/event/$card", 12, 13),
        _exchange("GET /_matrix/client/v3/rooms/!r:a/event/$yes", 13, 16),
        _exchange("POST /_matrix/client/v3/rooms/!r:a/invite", 20, 30),
    ]
    since, until = heard_of(told, "$yes"), asked_for(told, "POST", "!r:a", "invite")
    assert (since, until) == (10, 20)
    assert (
        own_share(told, since, until) == 5
    )  # one second before the first answer was due, four after the last
    with pytest.raises(LookupError):
        heard_of(told, "$no")
    with pytest.raises(LookupError):
        asked_for(told, "PUT", "!r:a", "invite")


def test_a_table_tells_what_is_missed() -> None:
    figures = [
        Figure(benchmark="A", what="fast", value=10.004, unit="ms", target=10.5),
        Figure(benchmark="A", what="slow", value=12.5, unit="ms", target=10),
        Figure(benchmark="A", what="for the record", value=1234.5),
        Figure(benchmark="A", what="not there", value=None, target=1),
    ]
    assert [figure.missed for figure in figures] == [False, True, False, True]
    assert [row[2:] for row in table(figures)[1:]] == [
        ("10 ms", "≤ 10.5 ms", "met"),
        ("12.5 ms", "≤ 10 ms", "MISSED"),
        ("1234", "", ""),
        ("not measured", "≤ 1", "MISSED"),
    ]
    assert growth(100, 90) == pytest.approx(11.1, abs=0.1)


def test_a_benchmark_that_there_is_not() -> None:
    ended = subprocess.run((*BENCH, "opera"), cwd=ROOT, check=False, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "there is no opera; there is: noise, one-room" in ended.stderr
