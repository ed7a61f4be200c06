# SPDX-License-Identifier: AGPL-3.0-or-later
"""A message that may be a command."""

from __future__ import annotations

from dataclasses import dataclass

from migrationbot.matrix.raw import as_dict, as_id
from migrationbot.matrix.rooms import Message


@dataclass(frozen=True, kw_only=True)
class Letter:
    """The message, with where the answer goes."""

    room_id: str
    message: Message

    @property
    def thread_root(self) -> str:
        """The thread that it stands in, or itself. A root must not carry a relation of its own."""
        relation = as_dict(self.message.content.get("m.relates_to"))
        root = as_id(relation.get("event_id")) if relation.get("rel_type") == "m.thread" else ""
        return root or self.message.event_id

    @property
    def sender(self) -> str:
        """Who wrote it."""
        return self.message.sender
