# SPDX-License-Identifier: AGPL-3.0-or-later
"""What `make picture` puts into the README is safe, small, and in its place."""

from __future__ import annotations

import struct
import zlib

import pytest

from scripts.picture.__main__ import PICTURE, README
from scripts.picture.clean import clean
from scripts.picture.png import shrunk
from scripts.picture.readme import BEGIN, END, with_transcript

LARGEST = 300_000  # bytes


def test_the_readme_has_a_transcript_and_a_picture() -> None:
    text = README.read_text()
    transcript = text.partition(BEGIN)[2].partition(END)[0]
    assert "!migrate @alice:" in transcript
    assert "sets the power level of Alice (new): 0 → 100" in transcript
    assert f"](docs/{PICTURE.name})" in text
    assert PICTURE.stat().st_size < LARGEST


def test_a_transcript_replaces_the_last_one() -> None:
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert with_transcript(text, ["new"]) == f"before\n{BEGIN}\n```text\nnew\n```\n{END}\nafter\n"
    with pytest.raises(ValueError, match="no <!--"):
        with_transcript("no place", [])


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        (
            "<p>a <strong>b</strong> &amp; <code>c</code></p>",
            "<p>a <strong>b</strong> &amp; <code>c</code></p>",
        ),
        ('<a href="https://matrix.to/#/@a:b">@a:b</a>!', '<span class="pill">A &amp; co</span>!'),
        ('<a href="https://matrix.to/#/@x:y">@x:y</a>!', "@x:y!"),
        ('<img src="x" onerror="y"><p onclick="z">&lt;b&gt;</p>', "<p>&lt;b&gt;</p>"),
        ("<script>alert(1)</script>", "alert(1)"),
    ],
)
def test_nothing_but_known_elements_gets_into_the_page(html: str, shown: str) -> None:
    assert clean(html, {"@a:b": "A & co"}) == shown


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, form: bytes, data: bytes, *more: bytes) -> bytes:
    header = struct.pack(">II", width, height) + form
    parts = (_chunk(b"IHDR", header), *more, _chunk(b"IDAT", zlib.compress(data)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_a_small_picture_shows_the_same() -> None:
    red, blue = b"\xff\0\0", b"\0\0\xff"
    # Two red pixels and a blue one; below, by each way to write differences, the same again.
    first = b"\0" + red + red + blue
    to_left = b"\1" + red + b"\0\0\0" + b"\1\0\xff"
    above = b"\2" + bytes(9)
    average = b"\3" + b"\x80\0\0" + b"\0\0\0" + b"\x81\0\x80"
    paeth = b"\4" + bytes(9)
    data = first + to_left + above + average + paeth
    small = shrunk(_png(3, 5, bytes((8, 2, 0, 0, 0)), data))
    length, kind = struct.unpack_from(">I4s", small, 33)
    assert (kind, small[41 : 41 + length]) == (b"PLTE", red + blue)
    start = 41 + length + 4
    (length,) = struct.unpack_from(">I", small, start)
    assert zlib.decompress(small[start + 8 : start + 8 + length]) == b"\0\0\0\1" * 5


def test_another_kind_of_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="can't be made small"):
        shrunk(_png(1, 1, bytes((8, 6, 0, 0, 0)), b"\0" * 5))
