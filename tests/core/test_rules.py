# SPDX-License-Identifier: AGPL-3.0-or-later
"""The rules that never bend, in rooms of every version and moves of every kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from migrationbot.core.besides import read_first, read_then
from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Decision, Finish, Turned, Wait
from migrationbot.core.errors import Refused
from migrationbot.core.history import Visibility
from migrationbot.core.move import Phase
from migrationbot.core.plan import Wish, lacks, make_plan
from migrationbot.core.power import PowerLevels, implied_content
from migrationbot.core.power_change import with_level
from migrationbot.core.reasons import Reason
from migrationbot.core.room import JoinRule, RoomState
from migrationbot.core.standing import standing
from migrationbot.core.steps import Step
from migrationbot.core.turns import Turn, turn
from tests.core.drafts import World
from tests.core.generated import about_to_promote, at_the_door, rooms, worlds
from tests.core.promises import agreed, assert_consented, assert_may_promote, worth
from tests.core.worlds import BOT, EVERYONE, NEW, NOW, OLD

WISH = Wish(bot=BOT, old=OLD, new=NEW)
CONSENTED = (Step.OPEN_HISTORY, Step.INVITE, Step.PROMOTE)  # what is never done without an approval


def decided(world: World) -> Decision:
    return decide(world.move, world.room, world.evidence, NOW)


def promoting(world: World) -> int:
    """The level that is about to be given; tries another world when none is."""
    decision = decided(world)
    assume(isinstance(decision, Act) and decision.step is Step.PROMOTE)
    assert isinstance(decision, Act)
    assert decision.level is not None
    return decision.level


@given(worlds())
def test_whatever_is_decided_fits_the_table(world: World) -> None:
    decision = decided(world)
    if isinstance(decision, Turned | Finish):
        after = turn(world.move.phase, decision.by)
        assert (after is Phase.ENDED) == isinstance(decision, Finish)
        assert (after in (Phase.UNDOING, Phase.ENDED)) == (decision.ending is not None)


@given(worlds())
def test_every_wait_has_a_time_that_is_still_to_come(world: World) -> None:
    decision = decided(world)
    assert not isinstance(decision, Wait) or decision.until > NOW


@given(worlds())
def test_each_phase_has_its_own_acts(world: World) -> None:
    done_in = {
        Phase.ASKING: {Step.RESTORE_HISTORY},
        Phase.MOVING: {*CONSENTED, Step.RESTORE_HISTORY, Step.CONFIRM_CARD, Step.SEED_CONFIRM},
        Phase.BLOCKED: {Step.RESTORE_HISTORY} if world.move.done(Step.PROMOTE) else set(),
        Phase.UNDOING: {Step.RESTORE_HISTORY, Step.WITHDRAW_INVITE},
    }
    decision = decided(world)
    assert not isinstance(decision, Act) or decision.step in done_in[world.move.phase]


@given(worlds())
def test_a_step_that_failed_is_never_repeated_before_its_time(world: World) -> None:
    decision, trouble = decided(world), world.move.trouble
    if isinstance(decision, Act) and trouble is not None and decision.step is trouble.step:
        assert trouble.retry_at <= NOW


@given(about_to_promote())
def test_nothing_is_given_without_standing_consent_and_no_more_than_all_that_bounds_it(world: World) -> None:
    assert_may_promote(world, promoting(world))


@given(worlds())
def test_nothing_is_opened_and_nobody_invited_without_an_approval(world: World) -> None:
    decision = decided(world)
    if isinstance(decision, Act) and decision.step in CONSENTED:
        assert_consented(world, decision.level)


@given(about_to_promote(), st.data())
def test_taking_any_piece_of_the_evidence_away_stops_the_promotion(world: World, data: st.DataObject) -> None:
    level, now = promoting(world), world.evidence
    deciding = agreed(world, level)
    assume(len(deciding) == world.move.rules.approvals_needed)
    gone = data.draw(st.sampled_from(sorted(deciding)))
    without = [
        replace(now, command_stands=False),
        replace(now, card_stands=False),
        replace(now, confirm_stands=False),
        replace(now, confirmations=()),
        replace(now, cancelled_by=OLD),
        replace(now, reactions=tuple(each for each in now.reactions if each.sender != gone)),
    ]
    for changed in without:
        assert not isinstance(decide(world.move, world.room, changed, NOW), Act)


@given(about_to_promote())
def test_a_promotion_changes_no_entry_but_the_new_accounts(world: World) -> None:
    level, room = promoting(world), world.room
    implied = implied_content(version=room.version, create_sender=room.create_sender)
    before = room.power_event.content if room.power_event else implied
    after = PowerLevels.read(
        with_level(before, NEW, level),
        version=room.version,
        create_sender=room.create_sender,
        additional_creators=room.power.creators,
    )
    assert after.level_of(NEW) == level
    assert replace(after, users={}) == replace(room.power, users={})
    assert all(after.level_of(user) == room.power.level_of(user) for user in EVERYONE if user != NEW)


@given(rooms())
def test_a_plan_never_gives_more_than_the_old_account_is_worth_and_the_bot_can_give(room: RoomState) -> None:
    try:
        plan = make_plan(WISH, room)
    except Refused:
        return
    assert plan.level <= worth(room.power, OLD)
    promotes = worth(room.power, OLD) > room.power.level_of(NEW)
    assert not promotes or plan.guided or plan.level <= room.power.level_of(BOT)
    assert plan.open_from is None or plan.open_from is room.visibility


@given(rooms())
def test_with_the_level_that_the_bot_lacks_it_guides_nobody(room: RoomState) -> None:
    try:
        plan = make_plan(WISH, room)
    except Refused:
        return
    lacking = lacks(WISH, room, plan)
    assert plan.guided is bool(lacking)
    needed = max((each.needed for each in lacking), default=room.power.level_of(BOT))
    assert needed > room.power.level_of(BOT) or not lacking
    able = replace(room, power=replace(room.power, users={**room.power.users, BOT: needed}))
    assert not make_plan(WISH, able).guided


KINDS = [*(("act", step.value) for step in CONSENTED), *(("turn", by.value) for by in Turn)]
KINDS += [("wait", reason.value) for reason in (Reason.APPROVAL_LOST, Reason.JOIN, Reason.BOT_LACKS_POWER)]


def kind_of(decision: Decision) -> tuple[str, str]:
    if isinstance(decision, Act):
        return "act", decision.step.value
    if isinstance(decision, Wait):
        return "wait", decision.reason.value
    return "turn", decision.by.value


def test_the_rules_are_tried_on_decisions_of_every_kind() -> None:
    seen = set[tuple[str, str]]()

    @settings(max_examples=300)
    @given(worlds())
    def collect(world: World) -> None:
        seen.add(kind_of(decided(world)))

    collect()
    assert seen >= set(KINDS)


NOT_READ: dict[str, dict[str, Any]] = {
    "m.room.history_visibility": {"visibility": Visibility.read(None), "history_event": None},
    "m.room.join_rules": {"join_rule": JoinRule.INVITE, "allowed_from": frozenset()},
    "m.room.encryption": {"encrypted": False},
}


@given(at_the_door())
@settings(max_examples=500)
def test_what_is_not_read_for_a_move_changes_nothing_that_is_decided_or_told_on_the_way(world: World) -> None:
    move, room = world.move, world.room
    read = {kind for kind, _ in (*read_first(move), *read_then(move, room))}
    for kind, absent in NOT_READ.items():
        if kind not in read:
            room = replace(room, **absent)
    assert decided(replace(world, room=room)) == decided(world)
    assert standing(move, room, world.evidence) == standing(move, world.room, world.evidence)
