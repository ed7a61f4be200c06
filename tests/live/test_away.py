# SPDX-License-Identifier: AGPL-3.0-or-later
"""What happens while the bot is away is acted on when it comes back, once."""

from __future__ import annotations

from tests.conftest import People, StartBot
from tests.support import match
from tests.support.api import JsonObject
from tests.support.scene import thread_of
from tests.support.timeline import Predicate


def answer_to(command: str) -> Predicate:
    """The bot's answer in the thread of this command."""

    def fits(event: JsonObject) -> bool:
        return match.card("answer")(event) and thread_of(event) == command

    return fits


async def test_a_command_typed_while_the_bot_was_down_is_answered_once_at_its_return(
    people: People, start_bot: StartBot
) -> None:
    carol = await people("carol")
    bot = await start_bot()
    room = await carol.create_room(invite=[bot.user_id])
    await carol.wait_for(room, match.membership(bot.user_id, "join"), "the bot to join")
    before = await carol.say(room, "!migrate help")
    await carol.wait_for(room, answer_to(before), "the first answer")
    await bot.stop()
    meanwhile = await carol.say(room, "!migrate help")
    await bot.start()
    await carol.wait_for(room, answer_to(meanwhile), "the late answer")
    await bot.restart()
    afterwards = await carol.say(room, "!migrate help")
    await carol.wait_for(room, answer_to(afterwards), "the third answer")
    answered = [event for event in await carol.messages(room) if match.card("answer")(event)]
    greeting = None  # stands in no thread
    assert [thread_of(event) for event in answered] == [greeting, before, meanwhile, afterwards]
