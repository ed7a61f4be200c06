# SPDX-License-Identifier: AGPL-3.0-or-later
"""The diagram in the documents is that of the code."""

from __future__ import annotations

from scripts.diagram import DOCUMENT, with_diagram


def test_the_documented_phases_are_those_of_the_table() -> None:
    """`python -m scripts.diagram` brings it up to date."""
    text = DOCUMENT.read_text()
    assert with_diagram(text) == text
