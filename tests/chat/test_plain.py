# SPDX-License-Identifier: AGPL-3.0-or-later
"""Our HTML as people read it in clients without HTML, or have it read to them."""

from __future__ import annotations

from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrationbot.chat.plain import plain_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("<p>One.</p><p>Two.</p>", "One.\nTwo."),
        ("<p>Do:</p><ul><li>this</li><li>that</li></ul><p>End.</p>", "Do:\n- this\n- that\nEnd."),
        ("<p><strong>Very</strong> <code>fine</code></p>", "Very fine"),
        ("<p>a  \n b</p>", "a b"),
        ("<p>&lt;b&gt; &amp; &#39;c&#34;</p>", "<b> & 'c\""),
        ('<p><a href="https://matrix.to/#/@a:b">@a:b</a> spoke.</p>', "@a:b spoke."),
    ],
)
def test_blocks_become_lines_and_everything_else_words(html: str, text: str) -> None:
    assert plain_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<a>@a:b</a> (<code>@a:b</code>).", "@a:b."),
        ("is <a>@a:b</a> (<code>@a:b</code>), or", "is @a:b, or"),
        ("<a>@a:b</a> (<code>@a:c</code>)", "@a:b (@a:c)"),
        ("<a>x@a:b</a> (<code>@a:b</code>)", "x@a:b (@a:b)"),
    ],
)
def test_the_full_id_beside_a_pill_is_said_once(html: str, text: str) -> None:
    assert plain_text(html) == text


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_no_word_is_lost_or_added(word: str) -> None:
    assert plain_text(f"<p>{escape(word)}</p>") == word


def test_a_long_run_without_spaces_costs_no_time() -> None:
    assert plain_text("(" * 30_000) == "(" * 30_000
