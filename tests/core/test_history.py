# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a newcomer will be able to read."""

from __future__ import annotations

from typing import Any

import pytest

from migrationbot.core.history import Reading, Visibility, reading, should_open

HIDDEN = (Visibility.INVITED, Visibility.JOINED)
OPEN = (Visibility.SHARED, Visibility.WORLD_READABLE)


@pytest.mark.parametrize("visibility", Visibility)
def test_each_setting_is_read_as_what_it_says(visibility: Visibility) -> None:
    assert Visibility.read({"history_visibility": visibility.value}) is visibility


@pytest.mark.parametrize("value", ["", "Joined", "private", None, 0, [], {}])
def test_an_unknown_setting_means_shared(value: Any) -> None:
    assert Visibility.read({"history_visibility": value}) is Visibility.SHARED


@pytest.mark.parametrize("content", [None, {}])
def test_a_room_without_a_setting_is_shared(content: dict[str, Any] | None) -> None:
    assert Visibility.read(content) is Visibility.SHARED


@pytest.mark.parametrize("invited", [False, True])
@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("visibility", OPEN)
def test_an_open_room_is_never_opened(visibility: Visibility, joined: bool, invited: bool) -> None:
    assert not should_open(visibility, joined=joined, invited=invited)


@pytest.mark.parametrize("visibility", Visibility)
def test_nothing_is_opened_for_a_member(visibility: Visibility) -> None:
    assert not should_open(visibility, joined=True, invited=False)


@pytest.mark.parametrize("visibility", HIDDEN)
def test_a_hidden_room_is_opened_before_the_invite(visibility: Visibility) -> None:
    assert should_open(visibility, joined=False, invited=False)


def test_an_account_that_was_invited_reads_from_that_invite_on_without_any_opening() -> None:
    assert not should_open(Visibility.INVITED, joined=False, invited=True)
    assert should_open(Visibility.JOINED, joined=False, invited=True)


@pytest.mark.parametrize("opened", [False, True])
@pytest.mark.parametrize("visibility", Visibility)
def test_a_member_reads_what_it_read_before(visibility: Visibility, opened: bool) -> None:
    assert reading(visibility, joined=True, opened=opened) is Reading.AS_MEMBER


@pytest.mark.parametrize("visibility", OPEN)
def test_a_newcomer_to_an_open_room_reads_since_that_setting(visibility: Visibility) -> None:
    assert reading(visibility, joined=False, opened=False) is Reading.SINCE_SETTING


@pytest.mark.parametrize("visibility", HIDDEN)
def test_a_newcomer_to_a_hidden_room_reads_from_the_moment_of_opening(visibility: Visibility) -> None:
    assert reading(visibility, joined=False, opened=True) is Reading.FROM_OPENING


def test_a_newcomer_to_a_room_that_stays_hidden_reads_from_its_own_coming_on() -> None:
    assert reading(Visibility.INVITED, joined=False, opened=False) is Reading.FROM_INVITE
    assert reading(Visibility.JOINED, joined=False, opened=False) is Reading.FROM_JOIN
