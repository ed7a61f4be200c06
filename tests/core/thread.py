# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people say about a move, and what of it stands."""

from __future__ import annotations

from dataclasses import dataclass, field

from migrationbot.core.approval import Answer, Evidence, Reaction


@dataclass
class Thread:
    """The command, the two cards, and the reactions under them."""

    command: bool = True
    card: bool = True
    confirm: bool = True
    cancelled_by: str = ""
    answers: set[tuple[str, str, Answer]] = field(default_factory=set)  # the card, who, what

    def evidence(self) -> Evidence:
        """What the homeserver shows of it."""
        return Evidence(
            command_stands=self.command,
            cancelled_by=self.cancelled_by,
            card_stands=self.card,
            reactions=self._under("request"),
            confirm_stands=self.confirm,
            confirmations=self._under("confirm"),
        )

    def _under(self, card: str) -> tuple[Reaction, ...]:
        found = sorted((who, what.value) for on, who, what in self.answers if on == card)
        return tuple(Reaction(event_id=f"${who}{key}", sender=who, answer=Answer(key)) for who, key in found)
