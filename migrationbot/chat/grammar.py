# SPDX-License-Identifier: AGPL-3.0-or-later
"""The words of a command: which wish they make."""

from __future__ import annotations

import re
from collections import deque
from typing import Final

from migrationbot.core.errors import Code, Refused
from migrationbot.core.ids import parse_user_id, show

from .accounts import LONGEST_ID, seen_user_id
from .mistakes import Problem, misfit, nearest_to, refused
from .verbs import VERBS
from .wishes import Command, Help, Migrate, Scope

_Options = dict[str, list[str]]  # by name, in the order typed; the rooms named after it

_FLAGS: Final = {
    "--dry-run": "dry_run",
    "--keep-history": "keep_history",
    "--step-down": "step_down",
    "--leave": "leave",
    "--hand-over": "hand_over",
}
_ROOM_OPTIONS: Final = ("--address", "--except", "--only")
_FOR_ONE_ROOM: Final = ("--address", "--hand-over")
_FOR_MANY_ROOMS: Final = ("--except", "--only")
_SCOPES: Final = {scope.value: scope for scope in Scope}
_MOST_ACCOUNTS: Final = 2

_ALIAS = re.compile("#[^:]+:.+")
_ROOM_ID = re.compile("!.+")


def read(typed: list[str]) -> Command:
    if not typed or typed[0].lower() in ("help", "--help"):
        return Help()
    options, words = _take_options(typed)
    verb = words[0].lower() if words else ""
    if verb not in VERBS:
        return _migrate(typed, words, options)
    for option in options:
        raise misfit(option, verb)
    return VERBS[verb](words[1:])


def _take_options(typed: list[str]) -> tuple[_Options, list[str]]:
    """Part the options, with the rooms that follow them, from the other words."""
    options: _Options = {}
    words = []
    queue = deque(typed)
    while queue:
        word = queue.popleft()
        name = word.lower()
        if not word.startswith("-"):
            words.append(word)
        elif name in _FLAGS:
            options[name] = []
        elif name in _ROOM_OPTIONS:
            options.setdefault(name, []).append(_room_after(name, queue))
        else:
            nearest = nearest_to(name.partition("=")[0], [*_FLAGS, *_ROOM_OPTIONS])
            raise refused(Code.BAD_OPTION, Problem.UNKNOWN, option=show(word), nearest=nearest)
    return options, words


def _room_after(option: str, queue: deque[str]) -> str:
    room = queue.popleft() if queue else ""
    if _is_room(room) and (room.startswith("#") or option != "--address"):
        return room
    nearest = f"{option} #room:server.org"
    raise refused(Code.BAD_OPTION, Problem.NO_ROOM, option=option, word=show(room), nearest=nearest)


def _migrate(typed: list[str], words: list[str], options: _Options) -> Migrate:
    accounts, scope, place = _take_scope(typed, words)
    _check_fit(options, scope)
    if not accounts:
        raise refused(Code.USAGE, Problem.NO_ACCOUNT)
    if len(accounts) > _MOST_ACCOUNTS:
        raise refused(Code.USAGE, Problem.TOO_MANY_ACCOUNTS)
    return Migrate(
        new=parse_user_id(accounts[-1]),
        old=seen_user_id(accounts[0]) if len(accounts) == _MOST_ACCOUNTS else None,
        dry_run="--dry-run" in options,
        keep_history="--keep-history" in options,
        step_down="--step-down" in options,
        leave="--leave" in options,
        hand_over="--hand-over" in options,
        room=place if scope is Scope.ROOM else None,
        address=next(iter(options.get("--address", [])), None),
        scope=scope,
        space=place if scope is Scope.SPACE else None,
        except_rooms=tuple(options.get("--except", [])),
        only_rooms=tuple(options.get("--only", [])),
    )


def _take_scope(typed: list[str], words: list[str]) -> tuple[list[str], Scope, str | None]:
    """The accounts, the scope and the room or space that is named with it."""
    accounts: list[str] = []
    scopes: list[tuple[Scope, str | None]] = []
    queue = deque(words)
    while queue:
        word = queue.popleft()
        scope = _SCOPES.get(word.lower())
        if word.startswith("@"):
            accounts.append(word)
        elif scope is None:
            raise _unknown_word(word, typed, accounts)
        elif scopes:
            raise refused(Code.USAGE, Problem.TWO_SCOPES, word=show(word))
        else:
            scopes.append((scope, _place(scope, queue)))
    return accounts, *(scopes[0] if scopes else (Scope.ROOM, None))


def _place(scope: Scope, queue: deque[str]) -> str | None:
    named = bool(queue) and queue[0].startswith(("#", "!"))
    if scope is Scope.ALL or (scope is Scope.SPACE and not named):
        return None
    room = queue.popleft() if queue else ""
    if not _is_room(room):
        raise refused(Code.USAGE, Problem.NO_ROOM, word=show(room))
    return room


def _check_fit(options: _Options, scope: Scope) -> None:
    for option in _FOR_MANY_ROOMS if scope is Scope.ROOM else _FOR_ONE_ROOM:
        if option in options:
            raise misfit(option, scope.value)
    if "--except" in options and "--only" in options:
        raise misfit("--except", "--only")
    if len(options.get("--address", [])) > 1:
        raise refused(Code.BAD_OPTION, Problem.TWICE, option="--address")


def _unknown_word(word: str, typed: list[str], accounts: list[str]) -> Refused:
    """The answer to a word in the wrong place. Raises it instead when the word was meant as an account."""
    known = [*_SCOPES] if accounts else [*VERBS, *_SCOPES]
    meant = f"in {word}" if ":" in word and _is_room(word) else nearest_to(word, known)
    if not meant and (":" in word or not accounts):
        parse_user_id(word)  # has no @, so this says what is wrong with it
    nearest = show(" ".join(meant if each == word else each for each in typed)) if meant else ""
    return refused(Code.USAGE, Problem.UNKNOWN, word=show(word), nearest=nearest)


def _is_room(text: str) -> bool:
    """Whether this is written like an alias or a room ID, and shows all that it holds. Spec: appendices."""
    named = _ALIAS.fullmatch(text) or _ROOM_ID.fullmatch(text)  # room IDs are opaque
    return bool(named) and text.isprintable() and len(text.encode()) <= LONGEST_ID
