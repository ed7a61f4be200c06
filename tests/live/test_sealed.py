# SPDX-License-Identifier: AGPL-3.0-or-later
"""Encrypted rooms, with people whose clients encrypt."""

from __future__ import annotations

import pytest

from tests.conftest import People, StartBot
from tests.support import match
from tests.support.olm import sealed_person


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_encrypted_command_is_read_and_answered_encrypted(
    people: People, start_bot: StartBot
) -> None:
    carol, bot = await people("carol"), await start_bot(encryption=True)
    async with sealed_person(carol) as sealed:
        room = await carol.create_room(
            state=[
                {
                    "type": "m.room.encryption",
                    "state_key": "",
                    "content": {"algorithm": "m.megolm.v1.aes-sha2"},
                }
            ],
            invite=[bot.user_id],
        )
        await carol.wait_for(room, match.membership(bot.user_id, "join"), "the bot to join")
        command = await sealed.say(room, "!migrate help")
        answer = await sealed.wait_for(
            room, match.says("!migrate @you:new.server", sender=bot.user_id), "the answer"
        )
    assert answer["sealed"]
    assert answer["content"]["m.relates_to"]["event_id"] == command
