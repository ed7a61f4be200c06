# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who is who, and how to read what follows."""

from __future__ import annotations

from scripts.demo.paper import Paper, Style
from scripts.demo.stage import Stage

ROOM_NAME = "Reading group"


def programme(stage: Stage, paper: Paper) -> None:
    """Write it down."""
    old, new = stage.homeservers.old.server_name, stage.homeservers.new.server_name
    roles = {
        stage.alice.user_id: "the old account, an admin (level 100)",
        stage.new.user_id: "her account on the other homeserver",
        stage.carol.user_id: "an admin (level 100)",
        stage.dave.user_id: "a member",
        stage.bot.user_id: "the bot",
    }
    paper.text(
        f"Alice moves from the homeserver {old} to {new}, in the room “{ROOM_NAME}”. "
        "The room hides its history from newcomers (history visibility: joined)."
    )
    paper.blank()
    paper.table([("who", "user ID", ""), *((stage.cast[user], user, role) for user, role in roles.items())])
    paper.blank()
    paper.text("│ is said in the thread of the command; * is not said, but done. Times are UTC.")
    paper.blank()
    paper.text("What happens", style=Style.HEADING)
