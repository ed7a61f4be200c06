# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whose invites are followed."""

from __future__ import annotations

import pytest

from migrationbot.checks import AcceptInvites
from migrationbot.config import Settings
from migrationbot.visits.greeting import accepts

ANYONE = Settings()
SERVERS = Settings(
    accept_invites=AcceptInvites.SERVERS, accept_invites_from_servers=("old.org", "localhost:8448")
)
OPERATORS = Settings(accept_invites=AcceptInvites.OPERATORS, operators=("@me:old.org",))


@pytest.mark.parametrize(
    ("settings", "senders", "followed"),
    [
        (ANYONE, ["@who:ever.org"], True),
        (ANYONE, [], True),
        (SERVERS, ["@who:old.org"], True),
        (SERVERS, ["@who:localhost:8448"], True),
        (SERVERS, ["@who:localhost"], False),
        (SERVERS, ["@who:evil.org", "@who:old.org"], False),
        (SERVERS, ["@who:not-old.org"], False),
        (SERVERS, [], False),
        (OPERATORS, ["@me:old.org"], True),
        (OPERATORS, ["@me:old.org.evil.org"], False),
        (OPERATORS, ["@Me:old.org"], False),
        (OPERATORS, ["@me:old.org", "@evil:old.org"], False),
        (OPERATORS, [], False),
    ],
)
def test_whose_invites_are_followed(settings: Settings, senders: list[str], followed: bool) -> None:
    assert accepts(settings, senders) is followed
