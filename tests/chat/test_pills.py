# SPDX-License-Identifier: AGPL-3.0-or-later
"""Accounts and rooms that clients send as pills and links; HTML that is not to be trusted."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest

from migrationbot.chat.commands import parse
from migrationbot.chat.wishes import Migrate
from migrationbot.core.errors import Code, Refused
from migrationbot.core.ids import UserId
from tests.chat.messages import GOOD_PILL, NEW, OLD, V12_ROOM, html, refused, text, typed


@pytest.mark.parametrize(
    "pill",
    [
        '<a href="https://matrix.to/#/@me:new.org">Me</a>',
        "<a href='https://matrix.to/#/@me:new.org'>Me</a>",
        "<a href=https://matrix.to/#/@me:new.org>Me</a>",
        '<A HREF="HTTPS://Matrix.to/#/@me:new.org">Me</A>',
        '<a class="x" href="https://matrix.to/#/@me:new.org" title=\'"\'>Me</a>',
        '<a href="https://matrix.to/#/%40me%3Anew.org">Me</a>',
        '<a href="https://matrix.to/#/@me:new.org?via=a.org&amp;action=chat">Me</a>',
        '<a href="https://matrix.to/#/@me:new.org"><b>M</b>e <i>--leave</i></a>',
        '<a href="https://matrix.to/#/@me:new.org" href="https://matrix.to/#/@you:new.org">Me</a>',
        '<a href="https://matrix.to/#/@me:new.org">Me <a href="https://matrix.to/#/@you:new.org">You</a>',
        '<a href="matrix:u/me:new.org">Me</a>',
        '<a href="MATRIX:u/me%3Anew.org?action=chat">Me</a>',
        '<a href="matrix:u/me:new.org#part">Me</a>',
    ],
)
def test_a_pill_is_the_account_that_it_links_to(pill: str) -> None:
    assert parse(html("!migrate Me", f"!migrate {pill}")) == Migrate(new=NEW)


@pytest.mark.parametrize(
    ("localpart", "link"),
    [
        ("a/b", "https://matrix.to/#/@a/b:new.org"),
        ("a/b", "https://matrix.to/#/@a%2Fb:new.org"),
        ("a/b", "matrix:u/a%2Fb:new.org"),
        ("a/$b", "https://matrix.to/#/@a%2F%24b:new.org"),
    ],
)
def test_a_slash_belongs_to_a_user_id(localpart: str, link: str) -> None:
    content = html("!migrate Me", f'!migrate <a href="{link}">Me</a>')
    if "$" in localpart:
        assert refused(content)[0] is Code.BAD_USER_ID
    else:
        assert parse(content) == Migrate(new=UserId(localpart, "new.org"))


@pytest.mark.parametrize(
    ("link", "room"),
    [
        ("https://matrix.to/#/#room:a.org", "#room:a.org"),
        ("https://matrix.to/#/%23room%3Aa.org?via=b.org", "#room:a.org"),
        ("https://matrix.to/#/!id:a.org?via=b.org&via=c.org", "!id:a.org"),
        ("https://matrix.to/#/!id:a.org/$event?via=b.org", "!id:a.org"),
        (f"https://matrix.to/#/{V12_ROOM}?via=b.org", V12_ROOM),
        ("matrix:r/room:a.org?action=join", "#room:a.org"),
        ("matrix:r/a%2Fb:a.org", "#a/b:a.org"),
        ("matrix:r/room:a.org/e/event", "#room:a.org"),
        ("matrix:roomid/id:a.org?via=b.org", "!id:a.org"),
        ("matrix:roomid/id:a.org/e/event?via=b.org", "!id:a.org"),
        (f"matrix:roomid/{V12_ROOM[1:]}", V12_ROOM),
    ],
)
def test_a_room_may_be_a_link_or_a_pill(link: str, room: str) -> None:
    assert typed(f"!migrate @me:new.org in {link}") == Migrate(new=NEW, room=room)
    pill = f'!migrate @me:new.org in <a href="{link}">Room</a>'
    assert parse(html("!migrate @me:new.org in Room", pill)) == Migrate(new=NEW, room=room)


def test_an_account_may_be_typed_as_a_link() -> None:
    assert typed("!migrate https://matrix.to/#/@me:new.org") == Migrate(new=NEW)
    assert typed("!migrate matrix:u/me:new.org") == Migrate(new=NEW)


@pytest.mark.parametrize(
    "link",
    [
        "https://example.org/#/@me:new.org",
        "http://matrix.to/#/@me:new.org",
        "https://matrix.to/@me:new.org",
        "https://matrix.to/#/",
        "https://matrix.to/#/+group:new.org",
        "https://matrix.to/#/@me:new.org%20--leave",
        "https://matrix.to/#/@me:new.org%0A",
        "https://matrix.to/#/%20@me:new.org",
        "https://matrix.to/#/@me%FF:new.org",
        "matrix:",
        "matrix:u/",
        "matrix:me:new.org",
        "matrix:user/me:new.org",
        "matrix:u/me:new.org/e/event",
        "matrix:u/%FF",
        "mailto:@me:new.org",
        "",
    ],
)
def test_a_link_to_something_else_does_not_count(link: str) -> None:
    code, details = refused(html("!migrate Me", f'!migrate <a href="{link}">Me</a>'))
    assert code is Code.BAD_USER_ID
    assert details["shown"] in ("Me", "@")  # `matrix:u/` names an account without a name


def test_other_markup_is_only_its_text() -> None:
    pill = '<a href="https://matrix.to/#/@me:new.org">Me</a>'
    for formatted in (
        f"<p>!migrate<br>{pill}</p>",
        f"<p>!migrate</p><p>{pill}</p>\n",
        f"<div><b>!mig</b>rate <i>{pill}</i></div>",
        f"!migrate&nbsp;{pill}<hr/>",
        f"&#33;migrate {pill}",
        f'!migrate {pill} <a name="x"></a>',
    ):
        assert parse(html("!migrate Me", formatted)) == Migrate(new=NEW)


def test_what_a_reply_quotes_in_html_is_not_read() -> None:
    quote = '<mx-reply><blockquote><a href="https://matrix.to/#/@x:y.org">X</a><br>!migrate</blockquote></mx-reply>'
    pill = '!migrate <a href="https://matrix.to/#/@me:new.org">Me</a>'
    assert parse(html("> <@x:y.org> hi\n\n!migrate Me", quote + pill)) == Migrate(new=NEW)
    assert refused(html("!migrate Me", "<mx-reply>" + pill))[0] is Code.BAD_USER_ID


def test_options_stand_beside_a_pill() -> None:
    pill = '<a href="https://matrix.to/#/@me:new.org">Me</a>'
    content = html("!migrate Me --dry-run", f"!migrate {pill} \u2014dry-run")
    assert parse(content) == Migrate(new=NEW, dry_run=True)


def test_two_pills_are_the_old_and_the_new_account() -> None:
    pills = '<a href="https://matrix.to/#/@me:old.org">M</a> <a href="https://matrix.to/#/@me:new.org">Me</a>'
    assert parse(html("!migrate M Me", f"!migrate {pills}")) == Migrate(new=NEW, old=OLD)


def test_letters_that_touch_a_pill_are_not_guessed_away() -> None:
    for formatted in ("x{}", "{},", "{}:"):
        pill = formatted.format('<a href="https://matrix.to/#/@me:new.org">Me</a>')
        assert refused(html("!migrate Me", f"!migrate {pill}"))[0] is Code.BAD_USER_ID


@pytest.mark.parametrize(
    "formatted",
    [
        None,
        7,
        ["!migrate"],
        "",
        "!migrate @you:new.org",
        f"please !migrate {GOOD_PILL}",
        f"<blockquote>so</blockquote>!migrate {GOOD_PILL}",
        f"!migrate {GOOD_PILL}" + " " * 65_536,
        "<b>" * 500 + f"!migrate {GOOD_PILL}",
        f"!migrate {GOOD_PILL} <",
        f"!migrate {GOOD_PILL} <b",
        f"!migrate {GOOD_PILL} <b title='>",
        f"!migrate {GOOD_PILL} <!-- -->",
        f"!migrate {GOOD_PILL} <![x",
        f"!migrate {GOOD_PILL} <?php ?>",
        f"!migrate {GOOD_PILL} <>",
        f"!migrate {GOOD_PILL} &#{'9' * 5000};",
        f"!migrate {GOOD_PILL} <b title='&#{'9' * 5000};'>",
        "!migrate <a href='https://matrix.to/#/@you:new.org'>You --dry-run",
        "!migrate <a href>You</a>",
    ],
)
def test_without_a_sound_formatted_body_the_plain_one_counts(formatted: Any) -> None:
    content = text(
        "!migrate @me:new.org --dry-run", format="org.matrix.custom.html", formatted_body=formatted
    )
    assert parse(content) == Migrate(new=NEW, dry_run=True)


@pytest.mark.parametrize("form", [None, "text/html", ["org.matrix.custom.html"]])
def test_another_format_is_not_html(form: Any) -> None:
    content = text("!migrate @me:new.org", format=form, formatted_body=f"!migrate {GOOD_PILL}")
    assert parse(content) == Migrate(new=NEW)


@pytest.mark.parametrize(
    "unit", ["<a ", "<a/", "<a x='>", '<a x="', "<a a ", "<!--", "<", "&", "&#", "<![", "<b>"]
)
def test_hostile_html_costs_little(unit: str) -> None:
    # html.parser alone takes up to half a minute for some of these.
    content = html("!migrate @me:new.org", (f"!migrate {GOOD_PILL}" + unit * 65_536)[:65_536])
    before = time.process_time()
    with suppress(Refused):
        parse(content)
    assert time.process_time() - before < 1
