# SPDX-License-Identifier: AGPL-3.0-or-later
"""maubot's standalone mode, which ends when it is told to: `python scripts/standalone.py -c config.yaml`.

It is `python -m maubot.standalone` on an event loop of our own, for two reasons in maubot 0.6.0. A request to
stop becomes a KeyboardInterrupt wherever the program happens to be, and a database driver that is interrupted
may swallow it: then the bot runs on, and hears nothing. And the current event loop is asked for before there
is one, which Python 3.14 refuses.
"""

from __future__ import annotations

import asyncio
import os
import runpy
import signal
import sys
from typing import NoReturn


class OrderlyLoop(asyncio.SelectorEventLoop):
    """An event loop that is interrupted between two steps, never inside one."""

    def run_forever(self) -> None:
        """Run until stopped, or until SIGINT or SIGTERM, which raise KeyboardInterrupt from here."""
        for request in (signal.SIGINT, signal.SIGTERM):
            self.add_signal_handler(request, _interrupt)
        super().run_forever()


def _interrupt() -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    # As for `python -m`: the plugin is imported from where one is.
    sys.path[0] = os.getcwd()
    asyncio.set_event_loop(OrderlyLoop())
    runpy.run_module("maubot.standalone", run_name="__main__", alter_sys=True)
