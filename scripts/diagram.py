# SPDX-License-Identifier: AGPL-3.0-or-later
"""Writes the diagram of a room move's phases into docs/developers.md, from the table that the bot obeys.

`python -m scripts.diagram` rewrites it; a test compares the two.
"""

from __future__ import annotations

from pathlib import Path

from migrationbot.core.turns import TABLE

DOCUMENT = Path(__file__).parent.parent / "docs" / "developers.md"
BEGIN, END = "<!-- phases: made by scripts/diagram.py -->", "<!-- end of phases -->"


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> asking"]
    for phase, turns in TABLE.items():
        lines += [f"    {phase.value} --> {after.value}: {turn.value}" for turn, after in turns.items()]
        if not turns:
            lines.append(f"    {phase.value} --> [*]")
    return "\n".join([*lines, "```"])


def with_diagram(text: str) -> str:
    """The document with the diagram of now. Raises ValueError when it has no place for one."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"no {BEGIN} … {END} in the document")
    return f"{before}{BEGIN}\n{diagram()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_diagram(DOCUMENT.read_text()))
