# SPDX-License-Identifier: AGPL-3.0-or-later
"""What can be asked of the bot: a type for each wish, made of what was typed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from migrationbot.core.ids import UserId


class Scope(Enum):
    """How many rooms a migration spans."""

    ROOM = "in"  # one: this room, or the one named after `in`
    SPACE = "space"  # a space with its rooms and sub-spaces
    ALL = "all"  # every room that the old account shares with the bot


@dataclass(frozen=True, kw_only=True)
class Migrate:
    """Move a place from one account to another. Rooms are aliases or room IDs, not looked up yet."""

    new: UserId  # by the grammar for new user IDs
    old: UserId | None = None  # None: the one who asks; historical IDs are let through
    dry_run: bool = False  # only say what would be done
    keep_history: bool = False  # leave the history visibility alone
    step_down: bool = False  # the old account gives up its level afterwards
    leave: bool = False  # the old account leaves afterwards
    hand_over: bool = False  # plan a room upgrade that makes the new account a creator
    room: str | None = None  # None: this room
    address: str | None = None  # the alias that becomes the canonical one
    scope: Scope = Scope.ROOM
    space: str | None = None  # None, with Scope.SPACE: the space that this room belongs to
    except_rooms: tuple[str, ...] = ()  # with SPACE or ALL: all but these
    only_rooms: tuple[str, ...] = ()  # with SPACE or ALL: none but these


@dataclass(frozen=True, kw_only=True)
class Help:
    """Say what can be asked."""


@dataclass(frozen=True, kw_only=True)
class List:
    """Show the asker's own migrations."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """Say what the bot can do in this room."""


@dataclass(frozen=True, kw_only=True)
class _Numbered:
    number: int | None = None  # the migration's; None: the one whose thread this is


class Cancel(_Numbered):
    """Take a request back."""


class Status(_Numbered):
    """Show how far a migration is."""


class Retry(_Numbered):
    """Try the failed rooms again."""


class Approve(_Numbered):
    """Say yes where one can't react."""


class Refuse(_Numbered):
    """Say no where one can't react."""


@dataclass(frozen=True, kw_only=True)
class WhereIs:
    """Ask where an account moved to."""

    user: str  # a user ID, historical ones included


Action = Literal["stats", "open", "pause", "resume"]


@dataclass(frozen=True, kw_only=True)
class Operator:
    """What only the bot's operators may ask."""

    action: Action


Command = Migrate | Help | List | Check | Cancel | Status | Retry | Approve | Refuse | WhereIs | Operator
