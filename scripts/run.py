# SPDX-License-Identifier: AGPL-3.0-or-later
"""Run the bot standalone, against the operator's own homeserver, as config.yaml says (`make run`)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

NO_CONFIG = (
    "There is no config.yaml yet: copy config.example.yaml to config.yaml, "
    "fill in the bot's account there, and start again."
)


def standalone_command(config: Path) -> list[str]:
    """The command that runs maubot standalone with `config`, from the folder that holds maubot.yaml."""
    return [sys.executable, str(ROOT / "scripts" / "standalone.py"), "-c", str(config)]


def main() -> None:
    """Become the bot; exit with 2 when it is not configured."""
    config = ROOT / "config.yaml"
    if not config.exists():
        print(NO_CONFIG, file=sys.stderr)
        sys.exit(2)
    os.chdir(ROOT)
    command = standalone_command(config)
    os.execv(command[0], command)  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    main()
