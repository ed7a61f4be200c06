# SPDX-License-Identifier: AGPL-3.0-or-later
"""What has been counted since the plugin started, for Prometheus.

A stock maubot has no prometheus_client: then nothing is counted, and everything else works.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mautrix.util import opt_prometheus

from migrationbot.core.errors import Code
from migrationbot.core.move import Phase
from migrationbot.core.reasons import Outcome, Reason
from migrationbot.core.steps import Step
from migrationbot.store.census import Census

# A migration takes seconds when everybody is there, and a week when nobody hurries.
_SECONDS = (5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 86400, 3 * 86400, 7 * 86400, 14 * 86400)

prometheus: Any = opt_prometheus  # its stub knows neither registries nor `is_installed`
# None without prometheus_client.
_library: Any = importlib.import_module("prometheus_client") if prometheus.is_installed else None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What is so at the moment of looking."""

    census: Census
    waits: Iterable[Reason]  # why each open move waits that does
    pause: float  # seconds for which the homeserver has told the bot to send nothing


class Metrics:
    """Counters of one plugin instance. Each has a registry of its own: two in one maubot are apart."""

    def __init__(self) -> None:
        self._registry = _library.CollectorRegistry() if _library else None
        here = {"registry": self._registry}
        self._acts = prometheus.Counter("migrationbot_acts", "Steps that were done.", ["step"], **here)
        self._waits = prometheus.Counter("migrationbot_waits", "Waits that moves began.", ["reason"], **here)
        self._refusals = prometheus.Counter("migrationbot_refusals", "Refused commands.", ["code"], **here)
        self._ended = prometheus.Counter("migrationbot_ended", "Migrations that ended.", ["outcome"], **here)
        self._limited = prometheus.Counter("migrationbot_rate_limited", "Answers 429 to the bot.", **here)
        self._duration = prometheus.Histogram(
            "migrationbot_duration_seconds", "From the request to the summary.", buckets=_SECONDS, **here
        )
        self._open = prometheus.Gauge("migrationbot_open", "Migrations that have not ended.", **here)
        self._moves = prometheus.Gauge("migrationbot_open_moves", "Room moves now.", ["state"], **here)
        self._waiting = prometheus.Gauge(
            "migrationbot_waiting_moves", "Room moves that wait now.", ["reason"], **here
        )
        self._paused = prometheus.Gauge("migrationbot_paused", "1 while an operator has it paused.", **here)
        self._pause = prometheus.Gauge(
            "migrationbot_send_pause_seconds", "Seconds until the homeserver takes the next event.", **here
        )
        self._begin_at_zero()

    def act(self, step: Step) -> None:
        """A step was done."""
        self._acts.labels(step.value).inc()

    def wait(self, reason: Reason) -> None:
        """A move has begun to wait."""
        self._waits.labels(reason.value).inc()

    def refused(self, code: str) -> None:
        """A command was refused; `code` is the value of a Code."""
        self._refusals.labels(code).inc()

    def limited(self) -> None:
        """The homeserver answered 429."""
        self._limited.inc()

    def ended(self, outcome: Outcome, seconds: float) -> None:
        """A migration has ended, so long after it was asked for."""
        self._ended.labels(outcome.value).inc()
        self._duration.observe(seconds)

    def exposition(self, now: Reading) -> tuple[bytes, str] | None:
        """All of it in Prometheus's text format, with the content type; None without prometheus_client."""
        if _library is None:
            return None
        self._open.set(now.census.open)
        self._paused.set(now.census.paused)
        self._pause.set(now.pause)
        for phase in Phase:
            self._moves.labels(phase.value).set(now.census.moves.get(phase, 0))
        waits = Counter(now.waits)
        for reason in Reason:
            self._waiting.labels(reason.value).set(waits[reason])
        return _library.generate_latest(self._registry), _library.CONTENT_TYPE_LATEST

    def _begin_at_zero(self) -> None:
        """A counter that is not there before it first counts hides its first increase from `rate`."""
        for step in Step:
            self._acts.labels(step.value)
        for reason in Reason:
            self._waits.labels(reason.value)
        for code in Code:
            self._refusals.labels(code.value)
        for outcome in Outcome:
            self._ended.labels(outcome.value)
