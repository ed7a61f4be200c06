# SPDX-License-Identifier: AGPL-3.0-or-later
"""The first `make run`: asks for the bot's account, logs it in, and writes config.yaml.

Where nobody can be asked, the environment has to say it all: MIGRATIONBOT_HOMESERVER, MIGRATIONBOT_USER, and
MIGRATIONBOT_PASSWORD or MIGRATIONBOT_ACCESS_TOKEN.
"""

from __future__ import annotations

import asyncio
import getpass
import sqlite3
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from scripts.config_file import (
    DATABASE,
    can_encrypt,
    configuration,
    forget_former_device,
    write_private,
)
from scripts.login import CannotLogIn, Homeserver, Login, discover, reach, well_known_url

HOMESERVER, USER = "MIGRATIONBOT_HOMESERVER", "MIGRATIONBOT_USER"
PASSWORD, TOKEN = "MIGRATIONBOT_PASSWORD", "MIGRATIONBOT_ACCESS_TOKEN"
VARIABLES = (HOMESERVER, USER, PASSWORD, TOKEN)

NO_CONFIG = (
    "There is no config.yaml yet, and nobody at a terminal to ask. Run `make run` in a terminal; "
    f"or set {HOMESERVER}, {USER} and {PASSWORD} (or {TOKEN}) this once; "
    "or copy config.example.yaml to config.yaml and fill in the bot's account there."
)

WELCOME = """\
There is no config.yaml yet, so this makes one. The bot needs an ordinary account of its own on a homeserver:
if it has none, press Ctrl-C, and register one first as you would for a person.
"""

NEXT = """\
Logged in as {user_id}. {config} now holds the key to this account: only you can read it.
{encryption}

What to do next:
  1. Invite the bot into a room:               /invite {user_id}
  2. Give it the level that it is to pass on:  /op {user_id} 100
  3. With the account that moves, write:       !migrate @you:new.server

`!migrate help` says what else there is. The bot starts now; Ctrl-C stops it, `make run` starts it again.
"""

ENCRYPTS = "It has a device of its own, {device_id}, and reads encrypted rooms with it."
NO_DEVICE = "The access token belongs to no device, so the bot stays silent in encrypted rooms."
NO_PACKAGES = (
    "The packages for encryption are not installed, so the bot stays silent in encrypted rooms. "
    "Its device is {device_id}: with the packages, name that as device_id in {config}."
)


class NotSetUp(Exception):
    """There is no configuration now either; the message is a sentence for the operator."""


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """Somebody who can be asked."""

    ask: Callable[[str], str]
    ask_secret: Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the environment says, and what the person does."""

    environment: Mapping[str, str]
    person: Terminal | None

    def given(self, name: str) -> str | None:
        """What the environment says."""
        return self.environment.get(name) or None

    def needed(self, name: str, question: str, *, secret: bool = False) -> str:
        """What the environment says, else the person. Raises NotSetUp when neither does."""
        if given := self.given(name):
            return given
        if self.person is None:
            raise NotSetUp(f"{name} is not set, and there is nobody at a terminal to ask.")
        ask = self.person.ask_secret if secret else self.person.ask
        while not (typed := ask(question)).strip():
            pass
        return typed


@dataclass(frozen=True, kw_only=True)
class Account:
    """The bot's account, and what proves that it is ours: a password or a token."""

    homeserver: str
    user: str | None  # None: whoever the token belongs to
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)


def terminal() -> Terminal | None:
    """Whoever started this program, when that is somebody at a terminal."""
    return Terminal(ask=input, ask_secret=_ask_secret) if sys.stdin.isatty() else None


def set_up(config: Path, answers: Answers) -> None:
    """Log in, write the configuration, and say what to do next. Raises NotSetUp: nothing was written."""
    if answers.person is None and not any(map(answers.given, VARIABLES)):
        raise NotSetUp(NO_CONFIG)
    if answers.person is not None:
        print(WELCOME)
    try:
        login = asyncio.run(_log_in_and_write(config, _account(answers)))
    except CannotLogIn as error:
        raise NotSetUp(f"{error} Nothing was written.") from None
    except OSError as error:
        raise NotSetUp(f"{config.name} can't be written: {error.strerror}.") from None
    except sqlite3.Error as error:
        raise NotSetUp(f"{DATABASE} can't be used: {error}. Nothing was written.") from None
    encryption = _encryption(login).format(device_id=login.device_id, config=config.name)
    print(NEXT.format(user_id=login.user_id, config=config.name, encryption=encryption))


def _account(answers: Answers) -> Account:
    """Ask for what is not given. Outside of any event loop, which would swallow a Ctrl-C."""
    if token := answers.given(TOKEN):
        user = answers.given(USER)
        return Account(homeserver=_address(user, answers), user=user, token=token.strip())
    user = answers.needed(USER, "The bot's user ID, @name:server: ").strip()
    if ":" not in user:
        user = user.removeprefix("@")  # a localpart is enough for its own homeserver
    return Account(
        homeserver=_address(user, answers),
        user=user,
        password=answers.needed(PASSWORD, "Its password (not shown): ", secret=True),
    )


def _address(user: str | None, answers: Answers) -> str:
    """Where the homeserver answers clients: as given, or as its server name says and the person agrees."""
    if given := answers.given(HOMESERVER):
        return given
    well_known = well_known_url(user) if user else None
    found = asyncio.run(discover(well_known)) if well_known else None
    if answers.person is None or found is None:
        return found or answers.needed(
            HOMESERVER, "The address of its homeserver, https://matrix.example.org: "
        )
    return answers.person.ask(f"The address of its homeserver [{found}]: ").strip() or found


async def _log_in_and_write(config: Path, account: Account) -> Login:
    async with reach(account.homeserver) as homeserver:
        if account.token is not None:
            login = await homeserver.with_token(account.token)
            _check_whose(login, account.user)
        else:
            login = await homeserver.with_password(account.user or "", account.password or "")
        await _write(config, login, homeserver, keep=account.token is not None)
    return login


async def _write(config: Path, login: Login, homeserver: Homeserver, *, keep: bool) -> None:
    """Write it; when that fails, and the login is ours, leave no device behind."""
    try:
        forget_former_device(config.parent / DATABASE)
        write_private(config, configuration(login))
    except (OSError, sqlite3.Error):
        if not keep:
            with suppress(CannotLogIn):
                await homeserver.log_out(login)
        raise


def _check_whose(login: Login, user: str | None) -> None:
    localpart = login.user_id.partition(":")[0].removeprefix("@")
    if user is not None and user not in (login.user_id, localpart):
        raise CannotLogIn(f"The access token belongs to {login.user_id}, and {USER} names another.")


def _encryption(login: Login) -> str:
    if login.device_id is None:
        return NO_DEVICE
    return ENCRYPTS if can_encrypt() else NO_PACKAGES


def _ask_secret(question: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(question)
        except getpass.GetPassWarning:
            raise NotSetUp(f"This terminal would show the password: set {PASSWORD} instead.") from None
