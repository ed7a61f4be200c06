# SPDX-License-Identifier: AGPL-3.0-or-later
"""The record that a room keeps of a move: when it is written, what it says, and what is believed of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from migrationbot.core.approval import Answer, Evidence
from migrationbot.core.besides import read_besides
from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Decision, Finish
from migrationbot.core.move import Options, RoomMove, Rules
from migrationbot.core.moved import Moved, key_of, read_record
from migrationbot.core.reasons import Goal
from migrationbot.core.room import MOVED, RoomState, StateEvent
from migrationbot.core.standing import standing
from migrationbot.core.steps import Step
from tests.core.worlds import (
    ASKED_NEW,
    BOT,
    CAROL,
    DAVE,
    ERIN,
    NEW,
    NOW,
    OLD,
    done,
    evidence,
    member,
    moving,
    plan,
    room,
    said,
    state,
    with_levels,
)

KEY = "me:old.org"
RULES = Rules(publish_record=True)
PROVED = evidence(yes=(CAROL,), confirm=(NEW,), command_event="$command")
CONTENT = {
    "v": 1,
    "migration": "7",
    "old": OLD,
    "new": NEW,
    "command": "$command",
    "approvals": ["$YES" + CAROL],
    "confirmation": "$YES" + NEW,
}


def promoted(*more: Step, **facts: Any) -> RoomMove:
    """A move whose new account has its level, in a room that is to keep a record."""
    records = (*ASKED_NEW, done(Step.PROMOTE), *(done(step) for step in more))
    return moving(*records, **{"options": Options(record=True), "rules": RULES, **facts})


def here(levels: dict[str, int] | None = None, **asked: Any) -> RoomState:
    return room(member(NEW, "join"), levels=with_levels({NEW: 100, **(levels or {})}, **asked))


def decided(move: RoomMove, now: RoomState | None = None, shown: Evidence = PROVED) -> Decision:
    return decide(move, now or here(), shown, NOW)


def record(content: dict[str, Any] | None = None, *, sender: str = BOT) -> StateEvent:
    return state(MOVED, CONTENT if content is None else content, key=KEY, sender=sender)


# ---- Writing it -------------------------------------------------------------------------------------------


def test_it_is_written_once_with_the_events_that_prove_it() -> None:
    assert decided(promoted()) == Act(step=Step.PUBLISH, content=CONTENT)
    assert isinstance(decided(promoted(Step.PUBLISH)), Finish)


def test_its_key_is_no_user_id_which_only_that_account_itself_could_set() -> None:
    assert key_of(OLD) == KEY
    assert read_besides(promoted()) == ((MOVED, KEY),)
    assert read_besides(moving()) == ()


def test_it_is_written_where_nothing_was_left_to_give_too() -> None:
    assert decided(moving(*ASKED_NEW, options=Options(record=True), rules=RULES)) == Act(
        step=Step.PUBLISH, content=CONTENT
    )


@pytest.mark.parametrize(
    ("options", "rules"),
    [(Options(), RULES), (Options(record=True), Rules())],
)
def test_it_is_written_only_if_it_was_announced_and_is_still_wanted(options: Options, rules: Rules) -> None:
    assert isinstance(decided(promoted(options=options, rules=rules)), Finish)


@pytest.mark.parametrize(
    "shown",
    [
        replace(PROVED, confirmations=()),
        replace(PROVED, confirmations=said(Answer.YES, OLD)),
        replace(PROVED, command_event=""),  # asked elsewhere: the room does not show it
        replace(PROVED, reactions=()),
        replace(PROVED, command_stands=False),
    ],
)
def test_what_cannot_be_proved_is_not_written(shown: Evidence) -> None:
    assert isinstance(decided(promoted(), shown=shown), Finish)


def test_it_takes_the_level_of_the_bot_and_of_one_of_those_who_agreed() -> None:
    assert isinstance(decided(promoted(), here({BOT: 49})), Finish)
    low = promoted(plan=plan(level=0, old_level=0), approved_level=0)
    by_erin = evidence(yes=(ERIN,), confirm=(NEW,), command_event="$command")
    now = here({OLD: 0, NEW: 0})
    assert isinstance(decided(low, now, by_erin), Finish)
    by_both = evidence(yes=(ERIN, DAVE), confirm=(NEW,), command_event="$command")
    act = decided(low, now, by_both)
    assert isinstance(act, Act)
    assert act.content is not None
    assert act.content["approvals"] == ["$YES" + ERIN, "$YES" + DAVE]
    assert isinstance(decided(low, here({OLD: 0, NEW: 0}, state_default=60), by_both), Finish)


def test_the_status_tells_of_it() -> None:
    assert Goal.PUBLISHED in standing(promoted(Step.PUBLISH), here(), PROVED).met
    assert Goal.PUBLISHED not in standing(promoted(), here(), PROVED).to_come


def test_the_room_knows_it() -> None:
    assert room(record()).more == {(MOVED, KEY): record()}


# ---- Believing it -----------------------------------------------------------------------------------------


def test_what_the_bot_wrote_is_read_back() -> None:
    assert read_record(record(), by=BOT, old=OLD) == Moved(
        number=7,
        old=OLD,
        new=NEW,
        command="$command",
        approvals=("$YES" + CAROL,),
        confirmation="$YES" + NEW,
    )


def test_what_others_wrote_is_not_believed() -> None:
    assert read_record(record(sender=CAROL), by=BOT, old=OLD) is None
    assert read_record(record(), by=BOT, old=CAROL) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"new": None},
        {"new": ""},
        {"command": 7},
        {"confirmation": []},
        {"migration": 7},
        {"migration": "seven"},
        {"approvals": []},
        {"approvals": [7]},
        {"approvals": "$a"},
    ],
)
def test_what_is_not_whole_is_not_believed(changes: dict[str, Any]) -> None:
    assert read_record(record({**CONTENT, **changes}), by=BOT, old=OLD) is None
    assert read_record(record({}), by=BOT, old=OLD) is None
