# SPDX-License-Identifier: AGPL-3.0-or-later
"""A word to those who plainly meant to approve, and to nobody else."""

from __future__ import annotations

import pytest

from migrationbot.core.approval import Answer, Evidence, Hint, Reaction, answer_of, hint
from migrationbot.core.levels import level_asked_now
from tests.chat.builders import CAST, member, move, room

DAVE = "@dave:old.org"


def told(*reactions: tuple[str, str], card_stands: bool = True) -> tuple[Hint, str] | None:
    """The hint after these reactions, each a sender and a key."""
    state = room(member(DAVE))
    said = tuple(
        Reaction(event_id=f"${number}", sender=sender, answer=answer)
        for number, (sender, key) in enumerate(reactions)
        if (answer := answer_of(key)) is not None
    )
    evidence = Evidence(
        command_stands=True,
        cancelled_by="",
        card_stands=card_stands,
        reactions=said,
        confirm_stands=True,
        confirmations=(),
    )
    current = move(state)
    return hint(current, state, evidence, level_asked_now(current, state))


@pytest.mark.parametrize("key", ["👍", "👍🏽", "👌", "✔️", "☑️", "yes", "Yes", "OK"])
def test_an_admin_who_uses_another_sign_is_told_of_the_right_one(key: str) -> None:
    assert told((CAST.admin, key)) == (Hint.WRONG_SIGN, CAST.admin)


def test_a_member_below_the_level_is_told_what_it_takes() -> None:
    assert told((DAVE, "✅")) == (Hint.TOO_LOW, DAVE)


@pytest.mark.parametrize(
    ("sender", "key"),
    [
        (DAVE, "👍"),  # may not approve, and did not try to
        (CAST.admin, "✅"),  # counts
        (CAST.admin, "❓"),
        (CAST.bot, "✅"),  # the bot's own, for others to tap
        (CAST.new, "✅"),
        ("@stranger:old.org", "✅"),
    ],
)
def test_others_are_told_nothing(sender: str, key: str) -> None:
    assert told((sender, key)) is None


def test_nobody_is_sent_to_a_card_that_is_gone() -> None:
    assert told((CAST.admin, "👍"), card_stands=False) is None


def test_what_was_meant_as_a_yes_is_none() -> None:
    assert answer_of("👍") is Answer.MEANT_YES
