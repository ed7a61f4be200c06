# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nothing that the bot says in an encrypted room can be read by its homeserver."""

from __future__ import annotations

import pytest

from tests.conftest import People, StartBot
from tests.support import match
from tests.support.api import JsonObject
from tests.support.bot import BotProcess
from tests.support.person import Person

ENCRYPTION = {
    "type": "m.room.encryption",
    "state_key": "",
    "content": {"algorithm": "m.megolm.v1.aes-sha2"},
}


async def encrypted_room(carol: Person, bot: BotProcess) -> str:
    """An encrypted room with the bot in it."""
    room = await carol.create_room(state=[ENCRYPTION], invite=[bot.user_id])
    await carol.wait_for(room, match.membership(bot.user_id, "join"), "the bot to join")
    return room


async def said_by(bot: BotProcess, carol: Person, room: str) -> list[JsonObject]:
    """What the bot has sent there beside its own membership."""
    events = await carol.messages(room)
    return [each for each in events if each["sender"] == bot.user_id and each["type"] != "m.room.member"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_with_encryption_set_up_every_answer_is_encrypted(people: People, start_bot: StartBot) -> None:
    carol, bot = await people("carol"), await start_bot(encryption=True)
    room = await encrypted_room(carol, bot)
    # Carol's client does not encrypt, which any homeserver lets it do; the bot's does.
    command = await carol.say(room, "!migrate help")

    def answers(event: JsonObject) -> bool:
        relation = event["content"].get("m.relates_to", {})
        return event["sender"] == bot.user_id and relation.get("event_id") == command

    answer = await carol.wait_for(room, answers, "the answer")
    assert answer["type"] == "m.room.encrypted"
    assert "ciphertext" in answer["content"]
    assert {each["type"] for each in await said_by(bot, carol, room)} == {"m.room.encrypted"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_without_encryption_the_bot_is_silent_there(people: People, start_bot: StartBot) -> None:
    carol, bot = await people("carol"), await start_bot()
    room = await encrypted_room(carol, bot)
    elsewhere = await carol.create_room(invite=[bot.user_id])
    await carol.wait_for(elsewhere, match.membership(bot.user_id, "join"), "the bot to join")
    await carol.say(room, "!migrate help")
    await carol.say(elsewhere, "!migrate help")
    await carol.wait_for(elsewhere, match.says("!migrate @", sender=bot.user_id), "the answer elsewhere")
    assert await said_by(bot, carol, room) == []
