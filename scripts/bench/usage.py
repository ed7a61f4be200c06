# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a program has used of the machine, as the kernel tells it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_KIB = 1024
_AFTER_NAME = 11  # utime's place in /proc/PID/stat behind the name, which may hold spaces; stime comes next


def cpu_seconds(pid: int) -> float:
    """The CPU time that it has used so far, in seconds. Source: proc(5)."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        fields = stat.read_text().rpartition(")")[2].split()
        return sum(map(int, fields[_AFTER_NAME : _AFTER_NAME + 2])) / os.sysconf("SC_CLK_TCK")
    hours, minutes, seconds = ["0", "0", *_ps("time", pid).split(":")][-3:]
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def memory_bytes(pid: int) -> int:
    """The memory that it holds now."""
    return int(_ps("rss", pid)) * _KIB


def _ps(what: str, pid: int) -> str:
    command = ("ps", "-o", f"{what}=", "-p", str(pid))
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
