# SPDX-License-Identifier: AGPL-3.0-or-later
"""Plays the demo, and puts what was seen into the README: a picture, and a transcript (`make picture`)."""

from __future__ import annotations

import asyncio
import sys

import aiohttp

from scripts.demo.outcome import WentWrong
from scripts.demo.paper import WITHOUT_TERMINAL, Paper
from scripts.demo.perform import STOPPED, perform
from scripts.demo.scenes.move import MOVE
from scripts.picture.chromium import find_chromium, photograph
from scripts.picture.page import page
from scripts.picture.png import shrunk
from scripts.picture.readme import with_transcript
from scripts.run import ROOT
from tests.support.api import MatrixError

README, PICTURE = ROOT / "README.md", ROOT / "docs" / "thread.png"
PAGE = ROOT / "dist" / "thread.html"

NO_CHROMIUM = (
    "There is no Chromium here, so docs/thread.png is as it was. "
    "Install one, or name it: make picture CHROMIUM=/path/to/chromium"
)


async def picture() -> None:
    """Play, and write the page, the transcript, and the picture when there is a Chromium."""
    paper = Paper(sys.stdout, width=WITHOUT_TERMINAL)
    take = await perform(MOVE, paper)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(take))
    README.write_text(with_transcript(README.read_text(), paper.lines))
    print(f"\nWrote {README.relative_to(ROOT)} and {PAGE.relative_to(ROOT)}")
    chromium = find_chromium()
    if chromium is None:
        print(NO_CHROMIUM)
        return
    PICTURE.write_bytes(shrunk(await photograph(chromium, PAGE)))
    print(f"Wrote {PICTURE.relative_to(ROOT)}, {PICTURE.stat().st_size // 1000} kB")


def main() -> int:
    """The exit code: 0, or another with a sentence."""
    try:
        asyncio.run(picture())
    except KeyboardInterrupt:
        print("\nStopped. Nothing is left running.", file=sys.stderr)
        return STOPPED
    except (WentWrong, AssertionError, MatrixError, aiohttp.ClientError, OSError, ValueError) as error:
        print(f"\nThere is no new picture: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
