# SPDX-License-Identifier: AGPL-3.0-or-later
"""Encrypted rooms, with people whose clients encrypt, and a bot that has encryption set up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.bot import BotOptions
from tests.support.homeserver import HomeserverPair
from tests.support.lane import ShortWaits
from tests.support.match import CARD
from tests.support.person import unique
from tests.support.scene import YES, thread_of
from tests.support.sealed import BARE_SKIP, SEALED, SKIP, sealed


async def test_an_encrypted_command_is_read_and_answered_encrypted(make_scene: MakeScene) -> None:
    scene = await make_scene(encryption=True, state=SEALED)
    async with sealed(scene) as room:
        command = await room.alice.say(scene.room, "!migrate help")
        is_help = match.says("!migrate @you:new.server", sender=scene.bot.user_id)
        answer = await room.alice.wait_for(
            scene.room, lambda event: is_help(event) and thread_of(event) == command, "the answer"
        )
        assert answer["sealed"]
        await room.nothing_readable()


async def test_the_old_account_invites_and_the_bot_does_the_rest(make_scene: MakeScene) -> None:
    scene = await make_scene(encryption=True, state=SEALED, visibility="joined")
    async with sealed(scene) as room:
        request = await room.ask()
        assert "this room is encrypted" in request["content"]["body"]
        await room.approve()
        asked = await room.asked_old()
        assert asked["content"]["m.mentions"]["user_ids"] == [scene.alice.user_id]
        assert f"/invite {scene.new.user_id}" in asked["content"]["body"]
        assert "(in 10 minutes)" in asked["content"]["body"]
        await scene.alice.invite(scene.room, scene.new.user_id)
        end = await room.finish()
        assert await room.inviter() == scene.alice.user_id
        assert end["content"][CARD]["state"] == "done"
        assert "export_keys" in end["content"][CARD]["rooms"][0]["left_to_do"]
        assert await scene.level(scene.new) == 100
        await room.nothing_readable()


async def test_an_invite_of_the_old_accounts_that_is_declined_is_not_repeated(make_scene: MakeScene) -> None:
    scene = await make_scene(encryption=True, state=SEALED)
    async with sealed(scene) as room:
        await room.ask()
        await room.approve()
        await room.asked_old()
        await scene.alice.invite(scene.room, scene.new.user_id)
        await scene.invited()
        await scene.new.leave(scene.room)
        end = await room.said(room.alice, "summary")
        assert end["content"][CARD]["state"] == "refused"
        assert await scene.membership(scene.new) == "leave"


@pytest.mark.parametrize(("who", "sign"), [("alice", SKIP), ("carol", BARE_SKIP)])
async def test_the_bot_invites_at_once_for_those_who_may_say_so(
    who: str, sign: str, make_scene: MakeScene
) -> None:
    scene = await make_scene(encryption=True, state=SEALED)
    async with sealed(scene) as room:
        await room.ask()
        await room.approve()
        asked = await room.asked_old()
        await scene.dave.react(scene.room, asked["event_id"], sign)  # an ordinary member, who may not
        command = await scene.command_is("help", by=scene.dave)
        await room.alice.wait_for(scene.room, lambda event: thread_of(event) == command, "the answer to Dave")
        assert await scene.membership(scene.new) is None
        await {"alice": room.alice, "carol": room.carol}[who].react(scene.room, asked["event_id"], sign)
        assert await room.inviter() == scene.bot.user_id
        await room.finish()


async def test_without_a_wait_the_bot_invites(make_scene: MakeScene) -> None:
    settings = {"wait_for_owner_invite_minutes": 0}
    scene = await make_scene(encryption=True, settings=settings, state=SEALED)
    async with sealed(scene) as room:
        await room.ask()
        await room.approve()
        assert await room.inviter() == scene.bot.user_id
        await room.finish()
        cards = [match.card_of(event) or {} for event in room.alice.events]
        assert not [card for card in cards if card.get("asks") == "invite"]


async def test_when_the_wait_is_over_the_bot_invites_also_after_a_restart(
    make_scene: MakeScene, homeservers: HomeserverPair, tmp_path: Path
) -> None:
    bot = ShortWaits(
        tmp_path / "bot",
        BotOptions(
            account=await homeservers.old.register(unique("bot")),
            database_url=f"sqlite:{tmp_path / 'bot.db'}",
            plugin_config={"wait_for_owner_invite_minutes": 4},  # short ones
            encryption=True,
        ),
    )
    await bot.start()
    try:
        scene = await make_scene(bot=bot, state=SEALED)
        async with sealed(scene) as room:
            await room.ask()
            await room.approve()
            await room.asked_old()
            assert await scene.membership(scene.new) is None
            await bot.restart()
            assert await room.inviter() == bot.user_id
            await room.finish()
            asked = [event for event in room.alice.events if (match.card_of(event) or {}).get("asks")]
            assert len(asked) == 1
    finally:
        await bot.kill()


async def test_asked_for_elsewhere_the_room_has_its_card_encrypted(make_scene: MakeScene) -> None:
    scene = await make_scene(encryption=True, state=SEALED)
    home = await scene.alice.create_room(invite=[scene.bot.user_id])
    await scene.alice.wait_for(home, match.membership(scene.bot.user_id, "join"), "the bot to join")
    async with sealed(scene) as room:
        await scene.alice.say(home, f"!migrate {scene.new.user_id} in {scene.room}")
        card = await room.carol.wait_for(scene.room, match.card("request"), "the room's card")
        assert card["sealed"]
        scene.command = scene.card = card["event_id"]
        await room.approve()
        asked = await room.asked_old()
        await room.alice.react(scene.room, asked["event_id"], SKIP)
        await scene.join_new()
        confirm = await room.said(room.new, "confirm")
        await room.new.react(scene.room, confirm["event_id"], YES)
        end = await scene.alice.wait_for(home, match.card("summary", state="done"), "the summary")
        assert scene.room in end["content"]["body"]
        await room.nothing_readable()
