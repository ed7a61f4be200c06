# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a benchmark measured, and what it may come to at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_FINE = 100  # from here on, decimals say nothing


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number: a ratio, a count, or a time that the bot itself takes."""

    benchmark: str
    what: str
    value: float | None  # None: it could not be measured, and `what` says why
    unit: str = ""
    target: float | None = None  # at most; None: shown, not judged

    @property
    def missed(self) -> bool:
        """Whether it is above its target, or has one and was not measured."""
        return self.target is not None and (self.value is None or self.value > self.target)

    def row(self) -> tuple[str, ...]:
        """Its line of the table."""
        verdict = "" if self.target is None else "MISSED" if self.missed else "met"
        target = "" if self.target is None else f"≤ {number(self.target)} {self.unit}".rstrip()
        value = "not measured" if self.value is None else f"{number(self.value)} {self.unit}".rstrip()
        return self.benchmark, self.what, value, target, verdict


def table(figures: Sequence[Figure]) -> list[tuple[str, ...]]:
    """The heading, and a line for each figure."""
    return [("benchmark", "figure", "measured", "target", ""), *(figure.row() for figure in figures)]


def number(value: float) -> str:
    """As many digits as mean something."""
    if value == int(value) or abs(value) >= _FINE:
        return f"{value:.0f}"
    return f"{value:.2f}".rstrip("0").rstrip(".")


def growth(small: float, large: float) -> float:
    """By how many percent two numbers differ, measured by the smaller one."""
    return (max(small, large) / min(small, large) - 1) * 100
