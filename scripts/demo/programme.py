# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who is who, and how to read what follows."""

from __future__ import annotations

from scripts.demo.paper import Paper, Style
from scripts.demo.script import Script
from scripts.demo.stage import Stage


def programme(script: Script, stage: Stage, paper: Paper) -> None:
    """Write it down."""
    old, new = stage.homeservers.old.server_name, stage.homeservers.new.server_name
    paper.text(script.opening.format(old=old, new=new, room=script.setting.name))
    paper.blank()
    rows = [(stage.cast[user], user, script.roles[role]) for role, user in stage.roles.items()]
    paper.table([("who", "user ID", ""), *rows])
    paper.blank()
    legend = (
        "│ is said in the thread of the command; * is not said, but done.",
        script.legend,
        "Times are UTC.",
    )
    paper.text(" ".join(filter(None, legend)))
    paper.blank()
    paper.text("What happens", style=Style.HEADING)
