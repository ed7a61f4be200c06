# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people type: the raw content of a message becomes a command, or a refusal, or is none of ours."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any, Final, Literal, get_args
from urllib.parse import unquote

from migrationbot.core.errors import Code, Refused
from migrationbot.core.ids import UserId, parse_user_id, show

# ---- What can be asked ------------------------------------------------------------------------------------


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


def parse(content: Mapping[str, Any], *, command: str = "migrate") -> Command | None:
    """Read the raw content of an m.room.message, from anyone; `command` is the word after the `!`.

    None when it is none of ours: other words, another msgtype, an edit. Spec: client-server, m.text;
    m.replace. Raises Refused: USAGE, BAD_OPTION (both with `problem`, and `nearest` where a mistake is
    recognised), BAD_USER_ID, LOOKALIKE.
    """
    body = content.get("body")
    if content.get("msgtype") != "m.text" or not isinstance(body, str):
        return None
    starts = _starts(command)
    plain = _after_command(body, starts)
    if plain is None or _is_edit(content):
        return None
    formatted = _after_command(_with_pills(content), starts)
    return _read([_word(typed) for typed in (plain if formatted is None else formatted).split()])


def starts_command(body: str, command: str) -> bool:
    """Whether a message with this body may be a command: cheap, for every message that comes along."""
    return _after_command(body, _starts(command)) is not None


# ---- The text of a message --------------------------------------------------------------------------------

_QUOTES: Final = ("> <", "> * <")  # how the reply fallback for m.text and for m.emote begins
_DASHES: Final = ("\u2013", "\u2014")  # en and em dash: what phones make of two hyphens


@lru_cache(maxsize=8)
def _starts(command: str) -> re.Pattern[str]:
    # Leading space is bounded, and letters are ASCII: no Kelvin sign passes for a k.
    return re.compile(rf"\s{{0,99}}(?ai:!{re.escape(command)})(?=\s|\Z)")


def _after_command(text: str, starts: re.Pattern[str]) -> str | None:
    """What follows the command; None when the text, without its reply fallback, starts otherwise.

    Spec v1.12: client-server, "Fallbacks for rich replies".
    """
    quote = ""
    if text.startswith(_QUOTES):
        quote, _, text = text.partition("\n\n")
    found = starts.match(text)
    # The lines are looked at last: few quotes are followed by a command.
    if found is None or (quote and not all(line.startswith(">") for line in quote.split("\n"))):
        return None
    return text[found.end() :]


def _is_edit(content: Mapping[str, Any]) -> bool:
    relation = content.get("m.relates_to")
    replaces = isinstance(relation, Mapping) and relation.get("rel_type") == "m.replace"
    return replaces or "m.new_content" in content


def _word(typed: str) -> str:
    """A typed word with what it means: a link is its room or account, a long dash is two hyphens."""
    if typed.startswith(_DASHES):
        return "--" + typed[1:]
    return _linked_id(typed) or typed


# ---- Pills ------------------------------------------------------------------------------------------------

_LONGEST_HTML: Final = 65_536  # characters
_MOST_TAGS: Final = 500
# A whole tag, plainly written. html.parser takes half a minute for 64 KiB of broken ones.
_TAG = re.compile(
    r"""</?[a-z][a-z0-9-]*+(?:\s++[^\s"'<>/=]++(?:=(?:"[^"<>]*+"|'[^'<>]*+'|[^\s"'<>=]++))?+)*+\s*+/?>""",
    re.IGNORECASE,
)
_BLOCKS: Final = frozenset({"blockquote", "br", "div", "li", "ol", "p", "pre", "ul"})  # they end a word
_MATRIX_TO: Final = "https://matrix.to/#/"
_MATRIX_URI: Final = "matrix:"
_SIGILS: Final = {"u": "@", "r": "#", "roomid": "!"}  # by the first segment of a matrix: URI


class _PillReader(HTMLParser):
    """The text of a formatted body, with the ID in place of each pill's text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.pills = 0
        self.hidden_by = ""  # the tag up to whose end the text does not count

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.hidden_by:
            return
        href = next((url for name, url in attrs if name == "href" and url), "")
        linked = _linked_id(href) if tag == "a" else None
        if linked:
            self.parts.append(linked)
            self.pills += 1
        if linked or tag == "mx-reply":
            self.hidden_by = tag
        self._break_at(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == self.hidden_by:
            self.hidden_by = ""
        self._break_at(tag)

    def handle_data(self, data: str) -> None:
        if not self.hidden_by:
            self.parts.append(data)

    def _break_at(self, tag: str) -> None:
        if tag in _BLOCKS and not self.hidden_by:
            self.parts.append("\n")


def _with_pills(content: Mapping[str, Any]) -> str:
    """The formatted body's text with IDs for pills; empty when it has none, or is broken or outsize."""
    html = content.get("formatted_body")
    if content.get("format") != "org.matrix.custom.html" or not isinstance(html, str):
        return ""
    tags = html.count("<")
    if tags > _MOST_TAGS or len(html) > _LONGEST_HTML or len(_TAG.findall(html)) != tags:
        return ""
    reader = _PillReader()
    try:
        reader.feed(html)
        reader.close()
    except ValueError:  # a character reference of more than 4,300 digits
        return ""
    # A link left open hides what the plain body shows after it, an option perhaps.
    return "".join(reader.parts) if reader.pills and not reader.hidden_by else ""


def _linked_id(url: str) -> str | None:
    """The user ID, alias or room ID that a link names; None when it names none. Spec: appendices, "URIs"."""
    if url[: len(_MATRIX_TO)].lower() == _MATRIX_TO:
        linked = _named_in_fragment(url[len(_MATRIX_TO) :].partition("?")[0])
    elif url[: len(_MATRIX_URI)].lower() == _MATRIX_URI:
        linked = _named_in_path(re.split("[?#]", url[len(_MATRIX_URI) :], maxsplit=1)[0])
    else:
        return None
    # Space inside an ID would smuggle words into the command that nobody sees.
    return linked if linked.startswith(("@", "#", "!")) and linked.split() == [linked] else None


def _named_in_fragment(fragment: str) -> str:
    """From a matrix.to link. One to an event names its room, too."""
    linked = _decoded(fragment)
    return linked if linked.startswith("@") else linked.partition("/$")[0]


def _named_in_path(path: str) -> str:
    """From a matrix: URI. MSC2312."""
    kind, _, rest = path.partition("/")
    name = rest if kind == "u" else rest.partition("/e/")[0]
    return _SIGILS[kind] + _decoded(name) if kind in _SIGILS and "/" not in name else ""


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return ""


# ---- The words of a command -------------------------------------------------------------------------------

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
_CLOSE: Final = 0.7  # how alike a mistyped word must be, from 0 to 1
_LONGEST_TYPO: Final = 40  # characters
_MOST_ACCOUNTS: Final = 2

_NUMBER = re.compile("#?([0-9]{1,9})")
_ALIAS = re.compile("#[^:]+:.+")
_ROOM_ID = re.compile("!.+")
_LONGEST_ID: Final = 255  # bytes
_HISTORICAL_LOCALPART = re.compile("[!-9;-~]+")  # printable ASCII but the colon


def _read(typed: list[str]) -> Command:
    if not typed or typed[0].lower() in ("help", "--help"):
        return Help()
    options, words = _take_options(typed)
    verb = words[0].lower() if words else ""
    if verb not in _VERBS:
        return _migrate(typed, words, options)
    for option in options:
        raise _misfit(option, verb)
    return _VERBS[verb](words[1:])


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
            nearest = _nearest(name.partition("=")[0], [*_FLAGS, *_ROOM_OPTIONS])
            raise _refused(Code.BAD_OPTION, Problem.UNKNOWN, option=show(word), nearest=nearest)
    return options, words


def _room_after(option: str, queue: deque[str]) -> str:
    room = queue.popleft() if queue else ""
    if _is_room(room) and (room.startswith("#") or option != "--address"):
        return room
    nearest = f"{option} #room:server.org"
    raise _refused(Code.BAD_OPTION, Problem.NO_ROOM, option=option, word=show(room), nearest=nearest)


def _migrate(typed: list[str], words: list[str], options: _Options) -> Migrate:
    accounts, scope, place = _take_scope(typed, words)
    _check_fit(options, scope)
    if not accounts:
        raise _refused(Code.USAGE, Problem.NO_ACCOUNT)
    if len(accounts) > _MOST_ACCOUNTS:
        raise _refused(Code.USAGE, Problem.TOO_MANY_ACCOUNTS)
    return Migrate(
        new=parse_user_id(accounts[-1]),
        old=_seen_user_id(accounts[0]) if len(accounts) == _MOST_ACCOUNTS else None,
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
            raise _refused(Code.USAGE, Problem.TWO_SCOPES, word=show(word))
        else:
            scopes.append((scope, _place(scope, queue)))
    return accounts, *(scopes[0] if scopes else (Scope.ROOM, None))


def _place(scope: Scope, queue: deque[str]) -> str | None:
    named = bool(queue) and queue[0].startswith(("#", "!"))
    if scope is Scope.ALL or (scope is Scope.SPACE and not named):
        return None
    room = queue.popleft() if queue else ""
    if not _is_room(room):
        raise _refused(Code.USAGE, Problem.NO_ROOM, word=show(room))
    return room


def _check_fit(options: _Options, scope: Scope) -> None:
    for option in _FOR_MANY_ROOMS if scope is Scope.ROOM else _FOR_ONE_ROOM:
        if option in options:
            raise _misfit(option, scope.value)
    if "--except" in options and "--only" in options:
        raise _misfit("--except", "--only")
    if len(options.get("--address", [])) > 1:
        raise _refused(Code.BAD_OPTION, Problem.TWICE, option="--address")


def _unknown_word(word: str, typed: list[str], accounts: list[str]) -> Refused:
    """The answer to a word in the wrong place. Raises it instead when the word was meant as an account."""
    known = [*_SCOPES] if accounts else [*_VERBS, *_SCOPES]
    meant = f"in {word}" if ":" in word and _is_room(word) else _nearest(word, known)
    if not meant and (":" in word or not accounts):
        parse_user_id(word)  # has no @, so this says what is wrong with it
    nearest = show(" ".join(meant if each == word else each for each in typed)) if meant else ""
    return _refused(Code.USAGE, Problem.UNKNOWN, word=show(word), nearest=nearest)


def _is_room(text: str) -> bool:
    """Whether this is written like an alias or a room ID, and shows all that it holds. Spec: appendices."""
    named = _ALIAS.fullmatch(text) or _ROOM_ID.fullmatch(text)  # room IDs are opaque
    return bool(named) and text.isprintable() and len(text.encode()) <= _LONGEST_ID


def _seen_user_id(text: str) -> UserId:
    """Read a user ID that may be a historical one: it is only looked for among those that rooms know.

    Spec: appendices, "Historical User IDs". Raises Refused: BAD_USER_ID, LOOKALIKE.
    """
    seen = UserId.seen(text)
    if (
        not text.startswith("@")
        or len(text) > _LONGEST_ID
        or not _HISTORICAL_LOCALPART.fullmatch(seen.localpart)
    ):
        return parse_user_id(text)  # outside the old grammar is outside the new one, and refused in its words
    try:
        parse_user_id(f"@a:{seen.server.lower() if seen.server.isascii() else seen.server}")
    except Refused as refused:
        raise Refused(refused.code, **{**refused.details, "shown": show(text)}) from None
    return seen


# ---- The other verbs --------------------------------------------------------------------------------------


def _alone(command: Command) -> Callable[[list[str]], Command]:
    def read(words: list[str]) -> Command:
        _check_count(words, 0)
        return command

    return read


def _numbered(kind: type[Cancel | Status | Retry | Approve | Refuse]) -> Callable[[list[str]], Command]:
    def read(words: list[str]) -> Command:
        _check_count(words, 1)
        if not words:
            return kind()
        found = _NUMBER.fullmatch(words[0])
        if found is None:
            raise _refused(Code.USAGE, Problem.BAD_NUMBER, word=show(words[0]))
        return kind(number=int(found[1]))

    return read


def _where_is(words: list[str]) -> Command:
    _check_count(words, 1)
    if not words:
        raise _refused(Code.USAGE, Problem.NO_ACCOUNT)
    return WhereIs(user=str(_seen_user_id(words[0])))


def _operator(words: list[str]) -> Command:
    _check_count(words, 1)
    asked = words[0].lower() if words else ""
    for action in _ACTIONS:
        if asked == action:
            return Operator(action=action)
    nearest = _nearest(asked, _ACTIONS)
    raise _refused(
        Code.USAGE, Problem.UNKNOWN, word=show(asked), nearest=f"operator {nearest}" if nearest else ""
    )


_ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
_VERBS: Final[Mapping[str, Callable[[list[str]], Command]]] = {
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


# ---- Refusals ---------------------------------------------------------------------------------------------


def _check_count(words: list[str], most: int) -> None:
    if len(words) > most:
        raise _refused(Code.USAGE, Problem.TOO_MANY_WORDS, word=show(words[most]))


def _misfit(option: str, other: str) -> Refused:
    return _refused(Code.BAD_OPTION, Problem.MISFIT, option=option, other=other)


def _nearest(word: str, known: Sequence[str]) -> str:
    """The known word that a mistyped one is closest to; empty when none is close."""
    if len(word) > _LONGEST_TYPO:  # difflib takes its time with long words
        return ""
    return next(iter(get_close_matches(word.lower(), known, n=1, cutoff=_CLOSE)), "")


def _refused(code: Code, problem: Problem, **details: str) -> Refused:
    return Refused(code, problem=problem.value, **{key: each for key, each in details.items() if each})
