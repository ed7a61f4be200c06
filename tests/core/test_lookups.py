# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bot makes of an act that it was killed in, when people have gone on meanwhile."""

from __future__ import annotations

from contextlib import suppress

import pytest

from migrationbot.core.approval import Answer
from migrationbot.core.power_change import with_level
from migrationbot.core.reasons import Outcome, Reason
from migrationbot.core.steps import Step
from tests.core.fake_bot import FakeBot
from tests.core.fake_homeserver import Crash, FakeHomeserver, Killed
from tests.core.fake_room import FakeRoom
from tests.core.thread import Thread
from tests.core.worlds import BOT, CAROL, EVERYONE, LEVELS, NEW, OLD, member, move, opening, state

BOTH = pytest.mark.parametrize("crash", Crash)


def asked(*, setting: str = "shared") -> FakeBot:
    """A request that Carol has agreed to and that New will confirm, in a room where one may knock."""
    room = FakeRoom(
        state("m.room.create", {"room_version": "10"}, sender=CAROL),
        state("m.room.power_levels", LEVELS),
        state("m.room.join_rules", {"join_rule": "knock"}),
        state("m.room.history_visibility", {"history_visibility": setting}),
        *(member(user, "join") for user in EVERYONE if user != NEW),
    )
    thread = Thread(answers={("request", CAROL, Answer.YES), ("confirm", NEW, Answer.YES)})
    asking = move(plan=opening()) if setting == "invited" else move()
    return FakeBot(FakeHomeserver(room), thread, asking)


def killed(bot: FakeBot, crash: Crash) -> None:
    with suppress(Killed):
        bot.look(crash)


def joined() -> FakeBot:
    """The same, with the new account in the room."""
    bot = asked()
    bot.look()
    bot.homeserver.room.join(NEW)
    return bot


def test_a_knock_is_no_answer_to_an_invite_that_was_never_sent() -> None:
    bot = asked()
    killed(bot, Crash.BEFORE)
    bot.homeserver.room.knock(NEW)
    bot.look()
    assert bot.did[Step.INVITE] == 1
    assert bot.waiting is not None
    assert bot.waiting.reason is Reason.JOIN


def test_a_knock_that_was_taken_back_declines_no_invite_that_was_never_sent() -> None:
    bot = asked()
    bot.homeserver.room.knock(NEW)
    killed(bot, Crash.BEFORE)
    bot.homeserver.room.leave(NEW)
    bot.look()
    assert bot.did[Step.INVITE] == 1


def test_one_who_declined_and_then_knocks_is_not_invited_again() -> None:
    bot = asked()
    killed(bot, Crash.AFTER)
    bot.homeserver.room.leave(NEW)
    bot.homeserver.room.knock(NEW)
    bot.look()
    assert bot.did[Step.INVITE] == 1
    assert bot.move.ending is not None
    assert bot.move.ending.reason is Reason.DECLINED


def test_history_that_an_admin_has_closed_again_is_not_opened_a_second_time() -> None:
    bot = asked(setting="invited")
    killed(bot, Crash.AFTER)
    bot.homeserver.room.send(CAROL, "m.room.history_visibility", {"history_visibility": "invited"})
    bot.look()
    assert bot.did[Step.OPEN_HISTORY] == 1
    assert bot.did[Step.INVITE] == 1


def test_history_that_an_admin_has_set_to_the_same_is_opened_when_it_never_was() -> None:
    bot = asked(setting="invited")
    killed(bot, Crash.BEFORE)
    bot.homeserver.room.send(CAROL, "m.room.history_visibility", {"history_visibility": "invited"})
    bot.look()
    assert bot.did[Step.OPEN_HISTORY] == 1


def test_a_promotion_that_an_admin_has_taken_back_is_not_repeated() -> None:
    bot = joined()
    killed(bot, Crash.AFTER)
    room = bot.homeserver.room
    levels = room.now.power_event
    assert levels is not None
    room.send_levels(NEW, with_level(levels.content, NEW, 0))
    bot.look()
    assert bot.did[Step.PROMOTE] == 1
    assert bot.move.ending is not None
    assert bot.move.ending.outcome is Outcome.PARTIAL


def test_a_promotion_that_was_never_made_is_not_taken_for_one_because_the_old_account_fell() -> None:
    bot = joined()
    killed(bot, Crash.BEFORE)
    room = bot.homeserver.room
    room.send_levels(OLD, with_level(LEVELS, OLD, 0))
    room.kick(CAROL, NEW)
    bot.look()
    assert bot.did[Step.PROMOTE] == 0
    assert bot.move.ending is not None
    assert bot.move.ending.reason is Reason.NEW_REMOVED


@BOTH
def test_a_bot_that_is_killed_in_any_act_does_it_once(crash: Crash) -> None:
    bot = asked(setting="invited")
    for _ in range(4):
        killed(bot, crash)
        bot.look()
        if not bot.homeserver.room.now.joined(NEW):
            bot.homeserver.room.join(NEW)
    assert bot.did == {Step.OPEN_HISTORY: 1, Step.INVITE: 1, Step.RESTORE_HISTORY: 1, Step.PROMOTE: 1}
    assert bot.homeserver.room.now.power.level_of(NEW) == bot.homeserver.room.now.power.level_of(BOT)
