# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is on record about a move and about the migration that it belongs to."""

from __future__ import annotations

from dataclasses import replace

from migrationbot.core.move import Options
from migrationbot.core.steps import Step
from tests.core.worlds import done, intended, migration, move


def test_a_step_is_done_once_the_room_showed_it() -> None:
    assert not move().done(Step.INVITE)
    assert not move(intended(Step.INVITE)).done(Step.INVITE)
    assert move(done(Step.INVITE)).done(Step.INVITE)


def test_only_a_step_that_is_done_has_an_event() -> None:
    for kept in (move, migration):
        assert kept().event_of(Step.INVITE) is None
        assert kept(intended(Step.INVITE)).event_of(Step.INVITE) is None
        assert kept(done(Step.INVITE, "$invite")).event_of(Step.INVITE) == "$invite"


def test_the_history_is_open_from_opening_it_until_putting_it_back() -> None:
    opened, restored = done(Step.OPEN_HISTORY), done(Step.RESTORE_HISTORY)
    assert not move().history_is_open
    assert not move(intended(Step.OPEN_HISTORY)).history_is_open
    assert move(opened).history_is_open
    assert move(opened, intended(Step.RESTORE_HISTORY)).history_is_open
    assert not move(opened, restored).history_is_open


def test_a_second_opening_is_not_taken_for_restored_because_the_first_was() -> None:
    again, first = done(Step.OPEN_HISTORY, attempt=2), done(Step.RESTORE_HISTORY)
    assert move(again, first).history_is_open
    assert not move(intended(Step.OPEN_HISTORY, attempt=2), first).history_is_open
    assert not move(again, done(Step.RESTORE_HISTORY, attempt=2)).history_is_open


def test_a_migration_knows_its_own_steps_and_whether_it_spans_many_rooms() -> None:
    assert not migration().done(Step.SUMMARY)
    assert not migration(intended(Step.SUMMARY)).done(Step.SUMMARY)
    assert migration(done(Step.SUMMARY)).done(Step.SUMMARY)
    assert not migration().many
    assert replace(migration(), options=Options(scope="all")).many
