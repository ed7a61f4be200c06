# SPDX-License-Identifier: AGPL-3.0-or-later
"""What `make faults` came to, kept where the README's figures can be compared with it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from scripts.run import ROOT
from tests.support.kills import Survival

FILE = ROOT / "docs" / "faults.json"
NAMES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


@dataclass(kw_only=True)
class Figures:
    """How a run on one database went."""

    day: str
    part: str | None = None  # `--part` of the run; None: all of it
    only: str | None = None  # `--only` of the run
    minutes: int | None = None  # `--minutes` of the run
    cases: int = 0  # a fault at a request, all that there are
    tried: int = 0  # of these; of the others the request did not come, or they were not asked for
    failed: int = 0  # of these
    kills: int = 0  # at random moments
    migrations: int = 0  # over so many migrations
    wrong: int = 0  # things, after these

    @property
    def well(self) -> bool:
        """Whether nothing was wrong."""
        return not self.failed and not self.wrong

    def add(self, cases: int, tried: int, failed: int) -> None:
        """Add up how the cases of one course went."""
        self.cases += cases
        self.tried += tried
        self.failed += failed

    def survived(self, survival: Survival) -> None:
        """Note how the kills went."""
        self.kills, self.migrations = survival.kills, survival.migrations
        self.wrong = len(survival.wrong)


def keep(database: str, figures: Figures) -> None:
    """Keep the figures in place of those of an earlier run on the same database."""
    every = {name: asdict(each) for name, each in {**kept(), database: figures}.items()}
    FILE.write_text(json.dumps(every, indent=2) + "\n")


def kept() -> dict[str, Figures]:
    """The figures by database."""
    found = json.loads(FILE.read_text()) if FILE.exists() else {}
    return {database: Figures(**each) for database, each in found.items()}


def told(database: str, figures: Figures) -> str:
    """What the README says of it."""
    said = [f"{figures.tried:,} of {figures.cases:,} cases tried, {_wrong(figures.failed)}"]
    if figures.kills:
        said.append(f"{figures.kills} kills over {figures.migrations} migrations, {_wrong(figures.wrong)}")
    return f"- {NAMES[database]}, {figures.day}: {'; '.join(said)}."


def _wrong(count: int) -> str:
    return f"{count} of them wrong" if count else "nothing wrong after any"
