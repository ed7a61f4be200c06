# SPDX-License-Identifier: AGPL-3.0-or-later
"""A creator moves, in a room of version 12: what can be given to the new account, and what can't."""

from __future__ import annotations

from scripts.demo.outcome import WentWrong, check_log, check_room, show_room, tried
from scripts.demo.paper import Paper, Style
from scripts.demo.script import Script, Setting, Take
from tests.support import match
from tests.support.api import client_path
from tests.support.person import POWER_LEVELS
from tests.support.scene import Scene

_MOST = 150  # what everything that a level can allow takes in a room of version 12; the bot has only 100


async def _play(scene: Scene) -> None:
    await scene.alice.say(scene.room, "I made this room, and now I move to another homeserver.")
    await scene.ask()
    await scene.carol.say(scene.room, "That really is Alice, we spoke on the phone.")
    await scene.approve(scene.carol)
    await scene.join_new()
    await scene.confirm()
    await scene.end("partial")
    given = await scene.alice.set_power(scene.room, {scene.new.user_id: _MOST})
    await scene.new.wait_for(scene.room, match.event_id(given), "the level that Alice gave it")


async def _outcome(take: Take, paper: Paper) -> None:
    show_room(take, paper)
    check_room(take, touched={(POWER_LEVELS, ""), ("m.room.member", take.stage.new.user_id)}, level=_MOST)
    paper.text("Nothing else in the room's state was set.")
    paper.blank()
    paper.text("What the new account can do now, tried on its own homeserver", style=Style.HEADING)
    await _show_abilities(take, paper)
    check_log(take)


async def _show_abilities(take: Take, paper: Paper) -> None:
    """All that a level allows, and nothing against a creator."""
    room, levels = take.scene.room, take.after.levels
    lowered = {**levels, "users": {**levels["users"], take.stage.carol.user_id: 50}}
    topic = client_path("rooms", room, "state", "m.room.topic", "")
    power = client_path("rooms", room, "state", POWER_LEVELS, "")
    kick, old = client_path("rooms", room, "kick"), {"user_id": take.stage.alice.user_id}
    tries = (
        ("yes", "set the topic", "PUT", topic, {"topic": "Books, and supper"}),
        ("yes", "lower Carol, who has level 100", "PUT", power, lowered),
        ("no", "remove the creator, Alice's old account", "POST", kick, old),
    )
    for expected, what, method, path, content in tries:
        answer = await tried(take.stage.new, method, path, content)
        paper.text(f"{answer.ljust(len('yes  '))}{what}")
        if answer != expected:
            raise WentWrong(f"That the new account can {what} should be: {expected}.")
    paper.blank()
    paper.text(
        f"Alice's old account {take.stage.alice.user_id} stays the room's only creator, "
        "also after it has left: creators are written into the room for ever."
    )
    if await _creators(take) != [take.stage.alice.user_id]:
        raise WentWrong("The creators of the room are not who they were.")


async def _creators(take: Take) -> list[str]:
    created = await take.stage.new.state_event(take.scene.room, "m.room.create")
    return [created["sender"], *created["content"].get("additional_creators", [])]


V12 = Script(
    opening=(
        "Alice moves from the homeserver {old} to {new}, in the room “{room}” of version 12, "
        "which she has created. Creators stand above every level, and no account can be made one later."
    ),
    roles={
        "alice": "the old account, the room's creator",
        "new": "her account on the other homeserver",
        "carol": "an admin (level 100)",
        "dave": "a member",
        "bot": "the bot",
    },
    setting=Setting(version="12", creator="alice"),
    play=_play,
    outcome=_outcome,
)
