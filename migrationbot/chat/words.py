# SPDX-License-Identifier: AGPL-3.0-or-later
"""How levels, times and identifiers are put into words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from string import ascii_letters, digits, punctuation
from urllib.parse import quote

from migrationbot.core.ids import server_of
from migrationbot.core.power import CREATOR

_NAMED_LEVELS = {100: "admin", 50: "moderator", 0: "member"}
_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
_SHOWN_AS_IT_IS = (ascii_letters + digits + punctuation).replace("%", "")


def level(value: int) -> str:
    """A power level, with the name that clients give it."""
    if value >= CREATOR:
        return "the unlimited level of a creator"
    name = _NAMED_LEVELS.get(value)
    return f"level {value} ({name})" if name else f"level {value}"


def instant(at: int) -> str:
    """A time with its zone; `at` in milliseconds since the epoch."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def moment(at: int, now: int) -> str:
    """A time with its zone and how far off it is; both in milliseconds since the epoch."""
    away = duration(abs(at - now))
    return f"{instant(at)} ({'in ' + away if at >= now else away + ' ago'})"


def duration(length: int) -> str:
    """A length of time in its largest sensible unit; `length` in milliseconds."""
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        # From two units on, or when it is exact: "36 hours" says more than "1 day".
        if length >= 2 * unit or length == unit:
            count = round(length / unit)
            return f"{count} {name}{'s' if count != 1 else ''}"
    return "a minute" if length >= _MINUTE else "less than a minute"


def spelled(identifier: str) -> str:
    """A user ID or another identifier from a room, in full: what is not plain ASCII is percent-encoded.

    Historical user IDs hold nearly anything; so no space, hidden or lookalike character goes unseen.
    Spec: appendices, "Historical User IDs". `unquote` gives the identifier back.
    """
    return quote(identifier, safe=_SHOWN_AS_IT_IS, errors="surrogatepass")


def server(user_id: str) -> str:
    """The server name of a user ID."""
    return spelled(server_of(user_id))


def room_link(room_id: str, servers: Sequence[str]) -> str:
    """The matrix.to address of a room, with servers that know it. Spec: appendices, "Routing"."""
    query = "&".join(f"via={quote(name, safe=':', errors='surrogatepass')}" for name in servers)
    return f"{link(room_id)}?{query}"


def link_part(event_id: str) -> str:
    """An event ID as it follows a room in a matrix.to address. Spec: appendices, "matrix.to navigation"."""
    return quote(event_id, safe="", errors="surrogatepass")


def room_known_to(room_id: str, user_id: str) -> str:
    """The matrix.to address of a room in which this account is."""
    return room_link(room_id, (server_of(user_id),))


def link(identifier: str) -> str:
    """The matrix.to address of a user ID, room ID or alias. Spec: appendices, "matrix.to navigation"."""
    return "https://matrix.to/#/" + quote(identifier, safe="@:!#", errors="surrogatepass")
