# SPDX-License-Identifier: AGPL-3.0-or-later
"""An encrypted room: everybody's client encrypts, the bot does too, and the old account sends the invite."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from functools import partial

from scripts.demo.outcome import WentWrong, check_log, check_room, show_room
from scripts.demo.paper import Paper, Style
from scripts.demo.script import Script, Setting, Take
from scripts.demo.stage import stage
from scripts.demo.teller import Entry
from tests.support import match
from tests.support.api import JsonObject
from tests.support.person import POWER_LEVELS
from tests.support.scene import NO, Scene
from tests.support.sealed import sealed

_READABLE, _SEALED, _REACTION = "m.room.message", "m.room.encrypted", "m.reaction"
_TELLING = 20  # the fewest characters of a line by which it would be known again
_SHOWN = 48  # characters of a ciphertext


async def _play(scene: Scene) -> None:
    async with sealed(scene) as room:
        await room.carol.say(scene.room, "What we write here is for us alone. That goes for the bot, too.")
        await room.alice.say(scene.room, "Then let us see whether I can move without telling the server.")
        await room.ask()
        seeded = match.reaction(scene.card, NO, sender=scene.bot.user_id)
        await scene.carol.wait_for(scene.room, seeded, "the bot's own ❌ below the request card")
        await room.carol.say(scene.room, "That really is Alice, we have compared our emoji.")
        await room.approve()
        await room.asked_old()
        await scene.alice.invite(scene.room, scene.new.user_id)
        await room.finish()
        await room.carol.wait_for(scene.room, scene.closing("done"), "the final state of the request card")
        arrived = await room.new.say(scene.room, "Here I am. Now to the keys for what was said before.")
        await room.carol.wait_for(scene.room, match.event_id(arrived), "what the new account says")


async def _outcome(take: Take, paper: Paper) -> None:
    new = take.stage.new.user_id
    show_room(take, paper)
    check_room(take, touched={(POWER_LEVELS, ""), ("m.room.member", new)})
    paper.text("Nothing else in the room's state was set.")
    paper.blank()
    _check_inviter(take)
    await _show_held(take, paper)
    check_log(take)


def _check_inviter(take: Take) -> None:
    is_invite = match.membership(take.stage.new.user_id, "invite")
    senders = [entry.event["sender"] for entry in take.entries if is_invite(entry.event)]
    if senders != [take.stage.alice.user_id]:
        raise WentWrong("It was not the old account that invited the new one.")


async def _show_held(take: Take, paper: Paper) -> None:
    """What both homeservers answer when they are asked for all that was sent."""
    said = [entry for entry in take.entries if entry.event["type"] == _READABLE]
    for person in (take.stage.carol, take.stage.new):
        events = await person.messages(take.scene.room)
        server = person.user_id.partition(":")[2]
        paper.text(f"What the homeserver {server} holds", style=Style.HEADING)
        paper.table(_counts(events, take.stage.cast))
        paper.blank()
        _check_unreadable(events, said, take)
    await _show_one(take, paper, next(entry for entry in said if entry.event["event_id"] == take.scene.card))


def _counts(events: Iterable[JsonObject], cast: dict[str, str]) -> list[tuple[str, ...]]:
    """A table: how many events of each kind, by sender."""
    count = Counter((event["sender"], event["type"]) for event in events)
    kinds = (_READABLE, _SEALED, _REACTION)
    rows = [(name, *(str(count[user_id, kind]) for kind in kinds)) for user_id, name in cast.items()]
    return [("from", "readable messages", "encrypted messages", "reactions"), *rows]


def _check_unreadable(events: list[JsonObject], said: Iterable[Entry], take: Take) -> None:
    """That no line which people saw can be found in what the homeserver has."""
    types = {event["type"] for event in events if event["sender"] == take.stage.bot.user_id}
    held = json.dumps(events, ensure_ascii=False)
    lines = [line for entry in said for line in entry.text.splitlines() if len(line) >= _TELLING]
    if _SEALED not in types or any(event["type"] == _READABLE for event in events):
        raise WentWrong("There are messages that were not encrypted.")
    if not lines or any(line in held for line in lines):
        raise WentWrong("A homeserver can read what was said.")


async def _show_one(take: Take, paper: Paper, card: Entry) -> None:
    events = await take.stage.carol.messages(take.scene.room)
    event = next(each for each in events if each["event_id"] == take.scene.card)
    paper.text("The request, for people and for the homeserver", style=Style.HEADING)
    paper.text(card.text.splitlines()[0])
    paper.text(f"{event['type']}: {event['content']['ciphertext'][:_SHOWN]}…")
    paper.blank()
    paper.text(
        "Matrix encrypts messages. Reactions, which message answers which, and the state of the room "
        "(who is in it, and the power levels) stay visible for the homeservers."
    )


ENCRYPTED = Script(
    opening=(
        "Alice moves from the homeserver {old} to {new}, in the encrypted room “{room}”. "
        "Only her old client could share the keys of what was said before, so it is asked to send the invite."
    ),
    roles={
        "alice": "the old account, an admin (level 100)",
        "new": "her account on the other homeserver",
        "carol": "an admin (level 100)",
        "dave": "a member",
        "bot": "the bot, with encryption set up",
    },
    setting=Setting(encrypted=True),
    set_up=partial(stage, encryption=True),
    play=_play,
    outcome=_outcome,
)
