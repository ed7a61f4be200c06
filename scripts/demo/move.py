# SPDX-License-Identifier: AGPL-3.0-or-later
"""The main job: Alice moves to an account on another homeserver, in a room that hides its history."""

from __future__ import annotations

import asyncio

from scripts.demo.live import Live
from scripts.demo.outcome import Take, fetched, outcome
from scripts.demo.paper import Paper
from scripts.demo.programme import ROOM_NAME, programme
from scripts.demo.snapshot import snapshot
from scripts.demo.stage import Stage
from scripts.demo.teller import Teller
from tests.support import match
from tests.support.scene import HISTORY, Scene


async def move(stage: Stage, paper: Paper) -> Take:
    """Play it on this stage. Raises WentWrong, and AssertionError when something awaited does not come."""
    scene = await _reading_group(stage)
    programme(stage, paper)
    live = Live(paper, stage.carol, scene.room, Teller(stage.cast, bot=stage.bot.user_id))
    async with live.following(*stage.cast.values()):
        await _bring_in_the_bot(scene)
        before = await snapshot(scene)
        await _play(scene)
    after, entries = await snapshot(scene), tuple(live.entries)
    take = Take(stage=stage, scene=scene, entries=entries, before=before, after=after)
    await outcome(take, paper)
    return take


async def _reading_group(stage: Stage) -> Scene:
    """Carol's room, where Alice has her level. The bot is not in it yet."""
    others = (stage.alice, stage.dave)
    room = await stage.carol.create_room(
        version="11",
        name=ROOM_NAME,
        state=[{"type": HISTORY, "state_key": "", "content": {"history_visibility": "joined"}}],
        power_levels={"users": {stage.carol.user_id: 100, stage.alice.user_id: 100}},
        invite=[person.user_id for person in others],
    )
    await asyncio.gather(*(person.join(room) for person in others))
    return Scene(
        room=room,
        bot=stage.bot,
        homeservers=stage.homeservers,
        alice=stage.alice,
        carol=stage.carol,
        dave=stage.dave,
        new=stage.new,
    )


async def _bring_in_the_bot(scene: Scene) -> None:
    """Carol does what the bot asks for when it comes in."""
    bot = scene.bot.user_id
    await scene.carol.invite(scene.room, bot)
    introduction = match.of_type("m.room.message", sender=bot)
    await scene.carol.wait_for(scene.room, introduction, "what the bot says when it comes in")
    await scene.carol.set_power(scene.room, {bot: 100})


async def _play(scene: Scene) -> None:
    """What people say and do. Nobody goes on before the room shows what they wait for."""
    await scene.dave.say(scene.room, "Thursday at seven again? It is my turn to cook.")
    await scene.alice.say(
        scene.room, "Yes! And my homeserver closes at the end of the month, so I move to another one."
    )
    await scene.ask()
    await scene.carol.say(scene.room, "That really is Alice, we spoke on the phone.")
    await scene.approve(scene.carol)
    await scene.invited()
    cushion = await scene.dave.say(scene.room, "The chairs are being mended, so bring a cushion.")
    await scene.enter()
    await scene.confirm()
    await scene.end()
    await fetched(scene, {cushion})
    arrived = await scene.new.say(scene.room, "Here I am. I have read about the cushion, too.")
    await scene.carol.wait_for(scene.room, match.event_id(arrived), "what the new account says")
    await scene.carol.say(scene.room, "Welcome back!")
