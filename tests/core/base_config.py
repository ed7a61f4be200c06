# SPDX-License-Identifier: AGPL-3.0-or-later
"""The settings that the plugin brings with it, and what tests put into their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
BASE = (ROOT / "base-config.yaml").read_text()
TOKEN = "s3cret-0123456789"


def read_yaml(text: str) -> Any:
    """The text as maubot reads it."""
    return YAML().load(text)
