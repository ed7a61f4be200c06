# SPDX-License-Identifier: AGPL-3.0-or-later
"""Communities of other kinds: of room version 12, asked for where messages are encrypted, with records."""

from __future__ import annotations

import aiohttp
from nio.crypto.attachments import decrypt_attachment

from tests.live.conftest import MakeCommunity
from tests.support import match
from tests.support.api import JsonObject
from tests.support.community import Community, Kind
from tests.support.olm import SealedPerson, sealed_person

ENCRYPTED = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
MOVED = "io.github.migrationbot.moved"


async def test_a_space_of_version_12_moves_with_its_rooms(make_community: MakeCommunity) -> None:
    made = await make_community(
        {
            "library": Kind(rule="restricted"),
            "garden": Kind(),
            "throne": Kind(creators=("alice",), levels={"bot": 100}),
        },
        version="12",
    )
    assert all(":" not in room_id for room_id in made.rooms.values())
    text = (await made.ask("space"))["content"]["body"]
    assert "in 5 rooms of the space space" in text
    await made.carol.react(made.room, made.card, "✅")
    await made.let_in("space", "lobby", "garden", "throne")
    await made.enter("library")
    await made.confirm()
    outcomes = made.outcomes(await made.summary())
    assert outcomes.pop("throne") == "partial"  # creatorship can't be moved
    assert set(outcomes.values()) == {"done"}
    for name in made.rooms:
        assert await made.level_in(name) == 100


async def test_where_messages_are_encrypted_the_lists_are_encrypted_too(
    make_community: MakeCommunity,
) -> None:
    rooms = {f"room {number}": Kind(rule="public") for number in range(8)}
    made = await make_community({"lobby": Kind(state=(ENCRYPTED,)), **rooms}, encryption=True)
    async with sealed_person(made.alice) as alice, sealed_person(made.new) as new:
        made.command = await alice.say(made.room, f"!migrate {made.new.user_id} space")
        made.card = (await _said(made, alice, "request"))["event_id"]
        listed = await _file(made, alice, "rooms")
        assert listed.startswith("Will move: 10")
        assert all(f"- {name} (" in listed for name in made.rooms)
        seeded = match.reaction(made.card, "❌", sender=made.bot.user_id)
        await alice.wait_for(made.room, seeded, "the bot's own ❌")
        await alice.react(made.room, made.card, "✅")
        await made.let_in("lobby")
        question = await _said(made, new, "confirm")
        assert question["room_id"] == made.room
        await new.react(made.room, question["event_id"], "✅")
        await made.enter(*rooms)
        await made.let_in("space")
        summary = await _said(made, alice, "summary")
        assert set(made.outcomes(summary).values()) == {"done"}
        table = await _file(made, alice, "table")
        assert table.count(",done,") == 10
    said = [event for event in await made.carol.messages(made.room) if event["sender"] == made.bot.user_id]
    assert "m.room.message" not in [event["type"] for event in said]


async def test_the_room_where_it_was_asked_keeps_a_record_and_every_room_tells(
    make_community: MakeCommunity,
) -> None:
    made = await make_community({"garden": Kind()}, settings={"publish_record": True})
    card = await made.ask("space")
    assert "Record: the bot writes into the room in which this is asked" in card["content"]["body"]
    approval = await made.carol.react(made.room, made.card, "✅")
    await made.let_in("lobby")
    assert "The bot also writes it into the room" in (await made.question())["content"]["body"]
    confirmation = await made.confirm()
    await made.let_in("space", "garden")
    assert set(made.outcomes(await made.summary()).values()) == {"done"}
    key = made.alice.user_id.removeprefix("@")
    assert await made.carol.state(made.room, MOVED, key) == {
        "v": 1,
        "migration": match.number_of(card),
        "old": made.alice.user_id,
        "new": made.new.user_id,
        "command": made.command,
        "approvals": [approval],
        "confirmation": confirmation,
    }
    # What stands in another room proves nothing to those who can't read it there.
    events = await made.carol.messages(made.rooms["garden"])
    assert MOVED not in [event["type"] for event in events]
    for name in ("lobby", "garden"):
        asked = await made.carol.say(made.rooms[name], f"!migrate whereis {made.alice.user_id}")
        says = match.says(f"{made.alice.user_id} has moved to {made.new.user_id}", sender=made.bot.user_id)
        answer = await made.carol.wait_for(made.rooms[name], says, f"the answer in the {name}")
        assert answer["content"]["m.relates_to"]["event_id"] == asked


async def _said(made: Community, person: SealedPerson, kind: str) -> JsonObject:
    """The first such card of the bot's, which had to be opened."""
    is_card = match.card(kind)
    card = await person.wait_for(
        made.room, lambda event: event["sender"] == made.bot.user_id and is_card(event), f"a {kind} card"
    )
    assert card["sealed"]
    return card


async def _file(made: Community, person: SealedPerson, kind: str) -> str:
    """What a file of the bot's says to somebody with the message's keys."""
    found = await person.wait_for(
        made.room, lambda event: (match.card_of(event) or {}).get("file") == kind, f"the file of {kind}"
    )
    file = found["content"]["file"]
    assert found["sealed"]
    assert "url" not in found["content"]
    server, media = file["url"].removeprefix("mxc://").split("/")
    account = made.carol.account
    url = f"{account.homeserver_url}/_matrix/client/v1/media/download/{server}/{media}"
    headers = {"Authorization": f"Bearer {account.access_token}"}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        data = await response.read()
    clear: bytes = decrypt_attachment(data, file["key"]["k"], file["hashes"]["sha256"], file["iv"])
    assert b"Will move" not in data
    return clear.decode()
