# SPDX-License-Identifier: AGPL-3.0-or-later
"""The standalone bot ends when it is told to, whatever it is doing at that moment."""

from __future__ import annotations

import subprocess
import sys

import pytest

from scripts.run import ROOT

# A step of the event loop in which everything is swallowed, as some database drivers do. Exits with 0 when
# the request to stop got through all the same, and with 3 when it was lost.
BUSY = """
import contextlib, os, sys, time
from scripts.standalone import OrderlyLoop

def busy():
    with contextlib.suppress(BaseException):
        os.kill(os.getpid(), {signal})
        time.sleep(0.05)

loop = OrderlyLoop()
loop.call_soon(busy)
loop.call_later(5, sys.exit, 3)
try:
    loop.run_forever()
except KeyboardInterrupt:
    loop.close()
"""


@pytest.mark.parametrize("signal", ["2", "15"])
def test_a_request_to_stop_is_not_swallowed(signal: str) -> None:
    ended = subprocess.run((sys.executable, "-c", BUSY.format(signal=signal)), cwd=ROOT, check=False)
    assert ended.returncode == 0
