# SPDX-License-Identifier: AGPL-3.0-or-later
"""Makes a screenshot small: 256 colours are plenty for text, and are written in a third of the bytes.

Source: PNG specification, third edition
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = 3
_COLOURS = 256
_ALIKE = 150  # a squared distance below which nobody sees two colours side by side
_RGB, _PALETTE = 2, 3  # colour types


@dataclass(frozen=True)
class _Image:
    """Rows of pixels, three bytes each."""

    width: int
    rows: tuple[bytes, ...]


def shrunk(png: bytes) -> bytes:
    """The same picture in 256 colours; each other colour becomes the nearest of them.

    Raises ValueError for anything but eight bits each of red, green and blue, not interlaced.
    """
    image = _decode(png)
    colours = Counter(colour for row in image.rows for colour in _colours(row))
    palette = _palette([colour for colour, _ in colours.most_common()])
    index = {colour: number for number, colour in enumerate(palette)}
    for colour in colours.keys() - index.keys():
        index[colour] = min(range(len(palette)), key=lambda number: _distance(palette[number], colour))
    rows = (bytes(index[colour] for colour in _colours(row)) for row in image.rows)
    header = struct.pack(">IIBBBBB", image.width, len(image.rows), 8, _PALETTE, 0, 0, 0)
    table = b"".join(map(bytes, palette))
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    chunks = ((b"IHDR", header), (b"PLTE", table), (b"IDAT", data), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in chunks)


def _palette(colours: Iterable[Colour]) -> list[Colour]:
    """The most frequent colours that are not alike; so a rare red is not lost among a hundred greys."""
    palette: list[Colour] = []
    for colour in colours:
        if len(palette) == _COLOURS:
            break
        if all(_distance(colour, other) >= _ALIKE for other in palette):
            palette.append(colour)
    return palette


def _colours(row: bytes) -> Iterator[Colour]:
    return zip(row[0::3], row[1::3], row[2::3], strict=True)


def _distance(one: Colour, other: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _decode(png: bytes) -> _Image:
    chunks = list(_chunks(png))
    width, _, *form = struct.unpack(">IIBBBBB", chunks[0][1])
    if form != [8, _RGB, 0, 0, 0]:
        raise ValueError(f"a picture of this form can't be made small: {form}")
    data = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    length, rows = width * _CHANNELS, [bytes(width * _CHANNELS)]
    for start in range(0, len(data), length + 1):
        rows.append(_unfiltered(data[start], data[start + 1 : start + 1 + length], rows[-1]))
    return _Image(width, tuple(rows[1:]))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = len(_SIGNATURE)
    while position < len(png):
        length, kind = struct.unpack_from(">I4s", png, position)
        yield kind, png[position + 8 : position + 8 + length]
        position += length + 12


def _unfiltered(kind: int, row: bytes, above: bytes) -> bytes:
    """The bytes of a row that was written as differences from those to the left and above."""
    predicted = _PREDICTIONS[kind]
    line = bytearray(_CHANNELS) + row  # with a black pixel to the left
    corner = bytes(_CHANNELS) + above
    for x in range(_CHANNELS, len(line)):
        line[x] = (line[x] + predicted(line[x - _CHANNELS], corner[x], corner[x - _CHANNELS])) & 0xFF
    return bytes(line[_CHANNELS:])


def _paeth(left: int, above: int, corner: int) -> int:
    """Whichever of the three is nearest to left + above - corner."""
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))


# By filter type: what a byte is expected to be, from its neighbours to the left, above, and between them.
_PREDICTIONS: tuple[Callable[[int, int, int], int], ...] = (
    lambda _left, _above, _corner: 0,
    lambda left, _above, _corner: left,
    lambda _left, above, _corner: above,
    lambda left, above, _corner: (left + above) // 2,
    _paeth,
)
