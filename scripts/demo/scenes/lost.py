# SPDX-License-Identifier: AGPL-3.0-or-later
"""The old account is out of reach: the new one asks, and more than one has to agree."""

from __future__ import annotations

from functools import partial

from scripts.demo.outcome import WentWrong, check_log, check_room, show_room
from scripts.demo.paper import Paper, Style
from scripts.demo.script import Script, Setting, Take
from scripts.demo.stage import stage
from scripts.demo.teller import Entry, Place
from tests.support import match
from tests.support.person import POWER_LEVELS
from tests.support.scene import YES, Scene

_SILENT = 40  # days; the bot asks for 30 unless its operator says otherwise


async def _play(scene: Scene) -> None:
    await scene.carol.say(scene.room, "Alice has lost the password of her old account, she told me.")
    await scene.carol.invite(scene.room, scene.new.user_id)
    await scene.join_new()
    await scene.new.say(scene.room, "It is really me. I can't log in over there any more.")
    await scene.ask(by=scene.new, to=f"{scene.alice.user_id} {scene.new.user_id}")
    await scene.carol.say(scene.room, "I phoned her, that is her voice.")
    first = await scene.approve(scene.carol)
    await scene.dave.wait_for(scene.room, match.event_id(first), "Carol's yes")
    await scene.dave.say(scene.room, "She has told me what we read in March. That is Alice.")
    await scene.approve(scene.dave)
    await scene.confirm()
    await scene.end()


async def _outcome(take: Take, paper: Paper) -> None:
    show_room(take, paper)
    check_room(take, touched={(POWER_LEVELS, ""), ("m.room.member", take.stage.new.user_id)})
    paper.text("Nothing else in the room's state was set.")
    paper.blank()
    _show_yeses(take, paper)
    await _show_silence(take, paper)
    check_log(take)


def _show_yeses(take: Take, paper: Paper) -> None:
    """Everybody who has said yes, before the level was given; the bot's own sign counts for nobody."""
    stage = take.stage
    bot, new = stage.bot.user_id, stage.new.user_id
    given = next(number for number, each in enumerate(take.entries) if _gives(each, bot))
    agreed = [entry for entry in take.entries[:given] if _agrees(entry) and entry.event["sender"] != bot]
    paper.text(f"Who said yes before {stage.cast[new]} was given its level", style=Style.HEADING)
    for entry in agreed:
        paper.text(f"- {stage.cast[entry.event['sender']]} {entry.text}")
    paper.blank()
    if [entry.event["sender"] for entry in agreed] != [stage.carol.user_id, stage.dave.user_id, new]:
        raise WentWrong("The level was given without the yes of two admins and of the new account.")


def _gives(entry: Entry, bot: str) -> bool:
    return (entry.event["type"], entry.event["sender"]) == (POWER_LEVELS, bot)


def _agrees(entry: Entry) -> bool:
    relation = entry.event["content"].get("m.relates_to", {})
    return entry.place is Place.REACTION and bool(relation.get("key") == YES)


async def _show_silence(take: Take, paper: Paper) -> None:
    """That the old account had no part in it."""
    old = take.stage.alice.user_id
    events = await take.stage.carol.messages(take.scene.room)
    asked = next(number for number, each in enumerate(events) if each["event_id"] == take.scene.command)
    if any(event["sender"] == old for event in events[asked:]):
        raise WentWrong("The old account did something after all.")
    paper.text(
        f"The old account {old} did nothing in all this. It keeps its level: nobody in the room stands "
        "above it, and could take that away."
    )


LOST = Script(
    opening=(
        "Alice has lost the password of her account on {old}, which was last active in the room “{room}” "
        f"{_SILENT} days ago. Her new account on {{new}} asks for its place there, "
        "and nobody vouches for that from the old side."
    ),
    roles={
        "alice": "the old account, an admin (level 100)",
        "new": "her account on the other homeserver",
        "carol": "an admin (level 100)",
        "dave": "an admin (level 100)",
        "bot": "the bot",
    },
    setting=Setting(levels={"alice": 100, "carol": 100, "dave": 100}, silent_days=_SILENT),
    set_up=partial(stage, with_past=True),
    play=_play,
    outcome=_outcome,
)
