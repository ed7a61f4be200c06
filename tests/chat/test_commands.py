# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is a command at all; every verb but `migrate` becomes the right command or the right refusal."""

from __future__ import annotations

from typing import Any

import pytest

from migrationbot.chat.commands import parse, starts_command
from migrationbot.chat.wishes import (
    Approve,
    Cancel,
    Check,
    Command,
    Help,
    List,
    Migrate,
    Operator,
    Refuse,
    Retry,
    Status,
    WhereIs,
)
from migrationbot.core.errors import Code
from tests.chat.messages import NEW, refused, text, typed

# ---- Whether it is a command at all ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "!migrate @me:new.org",
        "!MIGRATE @me:new.org",
        "!Migrate   @me:new.org  ",
        "  \n\t!migrate @me:new.org\n",
        "!migrate\n@me:new.org",
        "!migrate\t@me:new.org",
        "!migrate\u00a0@me:new.org",
        "!migrate \n\n @me:new.org",
    ],
)
def test_case_and_space_do_not_matter(body: str) -> None:
    assert typed(body) == Migrate(new=NEW)
    assert starts_command(body, "migrate")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "migrate @me:new.org",
        "! migrate @me:new.org",
        "!migratefoo @me:new.org",
        "!migrate-foo",
        "!migrate: @me:new.org",
        "!migr",
        "please !migrate @me:new.org",
        "\uff01migrate @me:new.org",
        "!m\u0131grate @me:new.org",
        "/migrate @me:new.org",
        " " * 100 + "!migrate",
        "> !migrate @me:new.org",
    ],
)
def test_other_words_are_not_ours(body: str) -> None:
    assert typed(body) is None
    assert not starts_command(body, "migrate")


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"msgtype": "m.text"},
        {"body": "!migrate @me:new.org"},
        {"msgtype": "m.notice", "body": "!migrate @me:new.org"},
        {"msgtype": "m.emote", "body": "!migrate @me:new.org"},
        {"msgtype": ["m.text"], "body": "!migrate @me:new.org"},
        {"msgtype": "m.text", "body": ["!migrate"]},
        {"msgtype": "m.text", "body": None},
        text("!migrate @me:new.org", **{"m.new_content": text("!migrate @me:new.org")}),
        text("!migrate @me:new.org", **{"m.relates_to": {"rel_type": "m.replace", "event_id": "$a"}}),
    ],
)
def test_other_messages_and_edits_are_not_ours(content: dict[str, Any]) -> None:
    assert parse(content) is None


@pytest.mark.parametrize(
    "relation", [None, [], "m.replace", {}, {"rel_type": "m.thread"}, {"rel_type": ["m.replace"]}]
)
def test_other_relations_do_no_harm(relation: Any) -> None:
    assert parse(text("!migrate @me:new.org", **{"m.relates_to": relation})) == Migrate(new=NEW)


def test_the_operator_may_choose_the_word() -> None:
    assert parse(text("!move-me @me:new.org"), command="move-me") == Migrate(new=NEW)
    assert parse(text("!migrate @me:new.org"), command="move-me") is None
    assert starts_command("!move-me", "move-me")


@pytest.mark.parametrize(
    "body",
    [
        "> <@x:y.org> !migrate @x:y.org\n\n!migrate @me:new.org",
        "> <@x:y.org> one\n> two\n>\n> four\n\n  !migrate @me:new.org",
        "> * <@x:y.org> waves\n\n!migrate @me:new.org",
    ],
)
def test_what_a_reply_quotes_is_not_read(body: str) -> None:
    assert typed(body) == Migrate(new=NEW)
    assert starts_command(body, "migrate")


@pytest.mark.parametrize(
    "body",
    [
        "> <@x:y.org> !migrate @me:new.org",
        "> <@x:y.org> hello\n\nno",
        "> <@x:y.org> hello\nno\n\n!migrate @me:new.org",
        "> <@x:y.org> hello\n!migrate @me:new.org",
    ],
)
def test_a_reply_that_says_something_else_is_not_ours(body: str) -> None:
    assert typed(body) is None


# ---- The other verbs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", Help()),
        ("   \n", Help()),
        ("help", Help()),
        ("HELP", Help()),
        ("help cancel --foo", Help()),
        ("--help", Help()),
        ("\u2014help", Help()),
        ("list", List()),
        ("check", Check()),
        ("cancel", Cancel()),
        ("Cancel 7", Cancel(number=7)),
        ("cancel #7", Cancel(number=7)),
        ("status", Status()),
        ("status 007", Status(number=7)),
        ("retry 999999999", Retry(number=999_999_999)),
        ("approve 7", Approve(number=7)),
        ("refuse 7", Refuse(number=7)),
        ("whereis @Old:gone.org", WhereIs(user="@Old:gone.org")),
        ("operator stats", Operator(action="stats")),
        ("operator OPEN", Operator(action="open")),
        ("operator pause", Operator(action="pause")),
        ("operator resume", Operator(action="resume")),
    ],
)
def test_the_other_verbs(words: str, expected: Command) -> None:
    assert typed(f"!migrate {words}") == expected


@pytest.mark.parametrize(
    ("words", "code", "details"),
    [
        ("list 7", Code.USAGE, {"problem": "too_many_words", "word": "7"}),
        ("check room", Code.USAGE, {"problem": "too_many_words", "word": "room"}),
        ("cancel 7 8", Code.USAGE, {"problem": "too_many_words", "word": "8"}),
        ("cancel seven", Code.USAGE, {"problem": "bad_number", "word": "seven"}),
        ("cancel -7", Code.BAD_OPTION, {"problem": "unknown", "option": "-7"}),
        ("cancel 1234567890", Code.USAGE, {"problem": "bad_number", "word": "1234567890"}),
        ("cancel \u0667", Code.USAGE, {"problem": "bad_number", "word": "\u2039U+0667\u203a"}),
        ("whereis", Code.USAGE, {"problem": "no_account"}),
        ("whereis old:gone.org", Code.BAD_USER_ID, {"shown": "old:gone.org", "reason": "no_sigil"}),
        ("whereis @a:b.org @c:d.org", Code.USAGE, {"problem": "too_many_words", "word": "@c:d.org"}),
        ("operator", Code.USAGE, {"problem": "unknown"}),
        ("operator pasue", Code.USAGE, {"problem": "unknown", "word": "pasue", "nearest": "operator pause"}),
        ("operator dance", Code.USAGE, {"problem": "unknown", "word": "dance"}),
    ],
)
def test_a_mistake_with_another_verb_is_refused(words: str, code: Code, details: dict[str, str]) -> None:
    found, given_details = refused(text(f"!migrate {words}"))
    assert found is code
    assert given_details | details == given_details
    assert given_details.get("nearest") == details.get("nearest")


def test_different_verbs_are_different_commands() -> None:
    assert Cancel(number=7) != Status(number=7)
