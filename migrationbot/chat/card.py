# SPDX-License-Identifier: AGPL-3.0-or-later
"""A message of the bot's: the same words for clients with HTML, without it, and for other programs."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from . import words
from .plain import plain_text
from .spot import HERE


@dataclass(frozen=True, kw_only=True)
class Card:
    """What is said, whom it pings, and its machine-readable fields."""

    html: str
    text: str  # the same for clients and screen readers without HTML
    fields: Mapping[str, Any]  # the value of "io.github.migrationbot"
    mentions: tuple[str, ...] = ()  # user IDs; only a message that asks them to act has any


_BETWEEN_BLOCKS = re.compile(r"\s*(</?(?:p|ul|li)>)\s*")


def _source(name: str) -> str:
    # Also from a packed plugin, which is no folder.
    found = pkgutil.get_data(__package__, f"templates/{name}")
    if found is None:
        raise FileNotFoundError(name)
    return found.decode()


_TEMPLATES = Environment(
    loader=FunctionLoader(_source),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters.update(
    level=words.level,
    moment=words.moment,
    instant=words.instant,
    spelled=words.spelled,
    server=words.server,
    link=words.link,
    link_part=words.link_part,
    room_known_to=words.room_known_to,
)


def render(
    template: str, *, fields: Mapping[str, Any], mentions: tuple[str, ...] = (), **values: object
) -> Card:
    """Fill a template. Every value is escaped there. Without a `spot` the card stands in the room itself.

    A placeholder without a value, and a sentence that is not there, is an error: jinja2.UndefinedError, or
    TypeError where the value goes through a filter.
    """
    html = " ".join(_TEMPLATES.get_template(template).render(**{"spot": HERE, **values}).split())
    html = _BETWEEN_BLOCKS.sub(r"\1", html)
    return Card(html=html, text=plain_text(html), fields={"v": 1, **fields}, mentions=mentions)
