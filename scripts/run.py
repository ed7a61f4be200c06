# SPDX-License-Identifier: AGPL-3.0-or-later
"""Run the bot standalone, against the operator's own homeserver, as config.yaml says (`make run`).

When there is none yet, it is made first: see first_run.py. `python -m scripts.run`, in this checkout.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scripts.first_run import VARIABLES, Answers, NotSetUp, set_up, terminal

ROOT = Path(__file__).resolve().parent.parent

NOT_SET_UP = 2  # the exit code when there is no configuration
INTERRUPTED = 130  # what a shell expects after Ctrl-C


def standalone_command(config: Path) -> list[str]:
    """The command that runs maubot standalone with `config`, from the folder that holds maubot.yaml."""
    return [sys.executable, str(ROOT / "scripts" / "standalone.py"), "-c", str(config)]


def main() -> None:
    """Become the bot. Exits with 2 when it is not configured and could not be."""
    config = ROOT / "config.yaml"
    if not config.exists():
        _set_up(config)
    # What follows takes the place of this program, and what is still to be printed would go with it.
    sys.stdout.flush()
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    os.chdir(ROOT)
    os.umask(0o077)  # the database tells who moves where, and holds keys
    command = standalone_command(config)
    os.execve(command[0], command, environment)  # noqa: S606 (no shell is wanted)


def _set_up(config: Path) -> None:
    try:
        set_up(config, Answers(environment=os.environ, person=terminal()))
    except NotSetUp as error:
        print(error, file=sys.stderr)
        sys.exit(NOT_SET_UP)
    except (KeyboardInterrupt, EOFError):
        print("\nNothing was written.", file=sys.stderr)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
