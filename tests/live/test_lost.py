# SPDX-License-Identifier: AGPL-3.0-or-later
"""Accounts that nobody can use any more: others ask, more have to agree, and a sign of life ends it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack
from typing import Any, Protocol

import pytest

from tests.live.conftest import SharedBots
from tests.support import match
from tests.support.past import DAY, Past, past
from tests.support.person import Person, unique
from tests.support.postgres import Postgres
from tests.support.scene import HISTORY, NO, RoomOptions, Scene, usual_room

SILENT = 40 * DAY


class MakeLost(Protocol):
    """Makes a usual room in which Alice has long been silent; the others are the arguments of RoomOptions."""

    def __call__(
        self, *, database: str = "sqlite", settings: dict[str, Any] | None = None, **options: Any
    ) -> Awaitable[Scene]: ...


def ago(milliseconds: int) -> int:
    return round(time.time() * 1000) - milliseconds


@pytest.fixture(scope="module")
async def then(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Past]:
    """Homeservers that can be told when something was sent."""
    async with past(tmp_path_factory.mktemp("past")) as made:
        yield made


@pytest.fixture(scope="module")
async def bots(
    then: Past, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SharedBots]:
    """Bots on those homeservers."""
    made = SharedBots(then.homeservers, postgres, tmp_path_factory.mktemp("bots"))
    yield made
    await made.close()


@pytest.fixture
async def make_lost(then: Past, bots: SharedBots) -> AsyncIterator[MakeLost]:
    """Usual rooms whose old account was last seen long ago. At the end no bot may have met an error."""
    used: dict[Any, int] = {}
    async with AsyncExitStack() as stack:

        async def make(
            *, database: str = "sqlite", settings: dict[str, Any] | None = None, **options: Any
        ) -> Scene:
            bot = await bots.get(database, settings or {})
            used.setdefault(bot, len(bot.log_text()))
            room = usual_room(then.homeservers, bot, RoomOptions(**options))
            scene = await stack.enter_async_context(room)
            await then.does(scene.alice, scene.room, "join", at=ago(SILENT))
            return scene

        yield make
    for bot, length in used.items():
        assert " ERROR " not in bot.log_text()[length:], bot.process.log_tail()


async def ask(scene: Scene, *, by: Person) -> dict[str, Any]:
    """Ask for Alice's place; the request card."""
    return await scene.ask(by=by, to=f"{scene.alice.user_id} {scene.new.user_id}")


async def come_in(scene: Scene) -> None:
    """Be invited as the new account by hand, and join."""
    await scene.carol.invite(scene.room, scene.new.user_id)
    await scene.join_new()


def text_of(event: dict[str, Any]) -> str:
    return str(event["content"]["body"])


# How it goes


async def test_with_its_server_gone_an_account_moves_once_two_have_agreed(
    then: Past, make_lost: MakeLost
) -> None:
    scene = await make_lost(levels={"alice": None, "dave": 100})
    servers = then.homeservers
    ghost = Person(await servers.new.register(unique("alice-of-the-gone")))
    moved = Person(await servers.old.register(unique("new")))
    await scene.carol.invite(scene.room, ghost.user_id)
    await ghost.wait_for(scene.room, match.membership(ghost.user_id, "invite"), "its invite")
    await scene.carol.wait_for(scene.room, match.membership(ghost.user_id, "invite"), "the invite")
    await ghost.join(scene.room, via=[servers.old.server_name])
    levels = await scene.carol.set_power(scene.room, {ghost.user_id: 100})
    # Of two joins that are not one after the other, the later one by its time would stand.
    await ghost.wait_for(scene.room, match.event_id(levels), "its level")
    await then.does(ghost, scene.room, "join", at=ago(SILENT))
    is_back_then = match.of_type("m.room.member", state_key=ghost.user_id)
    await scene.carol.wait_for(
        scene.room,
        lambda event: is_back_then(event) and event["origin_server_ts"] < ago(DAY),
        "what the account did long ago",
    )
    scene.alice, scene.new = ghost, moved
    await servers.new.stop()
    try:
        card = await ask(scene, by=scene.carol)
        assert "Nobody vouches for this from the old account" in text_of(card)
        assert "<strong>Nobody vouches" in card["content"]["formatted_body"]
        assert "last seen active in this room on" in text_of(card)
        assert "(40 days ago)" in text_of(card)
        assert "2 of them have to agree" in text_of(card)
        assert ghost.user_id in card["content"]["m.mentions"]["user_ids"]
        await scene.approve(scene.carol)
        await scene.nothing_happens(by=scene.carol)
        await scene.approve(scene.dave)
        await scene.join_new()
        asked = await scene.confirm_card()
        assert f"{scene.carol.user_id} asked to move from that account to yours" in text_of(asked)
        await scene.confirm()
        summary = await scene.end()
        assert await scene.level(moved) == 100
        assert await scene.level(ghost) == 100
        assert "whoever comes to control it or its server" in text_of(summary)
    finally:
        await servers.new.start()
        await ghost.close()
        await moved.close()


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_the_new_account_asks_for_itself_from_within_the_room(
    database: str, make_lost: MakeLost
) -> None:
    scene = await make_lost(database=database, levels={"dave": 100})
    await come_in(scene)
    card = await ask(scene, by=scene.new)
    assert f"{scene.new.user_id} asks for it." in text_of(card)
    await scene.new.react(scene.room, scene.card, "✅")
    await scene.approve(scene.dave)
    await scene.nothing_happens(by=scene.carol)
    await scene.approve(scene.carol)
    assert "You asked to move from that account" in text_of(await scene.confirm_card())
    assert await scene.level(scene.new) is None
    await scene.confirm()
    await scene.end()
    assert await scene.level(scene.new) == 100


async def test_where_only_one_is_entitled_that_one_is_enough(make_lost: MakeLost) -> None:
    scene = await make_lost()
    await come_in(scene)
    card = await ask(scene, by=scene.new)
    assert "One yes is enough" in text_of(card)
    await scene.approve(scene.carol)
    await scene.confirm()
    await scene.end()
    assert await scene.level(scene.new) == 100


async def test_one_who_asks_as_the_only_admin_is_not_enough_until_another_one_agrees(
    make_lost: MakeLost,
) -> None:
    scene = await make_lost()
    card = await ask(scene, by=scene.carol)
    assert "the one who asks is not enough alone" in text_of(card)
    assert "has to give that level to another member first" in text_of(card)
    await scene.approve(scene.carol)
    await scene.nothing_happens(by=scene.carol)
    asked = await scene.command_is(f"status {match.number_of(card)}", by=scene.dave)
    status = await scene.answer_to(asked)
    assert "1 more of those who may answer has to say yes" in text_of(status)
    await scene.approve(scene.dave)  # too low: it does not count
    await scene.in_thread(match.says("your yes does not count"), "a hint")
    await scene.carol.set_power(scene.room, {scene.dave.user_id: 100})
    await scene.join_new()
    await scene.confirm()
    await scene.end()


async def test_how_many_have_to_agree_is_judged_by_the_room_as_it_is_now(make_lost: MakeLost) -> None:
    scene = await make_lost()
    await come_in(scene)
    await ask(scene, by=scene.new)
    await scene.carol.set_power(scene.room, {scene.dave.user_id: 100})  # now there are two
    await scene.approve(scene.carol)
    await scene.nothing_happens(by=scene.carol)
    await scene.dave.leave(scene.room)  # and now there is one
    await scene.confirm()
    await scene.end()


async def test_where_anybody_may_answer_two_members_have_to(make_lost: MakeLost) -> None:
    scene = await make_lost(levels={"alice": None})
    card = await ask(scene, by=scene.carol)
    assert "except the new account and the old one" in text_of(card)
    await scene.approve(scene.carol)
    await scene.nothing_happens(by=scene.carol)
    await scene.approve(scene.dave)
    await scene.invited()


async def test_the_operator_decides_how_many(make_lost: MakeLost) -> None:
    scene = await make_lost(settings={"approvals_for_lost_accounts": 1}, levels={"dave": 100})
    await ask(scene, by=scene.carol)
    await scene.approve(scene.carol)
    await scene.nothing_happens(by=scene.carol)  # it asked
    await scene.approve(scene.dave)
    await scene.invited()


async def test_one_that_left_by_itself_still_has_its_level_to_move(then: Past, make_lost: MakeLost) -> None:
    scene = await make_lost(levels={"dave": 100})
    await then.does(scene.alice, scene.room, "leave", at=ago(SILENT))
    await ask(scene, by=scene.carol)
    await scene.approve(scene.carol)
    await scene.approve(scene.dave)
    await scene.join_new()
    await scene.confirm()
    await scene.end()
    assert await scene.level(scene.new) == 100


async def test_what_the_bot_cannot_know_is_said(make_lost: MakeLost) -> None:
    scene = await make_lost(visibility="joined")
    card = await ask(scene, by=scene.carol)
    assert "The bot cannot see all that was said before" in text_of(card)


# What is refused


async def test_one_that_was_active_lately_asks_for_itself(then: Past, make_lost: MakeLost) -> None:
    scene = await make_lost()
    await then.says(scene.alice, scene.room, "I am here", at=ago(29 * DAY))
    command = await scene.command_is(f"{scene.alice.user_id} {scene.new.user_id}", by=scene.carol)
    answer = await scene.answer_to(command, error="not_yours")
    assert "was active in this room on" in text_of(answer)
    assert await scene.membership(scene.new) is None


async def test_a_setting_says_how_long_is_lately(then: Past, make_lost: MakeLost) -> None:
    scene = await make_lost(settings={"lost_after_days": 20})
    await then.says(scene.alice, scene.room, "I am here", at=ago(29 * DAY))
    await ask(scene, by=scene.carol)


async def test_neither_strangers_nor_members_without_the_level_may_ask(make_lost: MakeLost) -> None:
    scene = await make_lost()
    command = await scene.command_is(f"{scene.alice.user_id} {scene.new.user_id}", by=scene.dave)
    answer = await scene.answer_to(command, error="not_yours")
    assert f"the new account {scene.new.user_id} can ask" in text_of(answer)
    assert "level 100 (admin)" in text_of(answer)


@pytest.mark.parametrize("scope", ["all", "space"])
async def test_in_many_rooms_at_once_nobody_speaks_for_another(scope: str, make_lost: MakeLost) -> None:
    scene = await make_lost()
    text = f"{scene.alice.user_id} {scene.new.user_id} {scope}"
    await scene.answer_to(await scene.command_is(text, by=scene.carol), error="not_yours")


async def test_one_that_was_put_out_has_no_place(make_lost: MakeLost) -> None:
    scene = await make_lost(levels={"alice": 50})
    await scene.carol.kick(scene.room, scene.alice.user_id)
    command = await scene.command_is(f"{scene.alice.user_id} {scene.new.user_id}", by=scene.carol)
    answer = await scene.answer_to(command, error="not_joined")
    assert "Join with it first" not in text_of(answer)


# A sign of life


async def test_a_no_of_the_old_account_ends_it(make_lost: MakeLost) -> None:
    scene = await make_lost(levels={"dave": 100})
    await ask(scene, by=scene.carol)
    await scene.approve(scene.carol)
    await scene.alice.react(scene.room, scene.card, NO)
    summary = await scene.end("refused")
    assert f"{scene.alice.user_id} itself said no" in text_of(summary)
    await scene.approve(scene.dave)
    await scene.nothing_happens(by=scene.carol)


@pytest.mark.parametrize("words", ["cancel", "refuse"])
async def test_it_says_no_in_words(words: str, make_lost: MakeLost) -> None:
    scene = await make_lost(levels={"dave": 100})
    await ask(scene, by=scene.carol)
    await scene.command_is(words, by=scene.alice, thread=scene.command)
    await scene.end("refused")


async def test_whatever_it_says_ends_it_and_the_invite_is_withdrawn(make_lost: MakeLost) -> None:
    scene = await make_lost(levels={"dave": 100}, visibility="joined")
    await ask(scene, by=scene.carol)
    await scene.approve(scene.carol)
    await scene.approve(scene.dave)
    await scene.invited()
    await scene.alice.say(scene.room, "What is this?")
    summary = await scene.end("refused")
    assert f"{scene.alice.user_id} has been active in this room" in text_of(summary)
    assert await scene.membership(scene.new) == "leave"
    assert await scene.carol.state(scene.room, HISTORY) == {"history_visibility": "joined"}
    assert await scene.level(scene.new) is None


async def test_the_one_who_asked_takes_it_back_and_asks_again(make_lost: MakeLost) -> None:
    scene = await make_lost(levels={"dave": 100})
    number = match.number_of(await ask(scene, by=scene.carol))
    await scene.cancel(by=scene.carol)
    await scene.end("cancelled")
    await scene.answer_to(await scene.command_is(f"retry {number}", by=scene.dave), error="not_yours")
    again = await scene.command_is(f"retry {number}", by=scene.carol)
    card = await scene.in_thread(match.card("request"), "the new request card", root=again)
    assert "Nobody vouches for this" in text_of(card)


async def test_the_old_account_asks_for_the_same_as_for_any_move(make_lost: MakeLost) -> None:
    scene = await make_lost()
    number = match.number_of(await ask(scene, by=scene.carol))
    await scene.cancel(by=scene.alice)
    await scene.end("refused")
    again = await scene.command_is(f"retry {number}", by=scene.alice)
    card = await scene.in_thread(match.card("request"), "the new request card", root=again)
    assert "Nobody vouches for this" not in text_of(card)
