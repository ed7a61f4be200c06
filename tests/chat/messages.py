# SPDX-License-Identifier: AGPL-3.0-or-later
"""Messages with a command, as clients send them, and what becomes of them."""

from __future__ import annotations

from typing import Any

import pytest

from migrationbot.chat.commands import parse
from migrationbot.chat.wishes import Command
from migrationbot.core.errors import Code, Refused
from migrationbot.core.ids import UserId

NEW = UserId("me", "new.org")
OLD = UserId("me", "old.org")
V12_ROOM = "!" + "a1_-" * 10 + "abc"
GOOD_PILL = '<a href="https://matrix.to/#/@you:new.org">You</a>'


def text(body: str, **more: Any) -> dict[str, Any]:
    """A message without markup."""
    return {"msgtype": "m.text", "body": body, **more}


def html(body: str, formatted: str) -> dict[str, Any]:
    """The same with its text in HTML as well."""
    return text(body, format="org.matrix.custom.html", formatted_body=formatted)


def typed(body: str) -> Command | None:
    """What this text asks for."""
    return parse(text(body))


def refused(content: dict[str, Any]) -> tuple[Code, dict[str, str]]:
    """Why the message is refused, and the details."""
    with pytest.raises(Refused) as raised:
        parse(content)
    return raised.value.code, raised.value.details
