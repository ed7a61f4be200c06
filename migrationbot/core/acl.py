# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which servers may take part in a room. Spec: client-server, m.room.server_acl."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

_PORT = re.compile(r":[0-9]+\Z")


@dataclass(frozen=True)
class ServerAcl:
    """The content of an m.room.server_acl, read. A room without that event has none: all may take part."""

    allow: tuple[str, ...]  # globs; whom none of them names is shut out
    deny: tuple[str, ...]  # globs; these win over `allow`
    allow_ip_literals: bool

    @classmethod
    def from_content(cls, content: Mapping[str, object]) -> ServerAcl:
        """Read raw content. What is malformed counts as absent, as in Synapse; no `allow` shuts all out."""
        ip_literals = content.get("allow_ip_literals")
        return cls(
            allow=_globs(content.get("allow")),
            deny=_globs(content.get("deny")),
            allow_ip_literals=ip_literals if isinstance(ip_literals, bool) else True,
        )

    def allows(self, server_name: str) -> bool:
        """Whether that server may take part; its port plays no role."""
        host = _PORT.sub("", server_name).lower()
        if not self.allow_ip_literals and _is_ip_literal(host):
            return False
        if any(_matches(glob.lower(), host) for glob in self.deny):
            return False
        return any(_matches(glob.lower(), host) for glob in self.allow)


def _globs(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list | tuple) else ()


def _is_ip_literal(host: str) -> bool:
    if host.startswith("["):
        return True
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _matches(glob: str, name: str) -> bool:
    """Whether the glob covers the whole name. Spec: appendices, "Glob-style matching".

    Anyone with the level for it writes the globs, so there is no regular expression to blow up: the pieces
    between the stars are looked for from left to right, each at its first place, and never again.
    """
    first, *pieces = glob.split("*")
    if not pieces:
        return len(glob) == len(name) and _stands_at(glob, name, 0)
    last = pieces.pop()
    end = len(name) - len(last)
    if len(first) > end or not (_stands_at(first, name, 0) and _stands_at(last, name, end)):
        return False
    position = len(first)
    for piece in filter(None, pieces):
        found = _find(piece, name, position, end)
        if found is None:
            return False
        position = found + len(piece)
    return True


def _find(piece: str, name: str, start: int, end: int) -> int | None:
    """The first place of the piece within `name[start:end]`."""
    places = range(start, end - len(piece) + 1)
    return next((place for place in places if _stands_at(piece, name, place)), None)


def _stands_at(piece: str, name: str, place: int) -> bool:
    """Whether the piece, in which `?` is any one character, stands in the name at that place."""
    if "?" not in piece:
        return name.startswith(piece, place)
    return all(wanted in ("?", found) for wanted, found in zip(piece, name[place:], strict=False))
