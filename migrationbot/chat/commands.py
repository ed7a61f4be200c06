# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people type: the raw content of a message becomes a command, or a refusal, or is none of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from .grammar import read
from .pills import linked_id, with_pills
from .wishes import Command

_QUOTES: Final = ("> <", "> * <")  # how the reply fallback for m.text and for m.emote begins
_DASHES: Final = ("\u2013", "\u2014")  # en and em dash: what phones make of two hyphens


def parse(content: Mapping[str, Any], *, command: str = "migrate") -> Command | None:
    """Read the raw content of an m.room.message, from anyone; `command` is the word after the `!`.

    None when it is none of ours: other words, another msgtype, an edit. Spec: client-server, m.text;
    m.replace. Raises Refused: USAGE, BAD_OPTION (both with `problem`, and `nearest` where a mistake is
    recognised), BAD_USER_ID, LOOKALIKE.
    """
    body = content.get("body")
    if content.get("msgtype") != "m.text" or not isinstance(body, str):
        return None
    starts = _starts(command)
    plain = _after_command(body, starts)
    if plain is None or _is_edit(content):
        return None
    formatted = _after_command(with_pills(content), starts)
    return read([_word(typed) for typed in (plain if formatted is None else formatted).split()])


def starts_command(body: str, command: str) -> bool:
    """Whether a message with this body may be a command: cheap, for every message that comes along."""
    return _after_command(body, _starts(command)) is not None


@lru_cache(maxsize=8)
def _starts(command: str) -> re.Pattern[str]:
    # Leading space is bounded, and letters are ASCII: no Kelvin sign passes for a k.
    return re.compile(rf"\s{{0,99}}(?ai:!{re.escape(command)})(?=\s|\Z)")


def _after_command(text: str, starts: re.Pattern[str]) -> str | None:
    """What follows the command; None when the text, without its reply fallback, starts otherwise.

    Spec v1.12: client-server, "Fallbacks for rich replies".
    """
    quote = ""
    if text.startswith(_QUOTES):
        quote, _, text = text.partition("\n\n")
    found = starts.match(text)
    # The lines are looked at last: few quotes are followed by a command.
    if found is None or (quote and not all(line.startswith(">") for line in quote.split("\n"))):
        return None
    return text[found.end() :]


def _is_edit(content: Mapping[str, Any]) -> bool:
    relation = content.get("m.relates_to")
    replaces = isinstance(relation, Mapping) and relation.get("rel_type") == "m.replace"
    return replaces or "m.new_content" in content


def _word(typed: str) -> str:
    """A typed word with what it means: a link is its room or account, a long dash is two hyphens."""
    if typed.startswith(_DASHES):
        return "--" + typed[1:]
    return linked_id(typed) or typed
