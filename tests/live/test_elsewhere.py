# SPDX-License-Identifier: AGPL-3.0-or-later
"""Asking in one chat for a move in another room, and answering from any chat."""

from __future__ import annotations

import pytest

from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import JsonObject
from tests.support.match import CARD
from tests.support.person import Person
from tests.support.scene import ENCRYPTION, NO, YES, Scene, thread_of
from tests.support.timeline import Predicate

NAME = "The secret garden"
NAMED = ({"type": "m.room.name", "state_key": "", "content": {"name": NAME}},)
SEALED = ({"type": ENCRYPTION, "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}, *NAMED)


async def chat_with(scene: Scene, person: Person) -> str:
    """A chat of this person's with the bot."""
    room = await person.create_room(invite=[scene.bot.user_id])
    await person.wait_for(room, match.membership(scene.bot.user_id, "join"), "the bot to join")
    await person.wait_for(room, match.said_by(scene.bot.user_id), "the bot to introduce itself")
    return room


async def chat_of_new(scene: Scene) -> str:
    """A chat of the new account's with the bot, and with Dave, on whose server it is.

    Of an invite from another server the bot's may hear before that one has stored it.
    """
    room = await chat_with(scene, scene.dave)
    await scene.dave.invite(room, scene.new.user_id)
    await scene.new.wait_for(room, match.membership(scene.new.user_id, "invite"), "its invite")
    await scene.dave.wait_for(room, match.membership(scene.new.user_id, "invite"), "the invite")
    await scene.new.join(room, via=[scene.homeservers.old.server_name])
    return room


async def told(scene: Scene, person: Person, room: str, root: str, is_it: Predicate) -> JsonObject:
    """The bot's first such message in that thread, as this person sees it."""
    return await person.wait_for(
        room,
        lambda event: event["sender"] == scene.bot.user_id and thread_of(event) == root and is_it(event),
        f"what the bot says in the thread of {root}",
    )


async def answer(scene: Scene, person: Person, room: str, text: str, error: str | None = None) -> JsonObject:
    """Say `!migrate TEXT` there; the bot's answer."""
    command = await person.say(room, f"!migrate {text}")
    given = await told(scene, person, room, command, match.card("answer"))
    assert given["content"][CARD].get("error") == error, given["content"]["body"]
    return given


async def ask(scene: Scene, home: str, place: str | None = None, *, by: Person | None = None) -> JsonObject:
    """Ask in the chat `home` for the move in the scene's room; the card there, as the scene's request."""
    person = by or scene.alice
    scene.command = await person.say(home, f"!migrate {scene.new.user_id} in {place or scene.room}")
    card = await told(scene, person, home, scene.command, match.card("request"))
    scene.card = card["event_id"]
    return card


async def room_card(scene: Scene) -> JsonObject:
    """The card in the room itself, once it can be answered."""
    card = await scene.carol.wait_for(scene.room, match.card("request", state="waiting"), "the room's card")
    seeded = match.reaction(card["event_id"], NO, sender=scene.bot.user_id)
    await scene.carol.wait_for(scene.room, seeded, "the bot's own ❌ below it")
    return card


async def summary(scene: Scene, home: str, state: str = "done") -> JsonObject:
    """How it ended, where it was asked."""
    end = await told(scene, scene.alice, home, scene.command, match.card("summary"))
    assert end["content"][CARD]["state"] == state, end["content"]["body"]
    return end


async def closed(person: Person, room: str, card: str, state: str) -> None:
    """See that the card is brought to its final state."""

    def is_it(event: JsonObject) -> bool:
        relation = event["content"].get("m.relates_to", {})
        return relation.get("event_id") == card and match.card("request", state=state)(event)

    await person.wait_for(room, is_it, "the card's final state")


def sent(events: list[JsonObject], bot: str) -> list[JsonObject]:
    """What the bot has said there, beside its membership, invites and state."""
    said = ("m.room.message", "m.room.encrypted", "m.reaction")
    return [event for event in events if event["sender"] == bot and event["type"] in said]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_a_move_that_was_asked_for_in_another_chat(database: str, make_scene: MakeScene) -> None:
    scene = await make_scene(database=database, state=NAMED)
    home = await chat_with(scene, scene.alice)
    request = await ask(scene, home)
    assert f"in the room {NAME} ({scene.room})?" in request["content"]["body"]
    assert "Those who can answer are asked in that room, too." in request["content"]["body"]
    asked = await room_card(scene)
    assert "in this room? It was asked in another chat." in asked["content"]["body"]
    assert home not in str(asked)
    assert sorted(asked["content"]["m.mentions"]["user_ids"]) == sorted(
        [scene.alice.user_id, scene.carol.user_id]
    )
    await scene.carol.react(scene.room, asked["event_id"], YES)
    await scene.join_new()
    confirm = await told(scene, scene.new, scene.room, asked["event_id"], match.card("confirm"))
    assert scene.room not in confirm["content"]["body"]  # it is said there, so "this room" will do
    await scene.new.react(scene.room, confirm["event_id"], YES)
    end = await summary(scene, home)
    assert scene.carol.user_id in end["content"]["body"]
    await closed(scene.alice, home, scene.card, "done")
    await closed(scene.carol, scene.room, asked["event_id"], "done")
    assert await scene.level(scene.new) == 100


async def test_a_reaction_counts_where_it_was_asked_and_from_nobody_who_may_not(
    make_scene: MakeScene,
) -> None:
    scene = await make_scene()
    home = await chat_with(scene, scene.alice)
    await ask(scene, home)
    await room_card(scene)
    for person in (scene.dave, scene.carol):
        await scene.alice.invite(home, person.user_id)
        await person.join(home)
    await scene.dave.react(home, scene.card, YES)  # an ordinary member of the room
    told_so = await scene.carol.wait_for(scene.room, match.says("does not count here"), "a hint in the room")
    assert told_so["content"]["m.mentions"]["user_ids"] == [scene.dave.user_id]
    assert await scene.membership(scene.new) is None
    await scene.carol.react(home, scene.card, YES)
    await scene.invited()


async def test_answers_and_questions_from_any_chat_of_those_whom_it_concerns(make_scene: MakeScene) -> None:
    scene, other = await make_scene(state=NAMED), await make_scene()
    home = await chat_with(scene, scene.alice)
    number = match.number_of(await ask(scene, home))
    asked = await room_card(scene)
    # A stranger learns nothing, in a chat of his own and even where it was asked.
    strange = await chat_with(scene, other.dave)
    await scene.alice.invite(home, other.dave.user_id)
    await other.dave.join(home)
    for place in (strange, home):
        for word in ("status", "approve", "refuse", "cancel", "retry"):
            refused = await answer(scene, other.dave, place, f"{word} {number}", "no_such_migration")
            assert NAME not in refused["content"]["body"]
            assert scene.room not in str(refused["content"])
    # A member may ask, and is told whose answer counts.
    mine = await chat_with(scene, scene.dave)
    status = await answer(scene, scene.dave, mine, f"status {number}")
    assert NAME in status["content"]["body"]
    named = ", ".join(sorted((scene.alice.user_id, scene.carol.user_id)))
    assert f"Who can answer: {named}." in status["content"]["body"]
    refused = await answer(scene, scene.dave, mine, f"approve {number}", "not_yours")
    assert f"it takes level 100 (admin) in the room {NAME}" in refused["content"]["body"]
    await answer(scene, scene.dave, mine, f"cancel {number}", "not_yours")
    # The new account knows its own mind, and not what the room is like.
    await answer(scene, scene.new, await chat_of_new(scene), f"status {number}", "no_such_migration")
    yes = await answer(scene, scene.carol, await chat_with(scene, scene.carol), f"approve {number}")
    assert "counts. That is enough" in yes["content"]["body"]
    await scene.join_new()
    confirm = await told(scene, scene.new, scene.room, asked["event_id"], match.card("confirm"))
    # In the room's thread no number is needed.
    await scene.alice.say(scene.room, "!migrate cancel", thread=asked["event_id"])
    await summary(scene, home, "cancelled")
    assert await scene.level(scene.new) is None
    assert confirm["content"][CARD]["migration"] == number


async def test_the_new_account_says_no_from_a_chat_of_its_own(make_scene: MakeScene) -> None:
    scene = await make_scene()
    home = await chat_with(scene, scene.alice)
    number = match.number_of(await ask(scene, home))
    await room_card(scene)
    await scene.new.say(await chat_of_new(scene), f"!migrate refuse {number}")
    end = await summary(scene, home, "refused")
    assert f"{scene.new.user_id} said no" in end["content"]["body"]


async def test_rooms_that_cannot_be_named(make_scene: MakeScene) -> None:
    scene, other = await make_scene(), await make_scene(state=NAMED, levels={"bot": 50})
    home = await chat_with(scene, scene.alice)
    server = scene.homeservers.old.server_name
    new = scene.new.user_id
    await answer(scene, scene.alice, home, f"{new} in #nowhere:{server}", "no_such_room")
    await answer(scene, scene.alice, home, f"{new} in #nowhere:localhost:1", "no_such_room")
    unknown = await scene.alice.create_room()
    absent = await answer(scene, scene.alice, home, f"{new} in {unknown}", "bot_not_joined")
    assert f"/invite {scene.bot.user_id}" in absent["content"]["body"]
    # Somebody else's room stays theirs.
    outside = await answer(scene, scene.alice, home, f"{new} in {other.room}", "not_joined")
    assert NAME not in str(outside["content"])
    assert other.carol.user_id not in str(outside["content"])
    await other.carol.kick(other.room, other.bot.user_id)
    await other.alice.wait_for(other.room, match.membership(other.bot.user_id, "leave"), "the bot to be out")
    theirs = await chat_with(other, other.alice)
    await answer(other, other.alice, theirs, f"{new} in {other.room}", "bot_not_joined")


async def test_a_refusal_names_the_room(make_scene: MakeScene) -> None:
    scene = await make_scene()
    home = await chat_with(scene, scene.alice)
    await scene.carol.ban(scene.room, scene.new.user_id)
    refused = await answer(scene, scene.alice, home, f"{scene.new.user_id} in {scene.room}", "new_banned")
    assert f"is banned from the room {scene.room}" in refused["content"]["body"]
    assert "there. Then ask again" in refused["content"]["body"]


async def test_an_alias_and_a_link_name_a_room_too(make_scene: MakeScene) -> None:
    scene = await make_scene()
    home = await chat_with(scene, scene.alice)
    alias = f"#garden-{scene.alice.user_id[1:].partition(':')[0]}:{scene.homeservers.old.server_name}"
    await scene.carol.api.request(
        "PUT", f"/_matrix/client/v3/directory/room/{alias.replace('#', '%23')}", {"room_id": scene.room}
    )
    shown = await answer(scene, scene.alice, home, f"{scene.new.user_id} in {alias} --dry-run")
    assert f"in the room {scene.room}?" in shown["content"]["body"]
    await ask(scene, home, f"https://matrix.to/#/{scene.room}?via=example.org")
    await room_card(scene)


async def test_a_room_card_that_is_removed_ends_the_move(make_scene: MakeScene) -> None:
    scene = await make_scene()
    home = await chat_with(scene, scene.alice)
    await ask(scene, home)
    asked = await room_card(scene)
    await scene.carol.redact(scene.room, asked["event_id"])
    await summary(scene, home, "refused")


async def test_a_bot_that_is_put_out_of_the_chat_where_it_was_asked_goes_no_further(
    make_scene: MakeScene,
) -> None:
    scene = await make_scene()
    home = await chat_with(scene, scene.alice)
    await ask(scene, home)
    asked = await room_card(scene)
    await scene.alice.kick(home, scene.bot.user_id)
    await scene.carol.react(scene.room, asked["event_id"], YES)
    await closed(scene.carol, scene.room, asked["event_id"], "cancelled")
    assert await scene.membership(scene.new) is None


async def test_an_encrypted_room_without_encryption_set_up_is_moved_in_without_a_word_there(
    make_scene: MakeScene,
) -> None:
    scene = await make_scene(state=SEALED)
    home = await chat_with(scene, scene.alice)
    request = await ask(scene, home)
    number = match.number_of(request)
    body = request["content"]["body"]
    assert "The bot cannot say anything in that room: it is encrypted" in body
    assert f"!migrate approve {number}" in body
    await answer(scene, scene.carol, await chat_with(scene, scene.carol), f"approve {number}")
    asked = await told(scene, scene.alice, home, scene.command, match.card("progress"))
    assert f"/invite {scene.new.user_id} in the room {NAME}" in asked["content"]["body"]
    await scene.alice.invite(scene.room, scene.new.user_id)
    await scene.join_new()
    confirm = await told(scene, scene.alice, home, scene.command, match.card("confirm"))
    assert f"!migrate approve {number}" in confirm["content"]["body"]
    assert NAME in confirm["content"]["body"]
    await scene.new.say(await chat_of_new(scene), f"!migrate approve {number}")
    end = await summary(scene, home)
    assert end["content"][CARD]["rooms"][0]["left_to_do"][-1] == "export_keys"
    assert await scene.level(scene.new) == 100
    assert sent(await scene.carol.messages(scene.room), scene.bot.user_id) == []


async def test_there_an_invited_admin_answers_with_a_reaction(make_scene: MakeScene) -> None:
    scene = await make_scene(state=SEALED)
    home = await chat_with(scene, scene.alice)
    await ask(scene, home)
    for person in (scene.carol, scene.new):
        await scene.alice.invite(home, person.user_id)
        await person.join(home, via=[scene.homeservers.old.server_name])
    await scene.carol.react(home, scene.card, YES)
    asked = await told(scene, scene.carol, home, scene.command, match.card("progress"))
    await scene.carol.react(home, asked["event_id"], "\u23ed\ufe0f")
    await scene.join_new()
    confirm = await told(scene, scene.new, home, scene.command, match.card("confirm"))
    await scene.new.react(home, confirm["event_id"], YES)
    await summary(scene, home)
    await closed(scene.alice, home, scene.card, "done")
    assert sent(await scene.carol.messages(scene.room), scene.bot.user_id) == []


async def test_a_yes_from_another_chat_counts_as_long_as_it_stands_there(make_scene: MakeScene) -> None:
    scene = await make_scene()
    home = await chat_with(scene, scene.alice)
    number = match.number_of(await ask(scene, home))
    asked = await room_card(scene)
    mine = await chat_with(scene, scene.carol)
    yes = await scene.carol.say(mine, f"!migrate approve {number}")
    await scene.invited()
    await scene.carol.redact(mine, yes)
    lost = await told(scene, scene.carol, scene.room, asked["event_id"], match.card("progress"))
    assert "the approval no longer stands" in lost["content"]["body"]
    # Whoever leaves the chat has said it all the same: the bot stays to read it.
    again = await scene.carol.say(mine, f"!migrate approve {number}")
    await told(scene, scene.carol, mine, again, match.says("counts. That is enough"))
    await scene.carol.leave(mine)
    await scene.enter()
    confirm = await told(scene, scene.new, scene.room, asked["event_id"], match.card("confirm"))
    await scene.new.react(scene.room, confirm["event_id"], YES)
    await summary(scene, home)
