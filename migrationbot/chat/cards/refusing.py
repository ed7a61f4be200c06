# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is said where nothing begins: why not, and how to ask."""

from __future__ import annotations

from migrationbot.chat.card import Card, render
from migrationbot.chat.spot import HERE
from migrationbot.chat.spot import spot as spot_of
from migrationbot.core.errors import Refused


def refusal(refused: Refused, *, command: str) -> Card:
    """Why something was not done. The detail `away` is a room's ID, where another one than this is meant."""
    code = refused.code.value
    fields = {"card": "answer", "error": code}
    away = refused.details.get("away")
    where = spot_of(away, None, at="") if away else HERE
    return render(
        "refusal.html", fields=fields, spot=where, code=code, d=dict(refused.details), command=command
    )


def usage(*, command: str) -> Card:
    """The answer to a cry for help."""
    return render("help.html", fields={"card": "answer"}, command=command)
