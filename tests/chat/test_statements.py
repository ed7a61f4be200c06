# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a message answers to a request, as it stands now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from migrationbot.core.approval import Answer
from migrationbot.matrix.rooms import Message
from migrationbot.moves.statements import answer_in


def message(body: str, **changes: Any) -> Message:
    """Somebody's message."""
    said = Message(
        event_id="$said",
        type="m.room.message",
        sender="@carol:old.org",
        content={"msgtype": "m.text", "body": body},
        redacted=False,
        edited_by=None,
        sent_at=0,
    )
    return replace(said, **changes)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("!migrate approve 7", Answer.YES),
        ("!migrate approve", Answer.YES),
        ("!migrate refuse #7", Answer.NO),
        ("!MIGRATE Refuse", Answer.NO),
        ("!migrate approve 8", None),
        ("!migrate approve 7 8", None),
        ("!migrate aprove 7", None),
        ("!migrate status 7", None),
        ("!move approve 7", None),
        ("approve 7", None),
    ],
)
def test_only_the_command_itself_answers(body: str, answer: Answer | None) -> None:
    assert answer_in(message(body), 7, command="migrate") is answer


@pytest.mark.parametrize(
    "changes",
    [
        {"redacted": True},
        {"edited_by": "$edit"},
        {"type": "m.room.encrypted"},
        {"content": {}},
        {"content": {"msgtype": "m.notice", "body": "!migrate approve 7"}},
    ],
)
def test_what_is_gone_changed_or_unreadable_answers_nothing(changes: dict[str, Any]) -> None:
    assert answer_in(message("!migrate approve 7", **changes), 7, command="migrate") is None
