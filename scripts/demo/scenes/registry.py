# SPDX-License-Identifier: AGPL-3.0-or-later
"""What `make demo SCENE=NAME` can show; the first one when nobody says."""

from __future__ import annotations

from collections.abc import Mapping

from scripts.demo.scenes.encrypted import ENCRYPTED
from scripts.demo.scenes.guide import GUIDE
from scripts.demo.scenes.handover import HANDOVER
from scripts.demo.scenes.lost import LOST
from scripts.demo.scenes.move import MOVE
from scripts.demo.scenes.v12 import V12
from scripts.demo.script import Script

SCENES: Mapping[str, Script] = {
    "move": MOVE,
    "guide": GUIDE,
    "v12": V12,
    "encrypted": ENCRYPTED,
    "lost": LOST,
    "handover": HANDOVER,
}
