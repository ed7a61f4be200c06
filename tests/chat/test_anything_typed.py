# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whatever anybody sends becomes a command, a refusal that can be shown, or nothing."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from migrationbot.chat.commands import parse
from migrationbot.chat.wishes import Command
from migrationbot.core.errors import Code, Refused
from migrationbot.core.ids import show
from tests.chat.messages import GOOD_PILL, html, text

PIECES = """
    !migrate help cancel status whereis operator pause in space all 7 @me:new.org @Me:old.org #a:b.org
    !a:b.org Me --dry-run --only --except --address --leave https://matrix.to/#/@me:new.org matrix:u/%FF
    <p> </p> <br/> <a </a> <mx-reply> </mx-reply> <!-- --> <![ &#33; &#9999999999999; > <@x:y.org>
"""
ODD_PIECES = ("\u2014leave", "\ud800", "\u202e", GOOD_PILL, "\n\n", "> <@x:y.org> hi\n\n!migrate")
WORDS = st.sampled_from((*PIECES.split(), *ODD_PIECES))
TEXTS = st.text() | st.lists(WORDS | st.text(max_size=5), max_size=12).map(" ".join)
COMMANDS = st.builds("!migrate {}".format, TEXTS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | COMMANDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
CONTENTS = st.fixed_dictionaries(
    {},
    optional={
        "msgtype": st.just("m.text") | JSON,
        "body": COMMANDS | JSON,
        "format": st.just("org.matrix.custom.html") | JSON,
        "formatted_body": COMMANDS | JSON,
        "m.relates_to": st.dictionaries(st.sampled_from(["rel_type", "m.in_reply_to"]), JSON) | JSON,
        "m.new_content": JSON,
        "m.mentions": JSON,
    },
)


@given(CONTENTS | st.dictionaries(st.text(max_size=9), JSON, max_size=3))
@example({"msgtype": "m.text", "body": "!migrate " + "@" * 70_000})
@example({"msgtype": "m.text", "body": "!migrate " + "a " * 35_000})
@example({"msgtype": "m.text", "body": "!migrate " + "\ud800"})
def test_nothing_but_a_refusal_is_ever_raised(content: dict[str, Any]) -> None:
    with suppress(Refused):
        command = parse(content)
        assert command is None or isinstance(command, Command)


@given(COMMANDS, COMMANDS)
def test_a_command_is_never_passed_over(body: str, formatted: str) -> None:
    with suppress(Refused):
        assert parse(html(body, formatted)) is not None


@given(COMMANDS)
def test_a_refusal_says_why_and_can_be_shown(body: str) -> None:
    try:
        parse(text(body))
        return
    except Refused as raised:
        refusal = raised
    assert refusal.code in (Code.USAGE, Code.BAD_OPTION, Code.BAD_USER_ID, Code.LOOKALIKE)
    for detail in refusal.details.values():
        assert detail == show(detail) or "\u2039U+" in detail or detail.endswith("\u2026")
