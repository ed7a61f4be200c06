# SPDX-License-Identifier: AGPL-3.0-or-later
"""The HTML of a message, built anew from the few elements that the bot's cards use; all else is text."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from html.parser import HTMLParser
from urllib.parse import unquote

from markupsafe import Markup

_KEPT = frozenset({"p", "ul", "li", "strong", "code"})
_MATRIX_TO = "https://matrix.to/#/"


def clean(html: str, cast: Mapping[str, str]) -> Markup:
    """Safe HTML: no attribute of the original's is in it. `cast`: display names by user ID.

    A link to a user is shown as clients show it, a pill with the display name.
    """
    builder = _Builder(cast)
    builder.feed(html)
    builder.close()
    return Markup("".join(builder.parts))  # noqa: S704 (everything in it was escaped, or is our own)


class _Builder(HTMLParser):
    def __init__(self, cast: Mapping[str, str]) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._cast = cast
        self._pill: str | None = None  # the display name that stands for the text of the link

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _KEPT:
            self.parts.append(f"<{tag}>")
        if tag == "a":
            address = dict(attrs).get("href") or ""
            self._pill = self._cast.get(unquote(address.removeprefix(_MATRIX_TO)))

    def handle_endtag(self, tag: str) -> None:
        if tag in _KEPT:
            self.parts.append(f"</{tag}>")
        if tag == "a" and self._pill is not None:
            self.parts.append(f'<span class="pill">{escape(self._pill)}</span>')
            self._pill = None

    def handle_data(self, data: str) -> None:
        if self._pill is None:
            self.parts.append(escape(data))
