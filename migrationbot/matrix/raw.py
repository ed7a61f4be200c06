# SPDX-License-Identifier: AGPL-3.0-or-later
"""Raw JSON that anybody may have made: each reader gives what it promises, whatever is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_LONGEST_ID = 255  # spec: client-server appendices, identifier grammar.
_LATEST = 2**53  # milliseconds: what a float still holds exactly. Spec: appendices, canonical JSON.
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")  # no database takes them, and no URL


def as_dict(value: object) -> dict[str, Any]:
    """An object; empty when it is none."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """An array; empty when it is none."""
    return value if isinstance(value, list) else []


def as_token(value: object) -> str:
    """A name that is given back as it came, of any length; empty when it is none."""
    return value if isinstance(value, str) and not _UNWRITABLE.search(value) else ""


def as_id(value: object) -> str:
    """An ID of anything; empty when nothing can have it."""
    name = as_token(value)
    return name if len(name) <= _LONGEST_ID else ""


def rooms_in(section: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rooms in a section of a sync, by their IDs. Spec: client-server, GET /sync."""
    for room_id, room in as_dict(section).items():
        if as_id(room_id):
            yield room_id, as_dict(room)


def as_time(value: object) -> int:
    """Milliseconds since the epoch; 0 when it is no number that a clock shows."""
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return value if 0 <= value < _LATEST else 0
