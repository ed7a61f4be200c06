# SPDX-License-Identifier: AGPL-3.0-or-later
"""What holds of a hand-over in rooms of every kind, whatever the new room looks like."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from migrationbot.core.decide import decide
from migrationbot.core.decisions import Act, Finish, Wait
from migrationbot.core.move import Options, Phase
from migrationbot.core.reasons import Outcome
from migrationbot.core.steps import Step
from migrationbot.core.succession import Deed, Succession, flaw, handed_over
from tests.core.drafts import ASKED, Draft, World, at_stage
from tests.core.generated import OTHER_CHANGES, ROOM_CHANGES, TIMES, drawn
from tests.core.promises import assert_consented
from tests.core.successions import FOLLOWED, LISTED, NEXT, REPORTED, after
from tests.core.worlds import CAROL, DAVE, NEW, NOW, OLD, member

LATER = (Step.FOLLOW, Step.INVITE_HEIR, Step.CARRY_HISTORY, Step.LIST_CHILD, Step.UNLIST_CHILD)
LATER += (Step.MOVE_ALIAS, Step.NAME_ALIAS, Step.INVITE_MEMBER, Step.SUCCESSOR_CARD)
ALIAS = "#a:old.org"
TARGETS = st.sampled_from([NEXT, NEW, CAROL, ALIAS, LISTED.space])
DEEDS = st.dictionaries(
    st.tuples(st.sampled_from(LATER), TARGETS),
    st.builds(Deed, done=st.booleans(), failed=st.booleans(), tries=st.integers(1, 4), at=TIMES),
)
ROOMS = st.sampled_from(
    [
        None,
        *[after()] * 3,
        *[after(member(NEW, "join"))] * 6,
        after(member(NEW, "invite", by=OLD)),
        after(by=NEW),
        after(by=DAVE),
        after(create={"additional_creators": []}),
        after(create={"predecessor": {"room_id": "!other"}}),
        after(create={"room_version": "11"}),
    ]
)
PARENTS = st.builds(replace, st.just(LISTED), bot_may=st.booleans(), agreed=st.booleans()).map(
    lambda one: (one,)
)
SUCCESSIONS = st.builds(
    Succession,
    successor=ROOMS,
    absent=st.sampled_from([(), (), (CAROL,), (CAROL, DAVE)]),
    parents=st.just(()) | PARENTS,
    stale=st.sampled_from([(), (), (ALIAS,)]),
    unnamed=st.sampled_from([(), (), (ALIAS,)]),
    deeds=DEEDS | DEEDS.map(lambda deeds: {**deeds, **FOLLOWED}) | st.just(FOLLOWED) | st.just(REPORTED),
)


def promoted() -> Draft:
    """All but the hand-over is done."""
    draft = at_stage(Phase.MOVING, *ASKED, Step.PROMOTE, here="join", closed=True)
    draft.answers["confirm"] = {NEW}
    draft.history = ("shared", CAROL, "$before")
    return draft


@st.composite
def hand_overs(draw: st.DrawFn) -> tuple[World, Succession | None]:
    """A hand-over in which a few things are otherwise than they should be, mostly after an upgrade."""
    world = draw(drawn((promoted,), (*ROOM_CHANGES, *OTHER_CHANGES)))
    moved = replace(world.move, options=Options(hand_over=True, leave=draw(st.booleans())))
    here, succession = world.room, None
    if draw(st.integers(0, 5)):
        by = draw(st.sampled_from([OLD] * 7 + [NEW, CAROL, DAVE]))
        here = replace(here, successor=draw(st.sampled_from([NEXT, NEXT, NEXT, ""])), upgraded_by=by)
        succession = draw(SUCCESSIONS)
    return World(moved, here, world.evidence), succession


@given(hand_overs())
def test_nothing_is_done_in_the_new_room_without_standing_consent_nor_in_any_other(
    case: tuple[World, Succession | None],
) -> None:
    world, succession = case
    decision = decide(world.move, world.room, world.evidence, NOW, succession)
    assert not isinstance(decision, Wait) or decision.until > NOW
    if isinstance(decision, Act) and decision.step in LATER:
        assert_consented(world, None)
        assert succession is not None
        assert flaw(world.move, world.room, succession) is None
        deed = succession.deed(decision.step, decision.target)
        assert deed is None or not deed.done


@given(hand_overs())
def test_it_is_only_called_done_when_the_new_account_owns_the_new_room_and_is_in_it(
    case: tuple[World, Succession | None],
) -> None:
    world, succession = case
    decision = decide(world.move, world.room, world.evidence, NOW, succession)
    if isinstance(decision, Finish) and decision.ending.outcome is Outcome.DONE:
        assert handed_over(world.move, world.room, succession)
        assert succession is not None
        assert succession.successor is not None
        assert succession.successor.joined(NEW)
        assert succession.successor.power.is_creator(NEW)


def test_the_rules_are_tried_on_acts_of_every_kind() -> None:
    seen = set[Step]()

    @settings(max_examples=300)
    @given(hand_overs())
    def collect(case: tuple[World, Succession | None]) -> None:
        world, succession = case
        decision = decide(world.move, world.room, world.evidence, NOW, succession)
        if isinstance(decision, Act):
            seen.add(decision.step)

    collect()
    assert seen >= {Step.FOLLOW, Step.INVITE_HEIR, Step.INVITE_MEMBER, Step.SUCCESSOR_CARD, Step.LIST_CHILD}
