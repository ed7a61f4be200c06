# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people type, as their clients send it, becomes the right command, the right refusal, or nothing."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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
    Scope,
    Status,
    WhereIs,
)
from migrationbot.core.errors import Code, Refused
from migrationbot.core.ids import UserId, show

NEW = UserId("me", "new.org")
OLD = UserId("me", "old.org")
V12_ROOM = "!" + "a1_-" * 10 + "abc"


def text(body: str, **more: Any) -> dict[str, Any]:
    return {"msgtype": "m.text", "body": body, **more}


def html(body: str, formatted: str) -> dict[str, Any]:
    return text(body, format="org.matrix.custom.html", formatted_body=formatted)


def typed(body: str) -> Command | None:
    return parse(text(body))


def refused(content: dict[str, Any]) -> tuple[Code, dict[str, str]]:
    with pytest.raises(Refused) as raised:
        parse(content)
    return raised.value.code, raised.value.details


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


# ---- Pills -----------------------------------------------------------------------------------------------


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


GOOD_PILL = '<a href="https://matrix.to/#/@you:new.org">You</a>'


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


# ---- Moving ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("@me:new.org", Migrate(new=NEW)),
        ("@me:old.org @me:new.org", Migrate(old=OLD, new=NEW)),
        ("@Me!:old.org @me:new.org", Migrate(old=UserId("Me!", "old.org"), new=NEW)),
        ("@me:Old.org @me:new.org", Migrate(old=UserId("me", "Old.org"), new=NEW)),
        ("@me:new.org --dry-run", Migrate(new=NEW, dry_run=True)),
        ("--Dry-Run @me:new.org --dry-run", Migrate(new=NEW, dry_run=True)),
        ("\u2014dry-run @me:new.org \u2013leave", Migrate(new=NEW, dry_run=True, leave=True)),
        ("@me:new.org --keep-history --step-down", Migrate(new=NEW, keep_history=True, step_down=True)),
        ("@me:new.org --hand-over", Migrate(new=NEW, hand_over=True)),
        ("@me:new.org --address #a:new.org", Migrate(new=NEW, address="#a:new.org")),
        ("@me:new.org in #a:b.org", Migrate(new=NEW, room="#a:b.org")),
        ("IN !a:b.org @me:new.org", Migrate(new=NEW, room="!a:b.org")),
        (f"@me:new.org in {V12_ROOM} --leave", Migrate(new=NEW, room=V12_ROOM, leave=True)),
        ("@me:new.org in --leave #a:b.org", Migrate(new=NEW, room="#a:b.org", leave=True)),
        ("@me:new.org space", Migrate(new=NEW, scope=Scope.SPACE)),
        ("space @me:new.org", Migrate(new=NEW, scope=Scope.SPACE)),
        ("@me:new.org Space #s:b.org", Migrate(new=NEW, scope=Scope.SPACE, space="#s:b.org")),
        ("@me:new.org all", Migrate(new=NEW, scope=Scope.ALL)),
        (
            "@me:new.org all --except #a:b.org --except !c:b.org",
            Migrate(new=NEW, scope=Scope.ALL, except_rooms=("#a:b.org", "!c:b.org")),
        ),
        (
            "--only #a:b.org @me:old.org @me:new.org space --only #c:b.org --dry-run",
            Migrate(old=OLD, new=NEW, scope=Scope.SPACE, only_rooms=("#a:b.org", "#c:b.org"), dry_run=True),
        ),
    ],
)
def test_moving(words: str, expected: Migrate) -> None:
    assert typed(f"!migrate {words}") == expected


@pytest.mark.parametrize(
    ("words", "code", "details"),
    [
        # Accounts
        ("--dry-run", Code.USAGE, {"problem": "no_account"}),
        ("space", Code.USAGE, {"problem": "no_account"}),
        ("@a:b.org @c:d.org @e:f.org", Code.USAGE, {"problem": "too_many_accounts"}),
        ("@Me:new.org", Code.BAD_USER_ID, {"shown": "@Me:new.org"}),
        ("@me:new.org.", Code.BAD_USER_ID, {"shown": "@me:new.org."}),
        ("@me:new.org,", Code.BAD_USER_ID, {"shown": "@me:new.org,"}),
        ("@me", Code.BAD_USER_ID, {"shown": "@me"}),
        ("Me", Code.BAD_USER_ID, {"shown": "Me", "reason": "no_sigil"}),
        ("me:new.org", Code.BAD_USER_ID, {"shown": "me:new.org", "reason": "no_sigil"}),
        ("@me:old.org me:new.org", Code.BAD_USER_ID, {"shown": "me:new.org", "reason": "no_sigil"}),
        ("@m\u0435:new.org", Code.LOOKALIKE, {"shown": "@m\u2039U+0435\u203a:new.org"}),
        ("@\u202eme:new.org", Code.LOOKALIKE, {"reason": "bidi"}),
        ("@M\u0435:old.org @me:new.org", Code.LOOKALIKE, {"shown": "@M\u2039U+0435\u203a:old.org"}),
        ("@Me:old..org @me:new.org", Code.BAD_USER_ID, {"shown": "@Me:old..org", "reason": "server"}),
        ("@Me:\u212aa.org @me:new.org", Code.LOOKALIKE, {"shown": "@Me:\u2039U+212A\u203aa.org"}),
        ("@:old.org @me:new.org", Code.BAD_USER_ID, {"shown": "@:old.org"}),
        (f"@{'M' * 255}:old.org @me:new.org", Code.BAD_USER_ID, {"reason": "too_long"}),
        # Words
        ("cancle", Code.USAGE, {"problem": "unknown", "word": "cancle", "nearest": "cancel"}),
        ("cancle 7", Code.USAGE, {"nearest": "cancel 7"}),
        ("HEPL", Code.USAGE, {"nearest": "help"}),
        ("@me:new.org spcae --dry-run", Code.USAGE, {"nearest": "@me:new.org space --dry-run"}),
        ("@me:new.org #a:b.org", Code.USAGE, {"nearest": "@me:new.org in #a:b.org"}),
        ("#a:b.org", Code.USAGE, {"nearest": "in #a:b.org"}),
        ("@me:new.org now", Code.USAGE, {"problem": "unknown", "word": "now"}),
        ("@me:new.org cancel", Code.USAGE, {"problem": "unknown", "word": "cancel"}),
        (f"@me:new.org {'x' * 41}", Code.USAGE, {"problem": "unknown", "word": "x" * 41}),
        # Rooms
        ("@me:new.org in", Code.USAGE, {"problem": "no_room"}),
        ("@me:new.org in room", Code.USAGE, {"problem": "no_room", "word": "room"}),
        ("@me:new.org in #room", Code.USAGE, {"problem": "no_room", "word": "#room"}),
        ("@me:new.org in #:b.org", Code.USAGE, {"problem": "no_room", "word": "#:b.org"}),
        ("@me:new.org in !", Code.USAGE, {"problem": "no_room", "word": "!"}),
        (
            "@me:new.org in #\u202ea:b.org",
            Code.USAGE,
            {"problem": "no_room", "word": "#\u2039U+202E\u203aa:b.org"},
        ),
        ("@me:new.org in #\ud800a:b.org", Code.USAGE, {"problem": "no_room"}),
        ("@me:new.org in #" + "\u00e4" * 127 + ":b.org", Code.USAGE, {"problem": "no_room"}),
        ("@me:new.org space #s", Code.USAGE, {"problem": "no_room", "word": "#s"}),
        ("@me:new.org in #a:b.org all", Code.USAGE, {"problem": "two_scopes", "word": "all"}),
        ("@me:new.org in #a:b.org in #a:b.org", Code.USAGE, {"problem": "two_scopes", "word": "in"}),
        ("@me:new.org space all", Code.USAGE, {"problem": "two_scopes", "word": "all"}),
        # Options
        (
            "@me:new.org --dryrun",
            Code.BAD_OPTION,
            {"problem": "unknown", "option": "--dryrun", "nearest": "--dry-run"},
        ),
        ("@me:new.org -dry-run", Code.BAD_OPTION, {"option": "-dry-run", "nearest": "--dry-run"}),
        ("--only=#a:b.org", Code.BAD_OPTION, {"option": "--only=#a:b.org", "nearest": "--only"}),
        ("@me:new.org --fast", Code.BAD_OPTION, {"problem": "unknown", "option": "--fast"}),
        ("@me:new.org \u2014", Code.BAD_OPTION, {"problem": "unknown", "option": "--"}),
        ("--l\u0435ave", Code.BAD_OPTION, {"option": "--l\u2039U+0435\u203aave", "nearest": "--leave"}),
        (
            "@me:new.org --address",
            Code.BAD_OPTION,
            {"problem": "no_room", "option": "--address", "nearest": "--address #room:server.org"},
        ),
        (
            "@me:new.org --address !a:b.org",
            Code.BAD_OPTION,
            {"word": "!a:b.org", "nearest": "--address #room:server.org"},
        ),
        (
            "@me:new.org all --only --leave",
            Code.BAD_OPTION,
            {"problem": "no_room", "nearest": "--only #room:server.org"},
        ),
        (
            "--address #a:b.org --address #c:d.org",
            Code.BAD_OPTION,
            {"problem": "twice", "option": "--address"},
        ),
        ("--only #a:b.org", Code.BAD_OPTION, {"problem": "misfit", "option": "--only", "other": "in"}),
        ("in #a:b.org --except #a:b.org", Code.BAD_OPTION, {"problem": "misfit", "option": "--except"}),
        ("all --only #a:b.org --except #c:b.org", Code.BAD_OPTION, {"option": "--except", "other": "--only"}),
        ("space --address #a:b.org", Code.BAD_OPTION, {"option": "--address", "other": "space"}),
        ("all --hand-over", Code.BAD_OPTION, {"option": "--hand-over", "other": "all"}),
        (
            "cancel --dry-run",
            Code.BAD_OPTION,
            {"problem": "misfit", "option": "--dry-run", "other": "cancel"},
        ),
    ],
)
def test_a_mistake_is_refused(words: str, code: Code, details: dict[str, str]) -> None:
    found, given_details = refused(text(f"!migrate {words}"))
    assert found is code
    assert given_details | details == given_details
    if "nearest" not in details:
        assert "nearest" not in given_details


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
    test_a_mistake_is_refused(words, code, details)


def test_different_verbs_are_different_commands() -> None:
    assert Cancel(number=7) != Status(number=7)


# ---- From anyone -----------------------------------------------------------------------------------------

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
