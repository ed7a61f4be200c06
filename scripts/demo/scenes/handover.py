# SPDX-License-Identifier: AGPL-3.0-or-later
"""A creator hands the room over for good: by an upgrade, which people do and the bot follows."""

from __future__ import annotations

from scripts.demo.outcome import WentWrong, check_log, show_room, tried
from scripts.demo.paper import Paper, Style
from scripts.demo.script import Script, Setting, Take
from tests.support import match
from tests.support.api import client_path
from tests.support.person import POWER_LEVELS
from tests.support.scene import Scene

CHILD, PARENT = "m.space.child", "m.space.parent"
_MOST = 150  # what upgrading takes in a room of version 12


async def _play(scene: Scene) -> None:
    await _list_in_space(scene)
    await scene.alice.say(
        scene.room, "I made this room. My new account is to own it, before this one is gone."
    )
    await scene.ask("--hand-over")
    await scene.carol.say(scene.room, "Only Alice stands as high as what is asked for. Her server, her yes.")
    await scene.approve(scene.alice)
    await scene.join_new()
    await scene.confirm()
    await scene.in_thread(match.says("/upgraderoom 12"), "how to upgrade")
    await scene.alice.set_power(scene.room, {scene.new.user_id: _MOST})
    await _follow(scene, await _upgrade(scene))


async def _list_in_space(scene: Scene) -> None:
    """A space of Alice's that lists the room, and that the bot may change."""
    space = await scene.alice.create_room(
        version="12",
        name="Everything about books",
        creation_content={"type": "m.space"},
        power_levels={"users": {scene.bot.user_id: 50}},
        invite=[scene.bot.user_id],
    )
    await scene.alice.wait_for(space, match.membership(scene.bot.user_id, "join"), "the bot in the space")
    via = [scene.homeservers.old.server_name]
    await scene.alice.set_state(space, CHILD, {"via": via}, scene.room)
    await scene.alice.set_state(scene.room, PARENT, {"via": via, "canonical": True}, space)


async def _upgrade(scene: Scene) -> str:
    """What the bot told Alice to send; the room ID of what follows. Spec: client-server, room upgrades"""
    path = client_path("rooms", scene.room, "upgrade")
    request = {"new_version": "12", "additional_creators": [scene.new.user_id]}
    return str((await scene.alice.api.request("POST", path, request))["replacement_room"])


async def _follow(scene: Scene, successor: str) -> None:
    """Let the bot in, and come in oneself when it invites."""
    wish = match.says("cannot come into the new room by itself")
    await scene.in_thread(wish, "that the bot wants to be let in", seen_by=scene.alice)
    await scene.alice.invite(successor, scene.bot.user_id)
    for person in (scene.new, scene.carol):
        is_invite = match.membership(person.user_id, "invite")
        await scene.alice.wait_for(successor, is_invite, "an invite of the bot")
        await person.wait_for(successor, is_invite, "its invite")
        await person.join(successor, via=[scene.homeservers.old.server_name])
    report = match.says("This room follows the old one", sender=scene.bot.user_id)
    await scene.alice.wait_for(successor, report, "the bot's report")
    await scene.end()
    await scene.alice.wait_for(successor, match.membership(scene.carol.user_id, "join"), "Carol")
    arrived = await scene.new.say(successor, "Here I am, and the room is mine as much as the old account's.")
    await scene.carol.wait_for(successor, match.event_id(arrived), "what the new account says")


async def _outcome(take: Take, paper: Paper) -> None:
    show_room(take, paper)
    _check_room(take)
    await _check_predecessor(take)
    await _show_abilities(take, paper)
    await _show_space(take, paper)
    check_log(take)


def _check_room(take: Take) -> None:
    stage, before, after = take.stage, take.before, take.after
    alice, new = stage.alice.user_id, stage.new.user_id
    if list(after.creators) != [alice, new]:
        raise WentWrong("The creators of the new room are not Alice's two accounts.")
    members = dict.fromkeys(stage.cast, "join") | {stage.dave.user_id: "invite"}
    if after.memberships != members:
        raise WentWrong("The members of the new room are not those of the old one.")
    if (after.levels["users"], after.visibility) != (before.levels["users"], before.visibility):
        raise WentWrong("The settings of the new room are not those of the old one.")


async def _check_predecessor(take: Take) -> None:
    """That the two rooms name each other."""
    created = await take.stage.new.state(take.scene.room, "m.room.create")
    old_room = created["predecessor"]["room_id"]
    ended = await take.stage.carol.state(old_room, "m.room.tombstone")
    if ended["replacement_room"] != take.scene.room:
        raise WentWrong("The old room does not name the one that follows.")


async def _show_abilities(take: Take, paper: Paper) -> None:
    """What only a creator can do: there is no level that Carol, or the bot, could do it with."""
    paper.text("Who can give somebody level 150 now, tried on their own homeservers", style=Style.HEADING)
    levels = {**take.after.levels, "users": {**take.after.levels["users"], take.stage.carol.user_id: _MOST}}
    path = client_path("rooms", take.scene.room, "state", POWER_LEVELS, "")
    for expected, person in (("no", take.stage.carol), ("yes", take.stage.new)):
        answer, name = await tried(person, "PUT", path, levels), take.stage.cast[person.user_id]
        paper.text(f"{answer.ljust(len('yes  '))}{name}")
        if answer != expected:
            raise WentWrong(f"That {name} can give level 150 should be: {expected}.")
    paper.blank()


async def _show_space(take: Take, paper: Paper) -> None:
    """What an upgrade leaves as it was, and the bot has mended."""
    alice, successor = take.stage.alice, take.scene.room
    old_room = (await alice.state(successor, "m.room.create"))["predecessor"]["room_id"]
    space = next(event["room_id"] for event in alice.timeline.events if event["type"] == CHILD)
    listed = {
        room: bool((await alice.state(space, CHILD, room)).get("via")) for room in (old_room, successor)
    }
    paper.text("What Alice's space lists now", style=Style.HEADING)
    paper.text(f"{'yes' if listed[old_room] else 'no'}   the old room")
    paper.text(f"{'yes' if listed[successor] else 'no'}  the room that follows")
    if listed != {old_room: False, successor: True}:
        raise WentWrong("The space does not list the new room in place of the old one.")


HANDOVER = Script(
    opening=(
        "Alice has created the room “{room}” of version 12, and hands it over to her account on {new}. "
        "Creators can be named only where a room begins, so she upgrades the room. "
        "The bot says how, and follows."
    ),
    roles={
        "alice": "the old account, the room's creator",
        "new": "her account on the other homeserver",
        "carol": "an admin (level 100)",
        "dave": "a member",
        "bot": "the bot",
    },
    setting=Setting(version="12", creator="alice"),
    legend="» is in the room that follows.",
    play=_play,
    outcome=_outcome,
)
