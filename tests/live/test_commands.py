# SPDX-License-Identifier: AGPL-3.0-or-later
"""What counts as a command, however clients send it, and what never does."""

from __future__ import annotations

import html

import pytest

from tests.live.conftest import MakeScene
from tests.support import match
from tests.support.api import JsonObject
from tests.support.person import Person
from tests.support.scene import HISTORY, Scene


@pytest.mark.parametrize(
    "text",
    [
        "!MIGRATE NEW",
        "!Migrate    NEW   ",
        "!migrate\nNEW",
        " !migrate \n\n NEW\n",
        "!migrate NEW --KEEP-history",
    ],
)
async def test_case_spaces_and_new_lines_do_not_matter(text: str, make_scene: MakeScene) -> None:
    scene = await make_scene()
    scene.command = await scene.alice.say(scene.room, text.replace("NEW", scene.new.user_id))
    card = await scene.in_thread(match.card("request"), "the request card")
    assert scene.new.user_id in card["content"]["body"]


@pytest.mark.parametrize(
    "link", ["https://matrix.to/#/{}", "https://matrix.to/#/{}?via=x.org", "matrix:u/{}"]
)
async def test_a_mention_pill_names_the_account(link: str, make_scene: MakeScene) -> None:
    scene = await make_scene()
    new = scene.new.user_id
    address = link.format(new.removeprefix("@") if link.startswith("matrix:") else new)
    pill = f'!migrate <a href="{html.escape(address)}">Alice at home</a> --keep-history'
    scene.command = await scene.alice.say(
        scene.room,
        "!migrate Alice at home --keep-history",
        formatted=pill,
        **{"m.mentions": {"user_ids": [new]}},
    )
    card = await scene.in_thread(match.card("request"), "the request card")
    assert new in card["content"]["body"]


async def test_a_command_within_a_thread_is_answered_in_that_thread(make_scene: MakeScene) -> None:
    scene = await make_scene()
    root = await scene.dave.say(scene.room, "What about your new account?")
    await scene.command_is(scene.new.user_id, thread=root)
    scene.command = root
    scene.card = (await scene.in_thread(match.card("request"), "the request card"))["event_id"]
    await scene.run_to_end()


async def test_a_command_below_which_no_thread_can_start_gets_plain_replies(make_scene: MakeScene) -> None:
    scene = await make_scene()
    said = await scene.alice.say(scene.room, "something")
    relation = {"rel_type": "m.reference", "event_id": said}
    answer = await _reply_to(scene, "help", relation)
    assert (match.card_of(answer) or {})["card"] == "answer"
    request = await _reply_to(scene, scene.new.user_id, relation)
    assert (match.card_of(request) or {})["card"] == "request"
    await scene.alice.react(scene.room, request["event_id"], "❌")
    await scene.carol.wait_for(scene.room, match.card("summary", state="cancelled"), "the summary")
    await scene.ask()  # nobody is in the way any more


async def _reply_to(scene: Scene, text: str, relation: JsonObject) -> JsonObject:
    """The bot's reply to a command that relates to something else."""
    command = await scene.alice.say(scene.room, f"!migrate {text}", **{"m.relates_to": relation})
    reply = {"m.in_reply_to": {"event_id": command}}
    return await scene.carol.wait_for(
        scene.room, lambda event: event["content"].get("m.relates_to") == reply, f"a reply to {text}"
    )


async def test_what_is_no_command_triggers_nothing(make_scene: MakeScene) -> None:
    scene = await make_scene()
    new = scene.new.user_id
    said = await scene.alice.say(scene.room, "something else")
    await scene.alice.say(scene.room, f"!migrate {new}", edit=said)
    await scene.alice.say(scene.room, f"!migrate {new}", msgtype="m.notice")
    await scene.alice.say(scene.room, f"!migrate {new}", msgtype="m.emote")
    await scene.alice.say(scene.room, f"!migrated {new}")
    await scene.alice.say(scene.room, f"Write !migrate {new}")
    await scene.alice.say(scene.room, f"> !migrate {new}")
    await scene.alice.send(scene.room, "org.example.message", {"msgtype": "m.text", "body": "!migrate help"})
    await scene.nothing_happens()


async def test_an_edit_does_not_mend_a_command(make_scene: MakeScene) -> None:
    scene = await make_scene()
    command = await scene.command_is(f"{scene.new.user_id} --dry-rum")
    await scene.answer_to(command, error="bad_option")
    await scene.alice.say(scene.room, f"!migrate {scene.new.user_id}", edit=command)
    # Not every client puts an asterisk before what it shows where edits are unknown.
    said = {"msgtype": "m.text", "body": f"!migrate {scene.new.user_id}"}
    relation = {"rel_type": "m.replace", "event_id": command}
    edit = {**said, "m.new_content": said, "m.relates_to": relation}
    await scene.alice.send(scene.room, "m.room.message", edit)
    await scene.nothing_happens()


async def test_the_bot_does_not_obey_itself(make_scene: MakeScene) -> None:
    scene = await make_scene()
    itself = Person(scene.bot.options.account)
    try:
        await itself.say(scene.room, f"!migrate {scene.new.user_id}")
        await scene.nothing_happens()
    finally:
        await itself.close()


async def test_a_deleted_command_is_not_obeyed_even_if_it_was_seen(make_scene: MakeScene) -> None:
    scene = await make_scene()
    command = await scene.command_is("help")
    await scene.answer_to(command)
    await scene.alice.redact(scene.room, command)
    await scene.nothing_happens()


async def test_help_says_what_can_be_written(make_scene: MakeScene) -> None:
    scene = await make_scene()
    for text in ("help", "HELP", ""):
        answer = await scene.answer_to(await scene.command_is(text, by=scene.dave))
        for word in ("--dry-run", "--keep-history", "!migrate cancel"):
            assert word in answer["content"]["body"]
        assert answer["content"]["msgtype"] == "m.notice"


async def test_a_dry_run_says_the_same_and_changes_nothing(make_scene: MakeScene) -> None:
    scene = await make_scene(visibility="joined")
    before = await scene.state()
    command = await scene.command_is(f"{scene.new.user_id} --dry-run")
    answer = await scene.answer_to(command)
    await scene.alice.react(scene.room, answer["event_id"], "✅")
    await scene.nothing_happens()
    assert await scene.state() == before
    first, _ = await scene.sent_by_bot(since=command)
    assert first["event_id"] == answer["event_id"]
    shown = answer["content"]["body"]
    assert "Dry run" in shown
    assert answer["content"]["m.mentions"] == {}
    card = await scene.ask()
    lines = [line for line in card["content"]["body"].splitlines() if line.startswith("- ")]
    assert lines
    assert [line for line in lines if line not in shown] == []


async def test_both_options_together(make_scene: MakeScene) -> None:
    scene = await make_scene(visibility="joined")
    answer = await scene.answer_to(await scene.command_is(f"--keep-history --dry-run {scene.new.user_id}"))
    assert "stays so" in answer["content"]["body"]
    assert await scene.carol.state(scene.room, HISTORY) == {"history_visibility": "joined"}
