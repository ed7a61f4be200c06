# SPDX-License-Identifier: AGPL-3.0-or-later
"""Free loopback ports for the programs that the tests start."""

from __future__ import annotations

import os
import random
import socket

HOST = "127.0.0.1"

# Below the range from which systems pick the local ports of outgoing connections, so that none of those
# takes a port between the moment it is found free and the moment a program listens on it.
CANDIDATES = range(10000, 28000)

# Tests run in several processes side by side: each has ports of its own.
_PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))

_given: set[int] = set()


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on, and that this process was not given before."""
    for port in random.sample(CANDIDATES[_PROCESS::_PROCESSES], k=500):
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise RuntimeError(f"No free port between {CANDIDATES.start} and {CANDIDATES.stop} on {HOST}.")


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        try:
            candidate.bind((HOST, port))
        except OSError:
            return False
    return True
