# SPDX-License-Identifier: AGPL-3.0-or-later
"""The transcript's place in the README."""

from __future__ import annotations

from collections.abc import Iterable

BEGIN, END = "<!-- transcript: made by `make picture` -->", "<!-- end of transcript -->"


def with_transcript(text: str, lines: Iterable[str]) -> str:
    """The document with these lines as its transcript. Raises ValueError when it has no place for one."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"no {BEGIN} … {END} in the document")
    return "\n".join((f"{before}{BEGIN}", "```text", *lines, "```", f"{END}{after}"))
