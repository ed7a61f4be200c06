# SPDX-License-Identifier: AGPL-3.0-or-later
"""What each of the operator's settings may be, and the sentence when it is something else."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from enum import Enum
from typing import Any

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


def unknown(key: object) -> BadSetting:
    """The error for a key that is no setting, with the nearest that is."""
    if not isinstance(key, str):
        return BadSetting("", f"There is no setting {_found(key)}.")
    # No further than a name goes: `{web_token:secret}` without a space makes the secret a part of the key.
    name = _AFTER_NAME.split(key, maxsplit=1)[0][:_LONGEST_SHOWN]
    nearest = get_close_matches(name, CHECKS, n=1)
    hint = f" Did you mean {nearest[0]}?" if nearest else ""
    return BadSetting(name, f"There is no setting {name}{'' if name == key else '...'}.{hint}")


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


CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
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
