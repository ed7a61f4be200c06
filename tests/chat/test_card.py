# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every card, as people without HTML read it, as clients parse it, and with the most hostile IDs in it."""

from __future__ import annotations

import json
import pkgutil
import re
from dataclasses import fields
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError

from migrationbot.chat.card import Card, render
from migrationbot.chat.words import spelled
from migrationbot.matrix.messages import as_edit, content_of, in_thread
from tests.chat.builders import CAST, Cast
from tests.chat.gallery import every_card

CARDS = every_card()
ELEMENTS = {"p", "ul", "li", "strong", "code", "a"}

# What would break out of HTML, of a line, of the direction of writing, or of a template.
NASTY = st.sampled_from(
    [
        "<script>alert(1)</script>",
        "<!--",
        "<![CDATA[",
        '" onmouseover="alert(1)',
        "' x='",
        "&lt;",
        "&amp",
        "&#x202e;",
        "</code></p>",
        "\u202e",
        "\u2066",
        "\u200b",
        "\n",
        "\r\n\u2028\x85",
        "\t \xa0",
        "\x00",
        "\ud800",
        "{{ 7*7 }}",
        "{% raw %}",
        " (@carol:old.org)",
        "100%25",
        "m\xfcller",
        "\u0430lice",
    ]
)
PARTS = st.lists(NASTY | st.text(st.characters(), max_size=8), max_size=4).map("".join)


def user_ids(role: str) -> st.SearchStrategy[str]:
    """Any user ID; that it begins with the role keeps the accounts apart."""
    return st.tuples(PARTS, PARTS).map(lambda parts: f"@{role}{parts[0]}:{parts[1]}")


CASTS = st.builds(Cast, **{each.name: user_ids(each.name) for each in fields(Cast)})


class Outline(HTMLParser):
    """The elements of a card in their order, and their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.odd: list[str] = []  # what no card has: comments, declarations, other attributes
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.open.append(tag)
        if tag == "a":
            self.links += [value or "" for name, value in attrs if name == "href"]
            attrs = [each for each in attrs if each[0] != "href"]
        self.odd += [name for name, _ in attrs]

    def handle_endtag(self, tag: str) -> None:
        self.elements.append(f"/{tag}")
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.odd.append(data)

    def handle_decl(self, decl: str) -> None:
        self.odd.append(decl)

    def handle_pi(self, data: str) -> None:
        self.odd.append(data)

    def unknown_decl(self, data: str) -> None:
        self.odd.append(data)


OUTLINES = {name: Outline(card.html) for name, card in CARDS.items()}


def size(content: object) -> int:
    return len(json.dumps(content, ensure_ascii=False).encode())


# ---- As people read it ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CARDS)
def test_the_plain_text_holds_no_markup(name: str) -> None:
    text = re.sub(r"--data '\{.*?\}'", "", CARDS[name].text)  # a request to copy, in JSON
    assert not re.search(r"</?(p|ul|li|strong|code|a)\b|&\w+;|&#|\bNone\b|\bUndefined\b|\{|\}", text)


@pytest.mark.parametrize("name", CARDS)
def test_every_line_is_made_of_whole_sentences(name: str) -> None:
    for line in CARDS[name].text.split("\n"):
        assert re.match(r"(- )?([A-Z@!]|--)", line), line
        assert re.search(r"[.?:]$", line), line
        assert not re.search(r"\s[.,;:?]|\.\.|,\.|  ", line), line


@pytest.mark.parametrize("name", CARDS)
def test_no_meaning_hangs_on_an_emoji_alone(name: str) -> None:
    spoken = re.sub(r"✅ for yes|yes \(✅\)|❌ for no|⏭️ for skip", "", CARDS[name].text)
    assert spoken.isascii()
    assert "color" not in CARDS[name].html


@pytest.mark.parametrize("name", CARDS)
def test_every_time_is_absolute_with_its_zone(name: str) -> None:
    text = CARDS[name].text
    dates = re.findall(r"20\d\d-\d\d-\d\d", text)
    assert dates == re.findall(r"(20\d\d-\d\d-\d\d) \d\d:\d\d UTC", text)


@pytest.mark.parametrize("name", CARDS)
def test_nobody_is_blamed_and_nothing_promised_that_matrix_does_not_hold(name: str) -> None:
    text = CARDS[name].text.lower()
    for phrase in (
        "history is shared",
        "you failed",
        "your fault",
        "invalid",
        "illegal",
        "sorry",
        "must not",
    ):
        assert phrase not in text


@pytest.mark.parametrize("name", CARDS)
def test_an_id_stands_there_in_full_and_not_twice_in_a_row(name: str) -> None:
    assert not re.search(r"(\S+) \(\1\)", CARDS[name].text)
    for user_id in CARDS[name].mentions:
        assert user_id in CARDS[name].text


@pytest.mark.parametrize("name", CARDS)
def test_a_command_can_be_copied_without_the_punctuation_after_it(name: str) -> None:
    commands = re.findall(r"/(?:op|deop|invite|unban|remove) \S+(?: \d+)?(.{,5})", CARDS[name].text)
    assert set(commands) <= {" here", " ther"}


# ---- As clients take it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CARDS)
def test_only_a_card_that_asks_somebody_pings(name: str) -> None:
    content = content_of(CARDS[name])
    silent = name.startswith(("dry run", "refusal", "help", "closed"))
    assert not (silent and CARDS[name].mentions)
    assert content["msgtype"] == ("m.text" if CARDS[name].mentions else "m.notice")
    assert content["io.github.migrationbot"]["v"] == 1


@given(CASTS)
@example(CAST)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_from_a_room_becomes_markup_or_disturbs_the_text(cast: Cast) -> None:
    for name, card in every_card(cast).items():
        outline = Outline(card.html)
        assert outline.elements == OUTLINES[name].elements
        assert {tag.strip("/") for tag in outline.elements} <= ELEMENTS
        assert not outline.open
        assert not outline.odd
        assert all(link.startswith("https://matrix.to/#/") for link in outline.links)
        lines = re.sub("[✅❌\u23ed\ufe0f]", "", card.text).split("\n")
        assert all(line.isprintable() and line.isascii() for line in lines)
        assert len(lines) == len(CARDS[name].text.split("\n"))
        assert all(spelled(user_id) in card.text for user_id in card.mentions)


@pytest.mark.parametrize(
    ("character", "most"),
    [("a", 22_000), ("&", 56_000), ('"', 56_000), ("%", 56_000), ("\u202e", 56_000), ("\x01", 60_000)],
)
def test_even_ten_approvers_with_the_longest_ids_fit_into_an_event(character: str, most: int) -> None:
    """Spec: client-server, size limits: 65,536 bytes for an event. The worst characters grow sixfold."""
    fill = character * ((255 - len("@x:old.org")) // len(character.encode()))
    cast = Cast(**{each.name: f"@{each.name[0]}{fill}:old.org" for each in fields(Cast)})
    named = tuple(f"@{number}{fill}:old.org" for number in range(10))
    for name, card in every_card(cast, named).items():
        content = content_of(card)
        assert size(in_thread(content, "$" + "r" * 43)) < most
        assert not name.startswith("closed") or size(as_edit(content, "$" + "r" * 43)) < most


# ---- The templates ----------------------------------------------------------------------------------------


def test_a_placeholder_without_a_value_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("help.html", fields={})


def test_a_sentence_that_is_not_there_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("refusal.html", fields={}, code="no_such_code", d={}, command="migrate")


def test_a_template_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError):
        render("none.html", fields={})
    monkeypatch.setattr(pkgutil, "get_data", lambda *_: None)  # what a loader without data answers
    with pytest.raises(FileNotFoundError):
        render("none.html", fields={})


def test_the_wording_is_read_from_the_package_not_from_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def packed(package: str, resource: str) -> bytes:
        asked.append((package, resource))
        return b"<p>{{ word }}</p>"

    monkeypatch.setattr(pkgutil, "get_data", packed)
    found = render("only_here.html", fields={"card": "answer"}, word="<b>")
    assert found == Card(html="<p>&lt;b&gt;</p>", text="<b>", fields={"v": 1, "card": "answer"})
    assert asked == [("migrationbot.chat", "templates/only_here.html")]
