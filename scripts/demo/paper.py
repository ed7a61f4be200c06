# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where the demo writes: wrapped lines, coloured on a terminal. No colour says what the words don't."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TextIO

NARROWEST, WIDEST = 60, 110
WITHOUT_TERMINAL = 96  # columns, when nobody says how wide the paper is


class Style(Enum):
    """How a piece of text looks on a terminal; the values are ANSI's codes."""

    PLAIN = ""
    HEADING = "1"
    NAME = "1;36"  # of whoever speaks
    ASIDE = "2"  # what happens beside the talk


class Paper:
    """Writes to a stream, and keeps what it wrote without colours in `lines`."""

    def __init__(self, stream: TextIO, *, width: int, coloured: bool = False) -> None:
        self.width = width  # in columns
        self.lines: list[str] = []
        self._stream = stream
        self._coloured = coloured

    def text(self, text: str, *, style: Style = Style.PLAIN) -> None:
        """A paragraph."""
        for line in wrapped(text, self.width):
            self._put(((line, style),))

    def blank(self) -> None:
        """An empty line."""
        self._put(())

    def beside(
        self, margin: Sequence[tuple[str, int, Style]], text: str, *, bar: str, style: Style = Style.PLAIN
    ) -> None:
        """Text with columns to its left, each with its width; `bar` stands before every line of the text."""
        indent = sum(width for _, width, _ in margin)
        first = [(column.ljust(width), look) for column, width, look in margin]
        for line in wrapped(text, self.width - indent - len(bar)):
            self._put((*first, (bar + line, style)))
            first = [(" " * indent, Style.PLAIN)]

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Rows of cells below a heading. Columns are as wide as they have to be."""
        widths = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
        for number, row in enumerate(rows):
            line = "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self._put(((line, Style.PLAIN if number else Style.HEADING),))

    def _put(self, pieces: Sequence[tuple[str, Style]]) -> None:
        self.lines.append("".join(text for text, _ in pieces).rstrip())
        shown = "".join(map(self._painted, *zip(*pieces, strict=True))) if pieces else ""
        print(shown.rstrip(), file=self._stream, flush=True)

    def _painted(self, text: str, style: Style) -> str:
        return f"\x1b[{style.value}m{text}\x1b[0m" if self._coloured and style.value else text


def paper_for(stream: TextIO, environment: Mapping[str, str] = os.environ) -> Paper:
    """Paper that fits the stream. Colours only for people: on a terminal, and unless NO_COLOR is set."""
    if not stream.isatty():
        return Paper(stream, width=WITHOUT_TERMINAL)
    columns = shutil.get_terminal_size((WITHOUT_TERMINAL, 0)).columns
    coloured = not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
    return Paper(stream, width=max(NARROWEST, min(columns, WIDEST)), coloured=coloured)


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text. IDs are not torn, and what follows a dash is indented like its first line."""
    lines: list[str] = []
    for line in text.splitlines():
        indent = "  " if line.startswith("- ") else ""
        wrapper = textwrap.TextWrapper(
            width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        lines += wrapper.wrap(line) or [""]
    return lines
