# SPDX-License-Identifier: AGPL-3.0-or-later
"""More was said than one sync shows: what was meant for the bot is found among it, and acted on once."""

from __future__ import annotations

import asyncio

from tests.support import match
from tests.support.invariants import broken
from tests.support.lane import Lane
from tests.support.reference import greeted
from tests.support.scene import YES, RoomOptions, Scene, thread_of, usual_room

# More than maubot's filter, or the bot's own, lets through.
VERY_MUCH = 60


async def chatter(scene: Scene) -> None:
    """Dave says more than one sync shows."""
    await asyncio.gather(*(scene.dave.say(scene.room, f"message {number}") for number in range(VERY_MUCH)))


async def answers_to(scene: Scene, command: str) -> int:
    """How often a command was answered."""
    said = await scene.carol.messages(scene.room)
    return sum(1 for event in said if match.card("answer")(event) and thread_of(event) == command)


async def card(scene: Scene) -> None:
    """The request card comes."""
    scene.card = (await scene.in_thread(match.card("request"), "the request card"))["event_id"]


async def joined(scene: Scene) -> None:
    """The new account joins and is sure that it is in."""
    await scene.enter()
    await scene.carol.wait_for(scene.room, match.membership(scene.new.user_id, "join"), "the join")


async def test_what_is_said_in_a_gap_of_a_running_bot_is_acted_on_once(shared_lane: Lane) -> None:
    lane = shared_lane
    await lane.up()
    async with usual_room(lane.homeservers, lane.bot, RoomOptions(visibility="joined")) as scene:
        await greeted(scene)
        async with lane.proxy.silence():
            scene.command = await scene.command_is(scene.new.user_id)
            asked = await scene.command_is("help", by=scene.dave)
            await chatter(scene)
        await card(scene)
        assert scene.room in lane.proxy.gaps
        lane.proxy.gaps.clear()
        async with lane.proxy.silence():
            await scene.approve(scene.carol)
            await chatter(scene)
        await scene.invited()
        async with lane.proxy.silence():
            await joined(scene)
            await chatter(scene)
        question = await scene.confirm_card()
        async with lane.proxy.silence():
            await scene.new.react(scene.room, question["event_id"], YES)
            is_yes = match.reaction(question["event_id"], YES, sender=scene.new.user_id)
            await scene.carol.wait_for(scene.room, is_yes, "the yes")
            await chatter(scene)
        await scene.end()
        assert scene.room in lane.proxy.gaps
        assert await answers_to(scene, asked) == 1
        assert await broken(scene) == []


async def test_what_is_said_in_a_gap_while_the_bot_is_away_is_acted_on_once(shared_lane: Lane) -> None:
    lane = shared_lane
    await lane.up()
    async with usual_room(lane.homeservers, lane.bot, RoomOptions(visibility="joined")) as scene:
        await greeted(scene)
        async with lane.away():
            scene.command = await scene.command_is(scene.new.user_id)
            asked = await scene.command_is("help", by=scene.dave)
            await chatter(scene)
        await card(scene)
        async with lane.away():
            await scene.approve(scene.carol)
            await chatter(scene)
        await scene.invited()
        async with lane.away():
            await joined(scene)
            await chatter(scene)
        await scene.confirm()
        await scene.end()
        async with lane.away():
            await chatter(scene)
        await scene.nothing_more()
        assert await answers_to(scene, asked) == 1
        assert await broken(scene) == []


async def test_what_comes_in_one_sync_after_an_event_that_maubot_stumbles_over_is_acted_on(
    shared_lane: Lane,
) -> None:
    lane = shared_lane
    await lane.up()
    async with usual_room(lane.homeservers, lane.bot, RoomOptions()) as scene:
        await greeted(scene)
        await scene.ask()
        reply = {"m.in_reply_to": {"event_id": scene.command}}
        logged = lane.bot.log_text().count("TypeError")
        async with lane.proxy.silence():
            html = {"format": "org.matrix.custom.html", "formatted_body": ["no text"]}
            content = {"msgtype": "m.text", "body": "text", **html, "m.relates_to": reply}
            await scene.dave.send(scene.room, "m.room.message", content)
            asked = await scene.command_is("help", by=scene.dave)
            await scene.approve(scene.carol)
        await scene.invited()
        await scene.answer_to(asked)
        assert lane.bot.log_text().count("TypeError") > logged
        assert await answers_to(scene, asked) == 1
