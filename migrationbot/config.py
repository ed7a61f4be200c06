# SPDX-License-Identifier: AGPL-3.0-or-later
"""The operator's settings, checked when they are loaded."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum
from typing import Any

from mautrix.util.config import BaseProxyConfig, ConfigUpdateHelper
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarbool import ScalarBoolean

from migrationbot.core.errors import Refused
from migrationbot.core.ids import parse_user_id

_COMMAND = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_TOKEN = re.compile(r"[!-~]{16,}")  # printable ASCII: what an HTTP header can carry
_AFTER_NAME = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_SHOWN = 60  # characters of a wrong value that a sentence repeats


class BadSetting(ValueError):
    """A setting that can't be used. The sentence is for the operator and never holds a secret."""

    def __init__(self, key: str, sentence: str) -> None:
        """`key` is empty when the whole of the settings can't be read."""
        super().__init__(sentence)
        self.key = key
        self.sentence = sentence


class AcceptInvites(Enum):
    """Whose invites the bot accepts."""

    ANYONE = "anyone"  # everybody's
    SERVERS = "servers"  # those of accounts on the listed servers
    OPERATORS = "operators"  # the operators' only


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the operator decided.

    The defaults are those of base-config.yaml, which maubot's standalone mode never reads.
    """

    approvals_needed: int = 1  # people who have to agree, 1 to 20
    requester_may_approve: bool = True  # the requester counts, when entitled
    open_history: bool = True  # open hidden history while the new account comes in
    request_expires_hours: int = 168  # hours until an unanswered request lapses, 1 to 8760
    open_requests_per_person: int = 3  # open at a time, 1 to 100
    give_up_after_hours: int = 48  # hours of trying to reach a homeserver, 1 to 720
    rooms_at_once: int = 8  # rooms of one migration side by side, 1 to 32
    step_down_after: bool = False  # the bot lowers its own level when done
    wait_for_owner_invite_minutes: int = 10  # minutes, in encrypted rooms, 0 to 1440
    approvals_for_lost_accounts: int = 2  # people, when nobody vouches from the old side, 1 to 20
    lost_after_days: int = 30  # days of silence, 1 to 3650
    publish_record: bool = False  # write io.github.migrationbot.moved into the room
    accept_invites: AcceptInvites = AcceptInvites.ANYONE  # whose invites are accepted
    accept_invites_from_servers: tuple[str, ...] = ()  # server names, for AcceptInvites.SERVERS
    operators: tuple[str, ...] = ()  # user IDs
    command: str = "migrate"  # the word after the exclamation mark
    web_token: str = field(default="", repr=False)  # empty: /metrics and /health are off

    @classmethod
    def read(cls, mapping: Mapping[str, Any]) -> Settings:
        """Check the operator's settings; what is missing or null has its default. Raises BadSetting."""
        for key in mapping:
            if key not in _CHECKS:
                raise _unknown(key)
        settings = cls(
            **{key: _CHECKS[key](key, found) for key, found in mapping.items() if found is not None}
        )
        if settings.accept_invites is AcceptInvites.SERVERS and not settings.accept_invites_from_servers:
            raise BadSetting(
                "accept_invites_from_servers",
                "accept_invites_from_servers is empty; with accept_invites: servers it must name one.",
            )
        return settings


class Config(BaseProxyConfig):
    """The settings as maubot keeps them; only good ones come in by `load_and_update`."""

    @property
    def settings(self) -> Settings:
        """The settings now loaded. Raises BadSetting when `load` was called without `update`."""
        return Settings.read(self._data)

    def load_and_update(self) -> None:
        """Take what maubot has stored, and defaults for the rest. Raises BadSetting: what ran stays.

        They are also saved again: maubot keeps the refused text, would take it without a word when it is sent
        once more, and load it at the next start. At the first start nothing runs, and the text is left alone.
        """
        running = self._data
        try:
            super().load_and_update()
        except BadSetting:
            self._data = running
            if running:
                self.save()
            raise

    def load(self) -> None:
        """Take what maubot has stored. Raises BadSetting when that is no set of settings at all."""
        try:
            super().load()
        except (YAMLError, ValueError) as error:
            # The parser's own message quotes lines of the file, and with them perhaps the token.
            raise BadSetting("", f"The settings are not valid YAML{_line(error)}.") from None
        if not isinstance(self._data, Mapping):
            raise BadSetting("", "The settings must be lines of `key: value`.")

    def do_update(self, helper: ConfigUpdateHelper) -> None:
        """Put the operator's values into the base config. Raises BadSetting before anything is dropped."""
        Settings.read(self._data)
        if not helper.base._data:
            # Standalone mode has no base config: keep the operator's own text.
            helper.base._data = self._data
            return
        for key in _CHECKS:
            helper.copy(key)


def load_checked(config: Config) -> Settings:
    """Load what maubot now holds, for `on_external_config_update`. Raises BadSetting: nothing has changed."""
    config.load_and_update()
    return config.settings


def _unknown(key: object) -> BadSetting:
    if not isinstance(key, str):
        return BadSetting("", f"There is no setting {_found(key)}.")
    # No further than a name goes: `{web_token:secret}` without a space makes the secret a part of the key.
    name = _AFTER_NAME.split(key, maxsplit=1)[0][:_LONGEST_SHOWN]
    nearest = get_close_matches(name, _CHECKS, n=1)
    hint = f" Did you mean {nearest[0]}?" if nearest else ""
    return BadSetting(name, f"There is no setting {name}{'' if name == key else '...'}.{hint}")


def _line(error: Exception) -> str:
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    return f" (near line {mark.line + 1})" if mark else ""


def _found(value: object) -> str:
    """The value as a sentence shows it: short, and escaped where it could deceive."""
    if isinstance(value, str):
        return ascii(str(value[:_LONGEST_SHOWN]))
    if isinstance(value, (bool, ScalarBoolean)):
        return str(bool(value)).lower()
    if isinstance(value, (int, float)) and abs(value) < 10**15:
        return f"the number {value}"
    return "a list" if isinstance(value, list) else "something else"


def _bad(key: str, found: object, allowed: str) -> BadSetting:
    return BadSetting(key, f"{key} is {_found(found)}; it must be {allowed}.")


def _number(least: int, most: int) -> Callable[[str, Any], int]:
    def check(key: str, found: Any) -> int:
        # A bool is an int to Python, and so is a bool with an anchor to the YAML parser.
        if isinstance(found, int) and not isinstance(found, (bool, ScalarBoolean)) and least <= found <= most:
            return int(found)
        raise _bad(key, found, f"a whole number from {least} to {most}, without quotes")

    return check


def _switch(key: str, found: Any) -> bool:
    if isinstance(found, (bool, ScalarBoolean)):
        return bool(found)
    raise _bad(key, found, "true or false, without quotes")


def _accept_invites(key: str, found: Any) -> AcceptInvites:
    for each in AcceptInvites:
        if found == each.value:
            return each
    raise _bad(key, found, " or ".join(each.value for each in AcceptInvites))


def _list_of(what: str, reads: Callable[[str], str]) -> Callable[[str, Any], tuple[str, ...]]:
    def check(key: str, found: Any) -> tuple[str, ...]:
        if not isinstance(found, list):
            raise _bad(key, found, f"a list of {what}")
        return tuple(_entry(key, each, what, reads) for each in found)

    return check


def _entry(key: str, found: Any, what: str, reads: Callable[[str], str]) -> str:
    try:
        if isinstance(found, str):
            return reads(str(found))
    except Refused:
        pass
    raise BadSetting(key, f"{key} holds {_found(found)}; it must be a list of {what}.")


def _user_id(text: str) -> str:
    return str(parse_user_id(text))


def _server_name(text: str) -> str:
    return parse_user_id(f"@a:{text}").server


def _command(key: str, found: Any) -> str:
    if isinstance(found, str) and _COMMAND.fullmatch(found):
        return str(found)
    raise _bad(
        key, found, "small letters, digits, _ and -, a letter first, at most 31, without the exclamation mark"
    )


def _web_token(key: str, found: Any) -> str:
    if isinstance(found, str) and (not found or _TOKEN.fullmatch(found)):
        return str(found)
    # What was found is a secret, also when it is wrong.
    raise BadSetting(
        key,
        f"{key} must be text in quotes, 16 letters, digits or signs at least, or empty to turn it off.",
    )


_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "approvals_needed": _number(1, 20),
    "requester_may_approve": _switch,
    "open_history": _switch,
    "request_expires_hours": _number(1, 8760),
    "open_requests_per_person": _number(1, 100),
    "give_up_after_hours": _number(1, 720),
    "rooms_at_once": _number(1, 32),
    "step_down_after": _switch,
    "wait_for_owner_invite_minutes": _number(0, 1440),
    "approvals_for_lost_accounts": _number(1, 20),
    "lost_after_days": _number(1, 3650),
    "publish_record": _switch,
    "accept_invites": _accept_invites,
    "accept_invites_from_servers": _list_of("server names such as example.org", _server_name),
    "operators": _list_of("full user IDs such as @me:example.org", _user_id),
    "command": _command,
    "web_token": _web_token,
}
