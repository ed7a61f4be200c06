# SPDX-License-Identifier: AGPL-3.0-or-later
"""Mentions of accounts and rooms in formatted text: the ID in place of the name that is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import unquote

_LONGEST_HTML: Final = 65_536  # characters
_MOST_TAGS: Final = 500
# A whole tag, plainly written. html.parser takes half a minute for 64 KiB of broken ones.
_TAG = re.compile(
    r"""</?[a-z][a-z0-9-]*+(?:\s++[^\s"'<>/=]++(?:=(?:"[^"<>]*+"|'[^'<>]*+'|[^\s"'<>=]++))?+)*+\s*+/?>""",
    re.IGNORECASE,
)
_BLOCKS: Final = frozenset({"blockquote", "br", "div", "li", "ol", "p", "pre", "ul"})  # they end a word
_MATRIX_TO: Final = "https://matrix.to/#/"
_MATRIX_URI: Final = "matrix:"
_SIGILS: Final = {"u": "@", "r": "#", "roomid": "!"}  # by the first segment of a matrix: URI


class _PillReader(HTMLParser):
    """The text of a formatted body, with the ID in place of each pill's text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.pills = 0
        self.hidden_by = ""  # the tag up to whose end the text does not count

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.hidden_by:
            return
        href = next((url for name, url in attrs if name == "href" and url), "")
        linked = linked_id(href) if tag == "a" else None
        if linked:
            self.parts.append(linked)
            self.pills += 1
        if linked or tag == "mx-reply":
            self.hidden_by = tag
        self._break_at(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == self.hidden_by:
            self.hidden_by = ""
        self._break_at(tag)

    def handle_data(self, data: str) -> None:
        if not self.hidden_by:
            self.parts.append(data)

    def _break_at(self, tag: str) -> None:
        if tag in _BLOCKS and not self.hidden_by:
            self.parts.append("\n")


def with_pills(content: Mapping[str, Any]) -> str:
    """The formatted body's text with IDs for pills; empty when it has none, or is broken or outsize."""
    html = content.get("formatted_body")
    if content.get("format") != "org.matrix.custom.html" or not isinstance(html, str):
        return ""
    tags = html.count("<")
    if tags > _MOST_TAGS or len(html) > _LONGEST_HTML or len(_TAG.findall(html)) != tags:
        return ""
    reader = _PillReader()
    try:
        reader.feed(html)
        reader.close()
    except ValueError:  # a character reference of more than 4,300 digits
        return ""
    # A link left open hides what the plain body shows after it, an option perhaps.
    return "".join(reader.parts) if reader.pills and not reader.hidden_by else ""


def linked_id(url: str) -> str | None:
    """The user ID, alias or room ID that a link names; None when it names none. Spec: appendices, "URIs"."""
    if url[: len(_MATRIX_TO)].lower() == _MATRIX_TO:
        linked = _named_in_fragment(url[len(_MATRIX_TO) :].partition("?")[0])
    elif url[: len(_MATRIX_URI)].lower() == _MATRIX_URI:
        linked = _named_in_path(re.split("[?#]", url[len(_MATRIX_URI) :], maxsplit=1)[0])
    else:
        return None
    # Space inside an ID would smuggle words into the command that nobody sees.
    return linked if linked.startswith(("@", "#", "!")) and linked.split() == [linked] else None


def _named_in_fragment(fragment: str) -> str:
    """From a matrix.to link. One to an event names its room, too."""
    linked = _decoded(fragment)
    return linked if linked.startswith("@") else linked.partition("/$")[0]


def _named_in_path(path: str) -> str:
    """From a matrix: URI. MSC2312."""
    kind, _, rest = path.partition("/")
    name = rest if kind == "u" else rest.partition("/e/")[0]
    return _SIGILS[kind] + _decoded(name) if kind in _SIGILS and "/" not in name else ""


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return ""
