# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the fault tests share: bots behind a proxy that strikes single requests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.homeserver import HomeserverPair
from tests.support.lane import Lane, lane


@pytest.fixture(scope="session")
async def shared_lane(
    homeservers: HomeserverPair, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Lane]:
    """A bot on SQLite for one case after the other; whatever ends it, it is started again."""
    folder = tmp_path_factory.mktemp("lane")
    async with lane(homeservers, folder, f"sqlite:{folder / 'bot.db'}") as made:
        yield made


@pytest.fixture
async def own_lane(
    homeservers: HomeserverPair, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Lane]:
    """A bot of the test's own, on each kind of database."""
    async with lane(homeservers, tmp_path_factory.mktemp("lane"), database_url) as made:
        yield made
