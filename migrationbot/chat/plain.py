# SPDX-License-Identifier: AGPL-3.0-or-later
"""Our own HTML as plain text, for the `body` of a message."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BLOCKS = frozenset({"p", "ul", "li"})
# A pill and the full ID beside it. IDs are shown without spaces.
_SAID_TWICE = re.compile(r"(?<!\S)(\S+) \(\1\)")


def plain_text(html: str) -> str:
    """The words of `html` with a line for each block, and a dash before each item.

    Where a pill is followed by its full ID, the plain text says the ID once.
    """
    parser = _Text()
    parser.feed(html)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.parts).split("\n"))
    return _SAID_TWICE.sub(r"\1", "\n".join(line for line in lines if line))


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")
        if tag == "li":
            self.parts.append("- ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data.replace("\n", " "))
