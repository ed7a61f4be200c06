# SPDX-License-Identifier: AGPL-3.0-or-later
"""What can be wrong with a command, and the refusals that say so."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from enum import Enum
from typing import Final

from migrationbot.core.errors import Code, Refused
from migrationbot.core.ids import show

_CLOSE: Final = 0.7  # how alike a mistyped word must be, from 0 to 1
_LONGEST_TYPO: Final = 40  # characters


class Problem(Enum):
    """The `problem` in the details of a refusal of ours, for the wording."""

    UNKNOWN = "unknown"  # no such word or option
    NO_ACCOUNT = "no_account"  # it is not said whom this is about
    TOO_MANY_ACCOUNTS = "too_many_accounts"  # more than an old and a new one
    TOO_MANY_WORDS = "too_many_words"  # more than this command takes
    NO_ROOM = "no_room"  # a room has to follow, and none does
    TWO_SCOPES = "two_scopes"  # two of `in`, `space` and `all`, or one of them twice
    BAD_NUMBER = "bad_number"  # not the number of a migration
    TWICE = "twice"  # an option that can be given once
    MISFIT = "misfit"  # an option that does not go with `other`


def check_count(words: list[str], most: int) -> None:
    if len(words) > most:
        raise refused(Code.USAGE, Problem.TOO_MANY_WORDS, word=show(words[most]))


def misfit(option: str, other: str) -> Refused:
    return refused(Code.BAD_OPTION, Problem.MISFIT, option=option, other=other)


def nearest_to(word: str, known: Sequence[str]) -> str:
    """The known word that a mistyped one is closest to; empty when none is close."""
    if len(word) > _LONGEST_TYPO:  # difflib takes its time with long words
        return ""
    return next(iter(get_close_matches(word.lower(), known, n=1, cutoff=_CLOSE)), "")


def refused(code: Code, problem: Problem, **details: str) -> Refused:
    return Refused(code, problem=problem.value, **{key: each for key, each in details.items() if each})
