# SPDX-License-Identifier: AGPL-3.0-or-later
"""Programs that the tests start: each has a log, is waited for until ready, and is never left behind."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

# How often a program that starts is asked whether it is ready, in seconds.
POLL = 0.03

# Runs in the child before the program, which then takes its place and its process ID. When told to, it turns
# into another user: here and not in Popen, for that user may be unable to read this interpreter. On Linux it
# has the kernel kill the program when this process dies, however it dies; elsewhere, `atexit` must do.
_LAUNCHER = """
import ctypes, os, pwd, signal, sys
parent, user, argv = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
libc = ctypes.CDLL(None)
if user:
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
if sys.platform == "linux":
    libc.prctl(1, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
os.execvp(argv[0], argv)
"""

_running: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """How a program ended."""

    exit_code: int  # negative: the signal that ended it
    seconds: float  # from the request to stop until it was gone


@dataclass(frozen=True, kw_only=True)
class Command:
    """What to start."""

    name: str  # for sentences about it
    argv: tuple[str, ...]
    log: Path  # gets its output, appended
    folder: Path  # where it runs
    environment: Mapping[str, str] | None = None  # added to this process's own
    user: str | None = None  # another system user to run as; only root can


class Process:
    """One program. It leads a process group, and ends with this process at the latest."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def pid(self) -> int:
        """Its process ID; it must have been started."""
        assert self._popen is not None, f"{self.command.name} was not started"
        return self._popen.pid

    def start(self) -> None:
        """Start it; return at once."""
        assert not self.running, f"{self.command.name} runs already"
        launcher = (sys.executable, "-ISc", _LAUNCHER, str(os.getpid()), self.command.user or "")
        with self.command.log.open("ab") as log:
            self._popen = subprocess.Popen(
                (*launcher, *self.command.argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.command.folder,
                env={**os.environ, **(self.command.environment or {})},
                start_new_session=True,
            )
        _running[self._popen.pid] = self._popen

    async def until(self, is_ready: Callable[[], Awaitable[bool]], *, seconds: float = 30) -> None:
        """Wait until `is_ready` says so. Raises AssertionError, with the end of the log, when it does not."""
        deadline = time.monotonic() + seconds
        while not await is_ready():
            assert self.running, f"{self.command.name} ended while starting.\n{self.log_tail()}"
            late = time.monotonic() > deadline
            assert not late, f"{self.command.name} was not ready after {seconds:g} s.\n{self.log_tail()}"
            await asyncio.sleep(POLL)

    async def stop(
        self,
        request: signal.Signals = signal.SIGTERM,
        *,
        seconds: float = 15,
        ask_again: float | None = None,
    ) -> Stopped:
        """Ask it to end, and wait. When it takes longer than `seconds`: killed, and AssertionError.

        `ask_again`: after so many seconds it is asked once more, and so on, as by someone at a keyboard.
        """
        assert self._popen is not None, f"{self.command.name} was not started"
        popen, began = self._popen, time.monotonic()
        while self.running and (left := began + seconds - time.monotonic()) > 0:
            popen.send_signal(request)
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(popen.wait, min(left, ask_again or left))
        if self.running:
            sentence = f"{self.command.name} had not stopped after {seconds:g} s.\n{self.log_tail()}"
            await self.kill()
            raise AssertionError(sentence)
        _kill_group(popen)
        return Stopped(exit_code=popen.wait(), seconds=time.monotonic() - began)

    async def kill(self) -> None:
        """End it at once, with SIGKILL; nothing happens when it is not running."""
        if self._popen is not None:
            _kill_group(self._popen)
            await asyncio.to_thread(self._popen.wait)

    def log_text(self) -> str:
        """Everything it has written so far, over all its starts."""
        return self.command.log.read_text(errors="replace") if self.command.log.exists() else ""

    def log_tail(self) -> str:
        """The end of its log, for failures."""
        lines = self.log_text().splitlines()[-40:]
        return "\n".join([f"The end of {self.command.log.name}:", *lines])


def _kill_group(popen: subprocess.Popen[bytes]) -> None:
    """Kill a program and whatever it started and left."""
    # Nobody is left in the group; macOS says so with PermissionError.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(popen.pid, signal.SIGKILL)
    _running.pop(popen.pid, None)


@atexit.register
def _kill_all() -> None:
    """What an aborted run left."""
    for popen in list(_running.values()):
        _kill_group(popen)
        popen.wait()
