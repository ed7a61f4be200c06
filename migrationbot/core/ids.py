# SPDX-License-Identifier: AGPL-3.0-or-later
"""User IDs that may be moved to, and how people could be deceived about one.

Spec: appendices, "User Identifiers" and "Server Name". What counts as looking alike: Unicode TR39.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .errors import Code, Refused

_LONGEST_USER_ID: Final = 255  # bytes, with sigil and server name
_LONGEST_SHOWN: Final = 100  # characters: enough to recognise what was typed

_LOCALPART = re.compile(r"[a-z0-9._=/+-]+")
_SERVER_NAME = re.compile(r"(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,255})(?::[0-9]{1,5})?")
_DNS_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PUNYCODE: Final = "xn--"

_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# What is not drawn but is not of category Cf either: fillers, variation selectors, line separators, tags.
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2028\u2029\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)

# TR39 confusables.txt (Unicode 17), cut down to the scripts that spoofed domains are written in.
# Left out: Latin letters that languages spell with and that people tell apart (ae, oe, thorn).
_LOOKS_LATIN: Final[dict[int, int]] = {
    # Cyrillic
    **str.maketrans("\u0430\u0431\u0433\u0435\u043e\u0440\u0441\u0443\u0445\u0448", "a6reopcyxw"),
    **str.maketrans("\u0455\u0456\u0458\u0461\u0475\u04af", "sijwvy"),
    **str.maketrans("\u04bb\u04bd\u04cf\u0501\u051b\u051d", "heldqw"),
    # Greek
    **str.maketrans("\u03b1\u03b3\u03b9\u03bd\u03bf\u03c1\u03c3\u03c5\u03f3", "ayivopouj"),
    # Armenian
    **str.maketrans("\u0561\u0563\u0566\u0570\u0578\u057c\u057d\u0581\u0582\u0584\u0585", "wqqhnnugifo"),
    # Georgian, Cherokee
    **str.maketrans("\u10e7\u10ff\uab75\uab81\uab83\uab93\uaba9\uabaa\uabaf", "yoirwzvsc"),
    # Latin: alpha, script g, dotless i, iota, small i, upsilon, gamma, small y; small capitals
    **str.maketrans("\u0251\u0261\u0131\u0269\u026a\u028b\u0263\u028f", "agiiiuyy"),
    **str.maketrans("\ua731\u1d04\u1d0f\u1d1c\u1d20\u1d21\u1d22", "scouvwz"),
}
# ASCII that passes for other ASCII. Each becomes its narrowest spelling, so that no order of
# replacement matters. TR39 has 0, 1, I and m; w and d are ours. Other capitals stay apart:
# a historical @Carol deceives nobody about @carol.
_LOOKS_SAME: Final = str.maketrans(
    {"0": "o", "O": "o", "1": "l", "i": "l", "I": "l", "|": "l", "m": "rn", "w": "vv", "d": "cl"}
)
# Scripts that one language writes together (TR39, augmented script sets).
_WRITTEN_TOGETHER: Final = (
    frozenset({"CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"CJK", "HANGUL"}),
    frozenset({"CJK", "BOPOMOFO"}),
)
# First words of character names that are not the name of a script.
_SCRIPT_OF: Final = {"ARABIC-INDIC": "ARABIC", "EXTENDED": "ARABIC", "IDEOGRAPHIC": "CJK"}
_ANY_SCRIPT: Final = frozenset({"COMBINING", "KATAKANA-HIRAGANA"})


@dataclass(frozen=True)
class UserId:
    """A user ID in its two parts."""

    localpart: str
    server: str  # the server name, with its port if it has one

    @classmethod
    def seen(cls, user_id: str) -> UserId:
        """Take apart any user ID that stands in a room, historical ones included; nothing is checked."""
        localpart, _, server = user_id.removeprefix("@").partition(":")
        return cls(localpart, server)

    def __str__(self) -> str:
        return f"@{self.localpart}:{self.server}"


def parse_user_id(text: str) -> UserId:
    """Read a user ID that someone typed, by the grammar for new ones.

    A server name must also be one that DNS could hold (RFC 1123), and its internationalised labels ones
    that people can't take for others. Lower case only, as the spec recommends.

    Raises Refused: LOOKALIKE (`reason`: bidi, invisible, mixed_scripts, confusable) for what deceives,
    otherwise BAD_USER_ID (`reason`: no_sigil, too_long, localpart, server). `shown` is safe to show.
    """
    _refuse_disguise(text, _hidden(text))
    if not text.startswith("@"):
        raise Refused(Code.BAD_USER_ID, shown=show(text), reason="no_sigil")
    if len(text.encode("utf-8", "surrogatepass")) > _LONGEST_USER_ID:
        raise Refused(Code.BAD_USER_ID, shown=show(text), reason="too_long")
    user_id = UserId.seen(text)
    if not user_id.localpart.isascii():
        _refuse_disguise(text, _disguise(user_id.localpart))
    if not _LOCALPART.fullmatch(user_id.localpart):
        raise Refused(Code.BAD_USER_ID, shown=show(text), reason="localpart")
    for label in re.split("[.:]", user_id.server):
        if not label.isascii() or _decoded(label) != label:
            _refuse_disguise(text, _disguise(_decoded(label)))
    if not _is_server_name(user_id.server):
        raise Refused(Code.BAD_USER_ID, shown=show(text), reason="server")
    return user_id


def check_not_lookalike(new: UserId, old: UserId) -> None:
    """Raise Refused(LOOKALIKE) when `new` is another ID than `old`, but reads like it.

    The whole IDs are compared: the same localpart on another server is what a move is for.
    """
    if new != old and _reads(new) == _reads(old):
        raise Refused(Code.LOOKALIKE, shown=show(str(new)), reason="like_old", like=show(str(old)))


def show(text: str) -> str:
    """The text made safe to show: printable ASCII as it is, any other character as its code point.

    About 100 characters at most; what was cut off is marked with an ellipsis.
    """
    shown = ""
    for character in text:
        plain = character.isascii() and character.isprintable()
        piece = character if plain else f"\u2039U+{ord(character):04X}\u203a"
        if len(shown) + len(piece) > _LONGEST_SHOWN:
            return shown + "\u2026"
        shown += piece
    return shown


def server_of(user_id: str) -> str:
    """The server name of any user ID seen in a room; empty when it has none."""
    return UserId.seen(user_id).server


def _refuse_disguise(text: str, reason: str) -> None:
    if reason:
        raise Refused(Code.LOOKALIKE, shown=show(text), reason=reason)


def _disguise(part: str) -> str:
    """How `part`, as people see it, passes for something else; empty when it does not."""
    hidden = _hidden(part)
    if hidden:
        return hidden
    scripts = _scripts(part)
    if len(scripts) > 1 and not any(scripts <= together for together in _WRITTEN_TOGETHER):
        return "mixed_scripts"
    return "confusable" if _skeleton(part).isascii() else ""


def _hidden(text: str) -> str:
    """Which kind of character that nobody sees is in the text; empty when there is none."""
    if _BIDI.search(text):
        return "bidi"
    unseen = _IGNORABLE.search(text) or any(unicodedata.category(character) == "Cf" for character in text)
    return "invisible" if unseen else ""


def _scripts(text: str) -> set[str]:
    """The scripts that the text's letters, marks and digits belong to, by their names' first words."""
    plain = unicodedata.normalize("NFKD", text)
    lettered = (each for each in plain if unicodedata.category(each)[0] in "LMN" and each not in "0123456789")
    words = (unicodedata.name(each, "UNNAMED").split()[0] for each in lettered)
    return {_SCRIPT_OF.get(word, word) for word in words} - _ANY_SCRIPT


def _skeleton(text: str) -> str:
    """The text in the plainest characters that look like it. TR39, section 4, with compatibility forms."""
    plain = unicodedata.normalize("NFKD", text).translate(_LOOKS_LATIN)
    return plain.replace("i\u0307", "i").replace("j\u0307", "j")  # a second dot lands on the first


def _reads(user_id: UserId) -> str:
    """What the ID looks like at a glance: accents dropped, and whatever passes for other ASCII made one."""
    server = ".".join(_decoded(label) for label in user_id.server.split("."))
    skeleton = _skeleton(f"@{user_id.localpart}:{server}")
    return "".join(each for each in skeleton if not unicodedata.combining(each)).translate(_LOOKS_SAME)


def _is_server_name(server: str) -> bool:
    match = _SERVER_NAME.fullmatch(server)
    if match is None:
        return False
    host = match["host"]
    if host.startswith("["):
        return _is_ip_address(host[1:-1], ipaddress.IPv6Address)
    labels = host.split(".")
    if labels[-1].isdigit():  # resolvers read such a name as an IPv4 address
        return _is_ip_address(host, ipaddress.IPv4Address)
    return all(_is_dns_label(label) for label in labels)


def _is_ip_address(text: str, kind: Callable[[str], object]) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def _is_dns_label(label: str) -> bool:
    """RFC 1123; what a punycode label stands for must be letters, marks and digits (IDNA2008)."""
    decoded = _decoded(label)
    if not _DNS_LABEL.fullmatch(label) or (label.startswith(_PUNYCODE) and decoded == label):
        return False
    return all(each == "-" or unicodedata.category(each)[0] in "LMN" for each in decoded)


def _decoded(label: str) -> str:
    """A DNS label as people may be shown it; one that is no punycode stays as it is. RFC 3492."""
    if not label.startswith(_PUNYCODE):
        return label
    try:
        return label.removeprefix(_PUNYCODE).encode().decode("punycode") or label
    except UnicodeError:
        return label
