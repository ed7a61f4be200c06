# SPDX-License-Identifier: AGPL-3.0-or-later
"""From an empty folder to a performance, and back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from scripts.demo.keep import keep
from scripts.demo.live import Live, Sight
from scripts.demo.paper import Paper
from scripts.demo.programme import programme
from scripts.demo.script import Script, Setting, Take
from scripts.demo.snapshot import snapshot
from scripts.demo.stage import Stage
from scripts.demo.teller import Teller
from tests.support import match
from tests.support.olm import sealed_person
from tests.support.past import DAY
from tests.support.scene import HISTORY, Scene
from tests.support.sealed import SEALED
from tests.support.timeline import Timeline

STOPPED = 130  # the exit code of what was stopped with Ctrl-C

_CREATORS_ARE_KEPT_OUT = "12"  # the room version from which on no level is written down for a creator


async def perform(script: Script, paper: Paper, *, keep_up: bool = False) -> Take:
    """Set the stage, play, and clear it away."""
    began = time.monotonic()
    paper.text("Starting two homeservers and the bot …")
    async with script.set_up() as stage:
        paper.blank()
        take = await play(script, stage, paper)
        took = time.monotonic() - began
        if keep_up:
            await keep(take, paper)
    paper.blank()
    paper.text(f"All as it should be. It took {took:.0f} s; nothing is left running.")
    return take


async def play(script: Script, stage: Stage, paper: Paper) -> Take:
    """Play it on this stage. Raises WentWrong, and AssertionError when something awaited does not come."""
    scene = await _room(stage, script.setting)
    programme(script, stage, paper)
    async with _sight(stage, script.setting) as sight:
        live = Live(paper, sight, scene.room, Teller(stage.cast, bot=stage.bot.user_id))
        async with live.following(*stage.cast.values()):
            await _bring_in_the_bot(scene, script.setting.bot_level)
            before = await snapshot(scene)
            await script.play(scene)
    scene = replace(scene, room=live.rooms[-1])
    take = Take(
        script=script,
        stage=stage,
        scene=scene,
        entries=tuple(live.entries),
        before=before,
        after=await snapshot(scene),
    )
    await script.outcome(take, paper)
    return take


@asynccontextmanager
async def _sight(stage: Stage, setting: Setting) -> AsyncIterator[Sight]:
    """A client of the room's creator, who sees all of it."""
    creator = stage.alice if setting.creator == "alice" else stage.carol
    if setting.encrypted:
        async with sealed_person(creator) as client:
            yield client
    else:
        yield Timeline(creator.user_id, creator.api)


async def _room(stage: Stage, setting: Setting) -> Scene:
    """The room with people in it. The bot is not among them yet."""
    people = {"alice": stage.alice, "carol": stage.carol, "dave": stage.dave}
    levels = dict(setting.levels)
    if setting.version == _CREATORS_ARE_KEPT_OUT:
        levels.pop(setting.creator, None)
    creator = people.pop(setting.creator)
    history = {"type": HISTORY, "state_key": "", "content": {"history_visibility": setting.visibility}}
    room = await creator.create_room(
        version=setting.version,
        name=setting.name,
        state=(history, *(SEALED if setting.encrypted else ())),
        power_levels={
            "users": {stage.roles[role]: level for role, level in levels.items()},
            **setting.power,
        },
        invite=[person.user_id for person in people.values()],
    )
    await asyncio.gather(*(person.join(room) for person in people.values()))
    if setting.silent_days:
        await _fall_silent(stage, room, setting.silent_days)
    return Scene(
        room=room,
        bot=stage.bot,
        homeservers=stage.homeservers,
        alice=stage.alice,
        carol=stage.carol,
        dave=stage.dave,
        new=stage.new,
    )


async def _fall_silent(stage: Stage, room: str, days: int) -> None:
    """Have Alice's latest sign of life be that long ago."""
    if stage.past is None:
        raise ValueError("nobody can have been silent on a stage without a past")
    then = round(time.time() * 1000) - days * DAY
    # Another name: what changes nothing is not sent.
    await stage.past.does(stage.alice, room, "join", at=then, displayname="Alice (old)")


async def _bring_in_the_bot(scene: Scene, level: int | None) -> None:
    """Carol invites the bot, and gives it what it asks for when it comes in."""
    bot = scene.bot.user_id
    await scene.carol.invite(scene.room, bot)
    await scene.carol.wait_for(scene.room, match.said_by(bot), "what the bot says when it comes in")
    if level is not None:
        await scene.carol.set_power(scene.room, {bot: level})
