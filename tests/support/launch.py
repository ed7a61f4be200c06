# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bot as its operator runs it, but with short waits: hours of patience would make hours of tests.

Run in its place: `python tests/support/launch.py -c config.yaml`. Only lengths of waiting change here, never
what is waited for. The plugin has no setting for them: no operator should need one.
"""

from __future__ import annotations

import importlib
import os
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path

STANDALONE = Path(__file__).resolve().parent.parent.parent / "scripts" / "standalone.py"

# Module and name → the length in tests; in seconds, but for milliseconds where the plugin counts in them.
SHORT: Mapping[tuple[str, str], float] = {
    ("migrationbot.moves.runner", "_FIRST_PAUSE"): 0.2,
    ("migrationbot.moves.runner", "_LONGEST_PAUSE"): 1.0,
    ("migrationbot.moves.runner", "_LONGEST_SHUT_OUT"): 1.0,
    ("migrationbot.errands", "_PAUSE"): 0.3,
    ("migrationbot.moves.rules", "_MINUTE"): 1_500,  # milliseconds
    ("migrationbot.moves.setbacks", "_FIRST_RETRY"): 300,  # milliseconds
    ("migrationbot.core.bucket", "_FIRST_GUESS"): 0.5,
    ("migrationbot.core.bucket", "_TRUSTED"): 1.0,
    ("migrationbot.core.bucket", "_TRUSTED_FOR"): 1.0,
    ("migrationbot.matrix.api", "READ_TIMEOUT"): 4.0,
    ("migrationbot.matrix.api", "WRITE_TIMEOUT"): 4.0,
    ("migrationbot.matrix.rooms", "_PROFILE_TIMEOUT"): 4.0,
    ("migrationbot.matrix.inbox", "_SYNC_TIMEOUT"): 4.0,
}


def shorten() -> None:
    """Put the short waits in place. Raises AttributeError for one that the plugin no longer has."""
    for (module_name, name), length in SHORT.items():
        module = importlib.import_module(module_name)
        getattr(module, name)
        setattr(module, name, length)


if __name__ == "__main__":
    sys.path[0] = os.getcwd()
    shorten()
    runpy.run_path(str(STANDALONE), run_name="__main__")
