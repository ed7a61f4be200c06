# SPDX-License-Identifier: AGPL-3.0-or-later
"""Commands that begin with a verb: `!migrate status 7`, and what each takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, get_args

from migrationbot.core.errors import Code
from migrationbot.core.ids import show

from .accounts import seen_user_id
from .mistakes import Problem, check_count, nearest_to, refused
from .wishes import (
    Action,
    Approve,
    Cancel,
    Check,
    Command,
    Help,
    List,
    Operator,
    Refuse,
    Retry,
    Status,
    WhereIs,
)

_NUMBER = re.compile("#?([0-9]{1,9})")


def _alone(command: Command) -> Callable[[list[str]], Command]:
    def read(words: list[str]) -> Command:
        check_count(words, 0)
        return command

    return read


def _numbered(kind: type[Cancel | Status | Retry | Approve | Refuse]) -> Callable[[list[str]], Command]:
    def read(words: list[str]) -> Command:
        check_count(words, 1)
        if not words:
            return kind()
        found = _NUMBER.fullmatch(words[0])
        if found is None:
            raise refused(Code.USAGE, Problem.BAD_NUMBER, word=show(words[0]))
        return kind(number=int(found[1]))

    return read


def _where_is(words: list[str]) -> Command:
    check_count(words, 1)
    if not words:
        raise refused(Code.USAGE, Problem.NO_ACCOUNT)
    return WhereIs(user=str(seen_user_id(words[0])))


def _operator(words: list[str]) -> Command:
    check_count(words, 1)
    asked = words[0].lower() if words else ""
    for action in _ACTIONS:
        if asked == action:
            return Operator(action=action)
    nearest = nearest_to(asked, _ACTIONS)
    raise refused(
        Code.USAGE, Problem.UNKNOWN, word=show(asked), nearest=f"operator {nearest}" if nearest else ""
    )


_ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
VERBS: Final[Mapping[str, Callable[[list[str]], Command]]] = {
    "help": _alone(Help()),
    "list": _alone(List()),
    "check": _alone(Check()),
    "cancel": _numbered(Cancel),
    "status": _numbered(Status),
    "retry": _numbered(Retry),
    "approve": _numbered(Approve),
    "refuse": _numbered(Refuse),
    "whereis": _where_is,
    "operator": _operator,
}
