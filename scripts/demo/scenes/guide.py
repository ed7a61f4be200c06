# SPDX-License-Identifier: AGPL-3.0-or-later
"""A bot without any power: it says who can do each step and how, and ticks off what the room shows."""

from __future__ import annotations

from scripts.demo.outcome import WentWrong, check_log, check_room, show_room
from scripts.demo.paper import Paper, Style
from scripts.demo.script import Script, Setting, Take
from scripts.demo.teller import Entry, Place
from tests.support import match
from tests.support.person import POWER_LEVELS
from tests.support.scene import Scene


async def _play(scene: Scene) -> None:
    await scene.carol.say(scene.room, "No level for bots in this room, please: let it tell us what to do.")
    await scene.ask()
    await scene.carol.say(scene.room, "That really is Alice, we spoke on the phone. So I do what it says.")
    await scene.carol.invite(scene.room, scene.new.user_id)
    ticked = match.says("Done. Invite", sender=scene.bot.user_id)
    await scene.carol.wait_for(scene.room, ticked, "the invite to be ticked off")
    await scene.join_new()
    yes = await scene.confirm()
    await scene.carol.wait_for(scene.room, match.event_id(yes), "the new account's yes")
    await scene.carol.set_power(scene.room, {scene.new.user_id: 100})
    await scene.end()


async def _outcome(take: Take, paper: Paper) -> None:
    show_room(take, paper)
    check_room(take, touched={(POWER_LEVELS, ""), ("m.room.member", take.stage.new.user_id)})
    paper.text("Nothing else in the room's state was set.")
    paper.blank()
    paper.text("Who did it", style=Style.HEADING)
    for entry in take.entries:
        if entry.place is Place.CHANGE:
            _write_who(entry, take, paper)
    check_log(take)


def _write_who(entry: Entry, take: Take, paper: Paper) -> None:
    """All that was done was done by people; that the bot came in is the only exception."""
    sender, bot = entry.event["sender"], take.stage.bot.user_id
    paper.text(f"- {take.stage.cast[sender]} {entry.text}")
    if sender == bot and entry.event.get("state_key") != bot:
        raise WentWrong(f"The bot was to do nothing by itself, and {entry.text}.")


GUIDE = Script(
    opening=(
        "Alice moves from the homeserver {old} to {new}, in the room “{room}”. "
        "The bot is a member like any other there (level 0), and inviting takes level 50: "
        "it can do nothing by itself, and says who can."
    ),
    roles={
        "alice": "the old account, an admin (level 100)",
        "new": "her account on the other homeserver",
        "carol": "an admin (level 100)",
        "dave": "a member",
        "bot": "the bot, without any power",
    },
    setting=Setting(bot_level=None, power={"invite": 50}),
    play=_play,
    outcome=_outcome,
)
