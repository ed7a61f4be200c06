# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bot answers to those who ask where an account has moved."""

from __future__ import annotations

from migrationbot.core.moved import Moved

from .card import Card, render


def moved(found: Moved, *, room_id: str | None) -> Card:
    """Where it has moved, and the events of that room that prove it; None when they are elsewhere."""
    return render(
        "moved.html",
        fields={
            "card": "answer",
            "migration": str(found.number),
            "old": found.old,
            "new": found.new,
            **({"proof": [found.command, *found.approvals, found.confirmation]} if room_id else {}),
        },
        number=found.number,
        old=found.old,
        new=found.new,
        room_id=room_id,
        command_event=found.command,
        approvals=found.approvals[:_MOST_LINKED],
        confirmation=found.confirmation,
    )


_MOST_LINKED = 3  # of those who agreed
