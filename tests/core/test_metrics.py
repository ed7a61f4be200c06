# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is counted, with prometheus_client and without, and the pulse."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import cast

import pytest
from mautrix.util import opt_prometheus
from prometheus_client.parser import text_string_to_metric_families

from migrationbot.core.errors import Code
from migrationbot.core.move import Phase
from migrationbot.core.reasons import Outcome, Reason
from migrationbot.core.steps import Step
from migrationbot.store.census import Census, Counting
from migrationbot.store.database import StoreDown
from migrationbot.upkeep import health, metrics
from migrationbot.upkeep.health import Health
from migrationbot.upkeep.metrics import Metrics, Reading

CENSUS = Census(open=2, moves={Phase.ASKING: 1, Phase.BLOCKED: 2}, paused=True)
READING = Reading(census=CENSUS, waits=[Reason.JOIN, Reason.JOIN, Reason.APPROVAL], pause=1.5)
Samples = dict[tuple[str, str], float]  # by name and the only label's value


def samples(counted: Metrics) -> Samples:
    """What Prometheus would read."""
    exposed = counted.exposition(READING)
    assert exposed is not None
    text, content_type = exposed
    assert content_type.startswith("text/plain")
    families = text_string_to_metric_families(text.decode())
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in families
        for sample in family.samples
    }


def test_what_happened_is_counted() -> None:
    counted = Metrics()
    counted.act(Step.INVITE)
    counted.act(Step.INVITE)
    counted.wait(Reason.JOIN)
    counted.refused(Code.SAME_ACCOUNT.value)
    counted.limited()
    counted.ended(Outcome.DONE, 20.0)
    found = samples(counted)
    assert found["migrationbot_acts_total", "invite"] == 2
    assert found["migrationbot_waits_total", "join"] == 1
    assert found["migrationbot_refusals_total", "same_account"] == 1
    assert found["migrationbot_rate_limited_total", ""] == 1
    assert found["migrationbot_ended_total", "done"] == 1
    assert found["migrationbot_duration_seconds_sum", ""] == 20.0
    assert found["migrationbot_duration_seconds_bucket", "15.0"] == 0
    assert found["migrationbot_duration_seconds_bucket", "60.0"] == 1


def test_what_is_so_now_is_shown() -> None:
    found = samples(Metrics())
    assert found["migrationbot_open", ""] == 2
    assert [found["migrationbot_open_moves", phase.value] for phase in Phase] == [1, 0, 2, 0, 0]
    assert found["migrationbot_waiting_moves", "join"] == 2
    assert found["migrationbot_waiting_moves", "confirm"] == 0
    assert found["migrationbot_paused", ""] == 1
    assert found["migrationbot_send_pause_seconds", ""] == 1.5


def test_nothing_counted_is_a_zero_and_not_an_absence() -> None:
    found = samples(Metrics())
    for name, kind in (("acts", Step), ("waits", Reason), ("refusals", Code), ("ended", Outcome)):
        assert all(found[f"migrationbot_{name}_total", each.value] == 0 for each in kind)


def test_two_instances_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.act(Step.INVITE)
    assert samples(other)["migrationbot_acts_total", "invite"] == 0


@pytest.fixture
def without_prometheus(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module as a stock maubot loads it."""
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "prometheus_client", None)
        importlib.reload(opt_prometheus)
        yield importlib.reload(metrics)
    importlib.reload(opt_prometheus)
    importlib.reload(metrics)


def test_without_prometheus_everything_works_but_nothing_is_shown(without_prometheus: ModuleType) -> None:
    counted = without_prometheus.Metrics()
    counted.act(Step.INVITE)
    counted.wait(Reason.JOIN)
    counted.refused("usage")
    counted.limited()
    counted.ended(Outcome.DONE, 20.0)
    assert counted.exposition(READING) is None


class Clock:
    """A time that tests set."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        """The time."""
        return self.seconds


class Database:
    """Counts, unless it is down or hangs."""

    def __init__(self) -> None:
        self.asked = 0
        self.down = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def now(self) -> Census:
        """What is open."""
        self.asked += 1
        await self.answers.wait()
        if self.down:
            raise StoreDown
        return CENSUS


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that the health looks at."""
    made = Clock()
    monkeypatch.setattr(health, "time", made)
    return made


async def test_a_bot_that_hears_and_remembers_is_well(clock: Clock) -> None:
    part = Health(cast(Counting, Database()))
    assert (await part.now()).ok  # it was started a moment ago
    assert (await part.now()).since_sync is None
    part.synced()
    clock.seconds += 30
    state = await part.now()
    assert state.ok
    assert state.since_sync == 30
    assert state.census == CENSUS


async def test_a_bot_that_has_not_heard_for_long_is_not_well(clock: Clock) -> None:
    part = Health(cast(Counting, Database()))
    clock.seconds += 121
    assert not (await part.now()).ok
    part.synced()
    assert (await part.now()).ok
    clock.seconds += 121
    assert not (await part.now()).ok


async def test_a_bot_whose_database_fails_is_not_well(clock: Clock) -> None:
    database = Database()
    part = Health(cast(Counting, database))
    database.down = True
    state = await part.now()
    assert not state.ok
    assert state.census is None
    database.down = False
    clock.seconds += 1
    assert (await part.now()).ok


@pytest.mark.usefixtures("clock")
async def test_a_database_that_hangs_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_DATABASE_PATIENCE", 0.01)
    database = Database()
    part = Health(cast(Counting, database))
    database.answers.clear()
    assert not (await part.now()).ok
    assert not (await part.now()).ok
    assert database.asked == 1
    database.answers.set()
    assert (await part.now()).ok
    database.answers.clear()
    assert not (await part.now()).ok
    await part.stop()
