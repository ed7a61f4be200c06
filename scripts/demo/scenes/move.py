# SPDX-License-Identifier: AGPL-3.0-or-later
"""The main job: Alice moves to an account on another homeserver, in a room that hides its history."""

from __future__ import annotations

from scripts.demo.outcome import check_log, check_room, fetched, show_reading, show_room
from scripts.demo.paper import Paper
from scripts.demo.script import Script, Setting, Take
from tests.support import match
from tests.support.person import POWER_LEVELS
from tests.support.scene import HISTORY, Scene


async def _play(scene: Scene) -> None:
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


async def _outcome(take: Take, paper: Paper) -> None:
    new = take.stage.new.user_id
    show_room(take, paper)
    check_room(take, touched={(POWER_LEVELS, ""), (HISTORY, ""), ("m.room.member", new)})
    paper.text("Nothing else in the room's state was set.")
    paper.blank()
    await show_reading(take, paper)
    check_log(take)


MOVE = Script(
    opening=(
        "Alice moves from the homeserver {old} to {new}, in the room “{room}”. "
        "The room hides its history from newcomers (history visibility: joined)."
    ),
    roles={
        "alice": "the old account, an admin (level 100)",
        "new": "her account on the other homeserver",
        "carol": "an admin (level 100)",
        "dave": "a member",
        "bot": "the bot",
    },
    setting=Setting(visibility="joined"),
    play=_play,
    outcome=_outcome,
)
