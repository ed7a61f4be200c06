# SPDX-License-Identifier: AGPL-3.0-or-later
"""Things that happen at the same time, in one room."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.conftest import People, StartBot
from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.homeserver import HomeserverPair
from tests.support.person import POWER_LEVELS, Person
from tests.support.ports import HOST, free_port
from tests.support.scene import HISTORY, YES, Scene


async def second_request(scene: Scene, new: Person) -> str:
    """Dave asks to move as well; the event ID of his request card."""
    command = await scene.command_is(new.user_id, by=scene.dave)
    card = await scene.in_thread(match.card("request"), "Dave's request card", root=command)
    return str(card["event_id"])


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_two_who_move_in_one_room_at_once_both_arrive_and_the_history_is_as_it_was(
    make_scene: MakeScene, people: People, homeservers: HomeserverPair, database: str
) -> None:
    scene = await make_scene(database=database, visibility="joined", levels={"dave": 50})
    other = await people("dave", homeservers.new)
    await scene.ask()
    card = await second_request(scene, other)
    await asyncio.gather(scene.approve(scene.carol), scene.carol.react(scene.room, card, YES))
    for person in (scene.new, other):
        await scene.carol.wait_for(scene.room, match.membership(person.user_id, "invite"), "the invite")
    await asyncio.gather(*(enter(scene, person) for person in (scene.new, other)))
    for root in (scene.command, await command_of(scene, card)):
        await scene.in_thread(match.card("summary", state="done"), "the summary", root=root)
    assert (await scene.level(scene.new), await scene.level(other)) == (100, 50)
    assert (await scene.carol.state(scene.room, HISTORY))["history_visibility"] == "joined"


async def test_a_request_made_while_another_holds_the_history_open_plans_with_the_rooms_own_setting(
    make_scene: MakeScene, people: People, homeservers: HomeserverPair
) -> None:
    scene = await make_scene(visibility="joined", levels={"dave": 50})
    other = await people("dave", homeservers.new)
    await scene.ask()
    await scene.approve(scene.carol)
    await scene.invited()
    card = await second_request(scene, other)
    shown = next(each for each in await scene.carol.messages(scene.room) if each["event_id"] == card)
    assert "the room's setting is joined" in shown["content"]["body"]
    await scene.carol.react(scene.room, card, YES)
    await scene.carol.wait_for(scene.room, match.membership(other.user_id, "invite"), "Dave's invite")
    await enter(scene, scene.new)
    await scene.end()
    await enter(scene, other)
    root = await command_of(scene, card)
    await scene.in_thread(match.card("summary", state="done"), "Dave's summary", root=root)
    assert (await scene.carol.state(scene.room, HISTORY))["history_visibility"] == "joined"


async def enter(scene: Scene, person: Person) -> None:
    """Join, and say yes to the question that is put to this person."""
    await person.join(scene.room, via=[scene.homeservers.old.server_name])

    def is_asked(event: Mapping[str, Any]) -> bool:
        asked = event.get("content", {}).get("m.mentions", {}).get("user_ids", [])
        return match.card("confirm")(dict(event)) and person.user_id in asked

    card = await person.wait_for(scene.room, is_asked, "the question")
    await person.react(scene.room, card["event_id"], YES)


async def command_of(scene: Scene, card: str) -> str:
    """The command that a request card answers."""
    shown = next(each for each in await scene.carol.messages(scene.room) if each["event_id"] == card)
    return str(shown["content"]["m.relates_to"]["event_id"])


_PASSED_ON = frozenset({"Authorization", "Content-Type"})


class Interloper:
    """Stands before the homeserver: just before the bot changes power levels, somebody else does."""

    def __init__(self, homeserver_url: str) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.before_power_change: list[Any] = []  # coroutine functions, each awaited once
        self._homeserver = homeserver_url

    async def __aenter__(self) -> Interloper:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _pass_on(self, request: web.Request) -> web.Response:
        if request.method == "PUT" and f"/state/{POWER_LEVELS}" in request.path and self.before_power_change:
            await self.before_power_change.pop(0)()
        headers = {name: value for name, value in request.headers.items() if name in _PASSED_ON}
        async with self._session.request(
            request.method, self._homeserver + request.raw_path, data=await request.read(), headers=headers
        ) as answer:
            body = await answer.read()
            kind = {"Content-Type": answer.headers.get("Content-Type", "application/json")}
            return web.Response(status=answer.status, body=body, headers=kind)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_another_admins_change_in_the_same_moment_is_there_in_the_end_as_well(
    make_scene: MakeScene, start_bot: StartBot, homeservers: HomeserverPair
) -> None:
    async with Interloper(homeservers.old.url) as interloper:
        scene = await make_scene(bot=await start_bot(homeserver_url=interloper.url))

        async def dave_becomes_moderator() -> None:
            await scene.carol.set_power(scene.room, {scene.dave.user_id: 50})

        async def inviting_takes_25() -> None:
            content = await scene.carol.state(scene.room, POWER_LEVELS)
            await scene.carol.set_state(scene.room, POWER_LEVELS, {**content, "invite": 25})

        interloper.before_power_change += [dave_becomes_moderator, inviting_takes_25]
        await scene.ask()
        await scene.run_to_end()
        content = await scene.carol.state(scene.room, POWER_LEVELS)
        assert content["users"][scene.dave.user_id] == 50
        assert content["users"][scene.new.user_id] == 100
        assert content["invite"] == 25
        await scene.bot.stop()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_change_that_makes_the_promotion_wrong_is_not_overruled(
    make_scene: MakeScene, start_bot: StartBot, homeservers: HomeserverPair
) -> None:
    async with Interloper(homeservers.old.url) as interloper:
        scene = await make_scene(
            bot=await start_bot(homeserver_url=interloper.url),
            levels={"alice": 50, "dave": 60},
            power={"events": {POWER_LEVELS: 50}},
        )

        async def dave_loses_his() -> None:
            await scene.carol.set_power(scene.room, {scene.dave.user_id: 0})

        interloper.before_power_change.append(dave_loses_his)
        await scene.ask()
        await scene.approve(scene.dave)
        await scene.join_new()
        await scene.confirm()
        told = await scene.in_thread(match.says("approval no longer stands"), "the message that it is lost")
        assert match.card("progress", state="waiting")(told)
        content = await scene.carol.state(scene.room, POWER_LEVELS)
        assert content["users"].get(scene.dave.user_id) == 0
        assert scene.new.user_id not in content["users"]
        await scene.bot.stop()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_change_that_the_bot_may_not_put_back_is_told_to_who_made_it(
    make_scene: MakeScene, start_bot: StartBot, homeservers: HomeserverPair
) -> None:
    async with Interloper(homeservers.old.url) as interloper:
        scene = await make_scene(bot=await start_bot(homeserver_url=interloper.url))

        async def carol_steps_down() -> None:
            await scene.carol.set_power(scene.room, {scene.carol.user_id: 0})

        interloper.before_power_change.append(carol_steps_down)
        await scene.ask()
        await scene.approve(scene.carol)
        await scene.join_new()
        await scene.confirm()
        told = await scene.in_thread(match.says("make your change again"), "the message to Carol")
        assert told["content"]["m.mentions"] == {"user_ids": [scene.carol.user_id]}
        await scene.end()
        await scene.bot.stop()
