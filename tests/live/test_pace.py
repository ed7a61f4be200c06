# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bot keeps to the limits of its homeserver, which it learns from hardly any 429."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest

from scripts.bench.limits import limits
from scripts.bench.meter import Meter
from tests.conftest import StartBot
from tests.support import match
from tests.support.community import Community, Kind, community
from tests.support.homeserver import homeserver_pair
from tests.support.synapse_config import LIFTED, ServerOptions

# Synapse's default for each invitee, and nothing else. The inviting server counts by invitee, too.
BY_INVITEE = {key: value for key, value in LIFTED["rc_invites"].items() if key != "per_user"}


async def test_default_limits_are_used_up_with_two_429s_at_most() -> None:
    found = {figure.what: figure.value for figure in await limits(rooms=3)}
    assert (found["429s"] or 0) <= 2
    # With so few sends the answers, looks and pauses of 429s weigh more than in the benchmark.
    assert (found["from the first to the last"] or 0) <= 1.1 * (found["the least time for as many"] or 0) + 8


@asynccontextmanager
async def metered(url: str) -> AsyncIterator[Meter]:
    meter = Meter(url)
    await meter.start()
    try:
        yield meter
    finally:
        await meter.close()


def refused(meter: Meter) -> list[str]:
    """What was answered with a 429."""
    return [each.label for each in meter.exchanges if each.status == HTTPStatus.TOO_MANY_REQUESTS]


async def invited(made: Community) -> list[str]:
    """The names of the rooms in which the new account is, or is invited."""
    members = {name: await made.carol.members(room_id) for name, room_id in made.rooms.items()}
    return [name for name, each in members.items() if made.new.user_id in each]


@pytest.mark.parametrize("elsewhere", [False, True], ids=["on the bot's server", "on another server"])
async def test_a_sixth_invite_of_an_account_holds_up_nothing_else(
    elsewhere: bool, tmp_path: Path, start_bot: StartBot
) -> None:
    folder = tmp_path / "pair"
    folder.mkdir()
    limited = ServerOptions(limits={**LIFTED, "rc_invites": BY_INVITEE})
    async with homeserver_pair(folder, old=limited) as pair, metered(pair.old.url) as meter:
        bot = await start_bot(server=pair.old, homeserver_url=meter.url)
        homes = pair if elsewhere else replace(pair, new=pair.old)
        async with community(homes, bot, {f"room {number}": Kind() for number in range(6)}) as made:
            await made.ask("space")
            await made.carol.react(made.room, made.card, "✅")
            shown = await made.shows("3 rooms: invites that are sent one after the other")
            text = match.shown_content(shown)["body"]
            assert "the bot's own homeserver takes invites for one account only now and then" in text
            assert "All invites will be sent by" in text
            assert [each.rpartition("/")[2] for each in refused(meter)] == ["invite"]
            names = await invited(made)
            assert len(names) == 5

            others = [room_id for name, room_id in made.rooms.items() if name not in {*names, "space"}]
            room = others[-1]  # which waits for its invite
            await made.alice.say(room, "!migrate help")
            await made.carol.wait_for(room, match.card("answer"), "an answer in another room")
            await made.let_in(*[name for name in names if name != "space"][:2])
            await made.confirm()
            await made.shows("2 of 8 rooms done")

            await bot.restart()
            await made.say("status", thread=made.command)
            answer = await made.in_thread(match.card("answer"), "how far it is")
            assert "2 of 8 rooms done" in answer["content"]["body"]
            assert await invited(made) == names
            assert len(refused(meter)) <= 2  # nothing is stored: one more is met
            await bot.stop()  # before what it talks to goes
