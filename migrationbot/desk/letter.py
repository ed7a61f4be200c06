# SPDX-License-Identifier: AGPL-3.0-or-later
"""A message that may be a command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from migrationbot.matrix.rooms import Message


@dataclass(frozen=True, kw_only=True)
class Letter:
    """The message, with where the answer goes."""

    room_id: str
    message: Message

    @property
    def thread_root(self) -> str:
        """The thread that it stands in, or itself. A root must not carry a relation of its own."""
        relation: Any = self.message.content.get("m.relates_to")
        if isinstance(relation, dict) and relation.get("rel_type") == "m.thread":
            root = relation.get("event_id")
            if isinstance(root, str):
                return root
        return self.message.event_id

    @property
    def sender(self) -> str:
        """Who wrote it."""
        return self.message.sender
