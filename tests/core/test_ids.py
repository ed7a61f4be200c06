# SPDX-License-Identifier: AGPL-3.0-or-later
"""User IDs: the grammar for new ones, and what people would take for something else."""

from __future__ import annotations

import ipaddress
import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrationbot.core.errors import Code, Refused
from migrationbot.core.ids import UserId, check_not_lookalike, parse_user_id, server_of, show

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Twisted deprecates parts of itself while being imported
    from synapse.types import UserID

# The spec's grammar for lower-case IDs, with labels as RFC 1123 has them.
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
GRAMMAR = re.compile(rf"@[a-z0-9._=/+-]+:(?P<host>\[[0-9a-f:.]+\]|{LABEL}(?:\.{LABEL})*)(?::[0-9]{{1,5}})?")

LOCALPARTS = st.text(alphabet="abz09._=/+-A é", max_size=4)
LABELS = st.text(alphabet="ax0-", max_size=3)
PORTS = st.sampled_from(["", ":1", ":8448", ":99999", ":100000", ":", ":x", ":٣"])
IP_HOSTS = st.sampled_from(["1.2.3.4", "1.2.3.256", "01.2.3.4", "1.2.3", "7", "[::1]", "[::g]", "[1.2.3.4]"])
SWAPS = {
    "rn": "m",
    "m": "rn",
    "vv": "w",
    "w": "vv",
    "cl": "d",
    "d": "cl",
    "l": "1",
    "1": "i",
    "i": "l",
    "0": "o",
}
HOSTS = st.lists(LABELS, min_size=1, max_size=3).map(".".join) | IP_HOSTS


def fits_grammar(text: str) -> bool:
    match = GRAMMAR.fullmatch(text)
    if match is None or len(text.encode()) > 255:
        return False
    host = match["host"]
    if not (host.startswith("[") or host.rpartition(".")[2].isdigit()):
        return True
    try:
        ip_address = ipaddress.ip_address(host.strip("[]"))
        return ip_address.version == (6 if host.startswith("[") else 4)
    except ValueError:
        return False


def idna(name: str) -> str:
    """The server name as it stands in a user ID."""
    labels = name.split(".")
    return ".".join(each if each.isascii() else "xn--" + each.encode("punycode").decode() for each in labels)


def code(point: str) -> str:
    return f"\u2039{point}\u203a"


def refusal(text: str) -> tuple[Code, str]:
    with pytest.raises(Refused) as caught:
        parse_user_id(text)
    assert caught.value.details["shown"] == show(text)
    return caught.value.code, caught.value.details["reason"]


def looks_alike(new: str, old: str) -> bool:
    try:
        check_not_lookalike(UserId.seen(new), UserId.seen(old))
    except Refused as refusal:
        refused = refusal
    else:
        return False
    assert refused.code is Code.LOOKALIKE
    assert refused.details == {"reason": "like_old", "shown": show(new), "like": show(old)}
    return True


@pytest.mark.parametrize(
    "text",
    [
        "@me:new.org",
        "@me:new.org:8448",
        "@a.b_c=d/e+f-1:localhost",
        "@me:1.2.3.4",
        "@me:[1234:5678::abcd]:5678",
        "@me:[::ffff:1.2.3.4]",
        "@0:0a",
        "@" + "a" * 246 + ":new.org",
    ],
)
def test_an_id_within_the_grammar_is_read(text: str) -> None:
    user_id = parse_user_id(text)
    assert str(user_id) == text
    assert user_id.server == server_of(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no_sigil"),
        ("me:new.org", "no_sigil"),
        ("#me:new.org", "no_sigil"),
        (" @me:new.org", "no_sigil"),
        ("@" + "a" * 247 + ":new.org", "too_long"),
        ("@" + "é" * 124 + ":new.org", "too_long"),
        ("@:new.org", "localpart"),
        ("@Me:new.org", "localpart"),
        ("@m e:new.org", "localpart"),
        ("@пётр:new.org", "localpart"),
        ("@méd:new.org", "localpart"),
        ("@m\x00e:new.org", "localpart"),
        ("@\ud800:new.org", "localpart"),
        ("@me", "server"),
        ("@me:", "server"),
        ("@me:New.org", "server"),
        ("@me:new.org\n", "server"),
        ("@me:new..org", "server"),
        ("@me:new.org.", "server"),
        ("@me:-new.org", "server"),
        ("@me:new_server.org", "server"),
        ("@me:" + "a" * 64 + ".org", "server"),
        ("@me:new.org:", "server"),
        ("@me:new.org:123456", "server"),
        ("@me:new.org:80:80", "server"),
        ("@me:new.org:٨٠", "server"),
        ("@me:1.2.3.256", "server"),
        ("@me:1.2.3", "server"),
        ("@me:[1.2.3.4]", "server"),
        ("@me:[::1", "server"),
        ("@me:[::G]", "server"),
        ("@me:пример.рф", "server"),
        ("@me:xn--", "server"),
        ("@me:xn--9a.org", "server"),
        ("@me:xn--999999999.org", "server"),
        ("@me:" + idna("🐱.org"), "server"),
    ],
)
def test_an_id_outside_the_grammar_is_refused(text: str, reason: str) -> None:
    assert refusal(text) == (Code.BAD_USER_ID, reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("@me\u202e:new.org", "bidi"),
        ("\u2066@me:new.org", "bidi"),
        ("@me\u200e:new.org", "bidi"),
        ("@m\u200be:new.org", "invisible"),
        ("@m\u00ade:new.org", "invisible"),
        ("@m\u3164e:new.org", "invisible"),
        ("@me\ufe0f:new.org", "invisible"),
        ("@me:new.org\U000e0041", "invisible"),
        ("@m\u0435:new.org", "mixed_scripts"),
        ("@me:m\u0430trix.org", "mixed_scripts"),
        ("@me:" + idna("m\u0430trix.org"), "mixed_scripts"),
        ("@me:" + idna("m\u03b1trix.org") + ":8448", "mixed_scripts"),
        ("@me:new." + idna("\u043e\u0433g"), "mixed_scripts"),
        ("@me:" + idna("m\u200datrix.org"), "invisible"),
        ("@me:" + idna("\u202exirtam.org"), "bidi"),
        ("@me:" + idna("\u0430\u0440\u0440\u04cf\u0435.com"), "confusable"),
        ("@\u0430\u0440\u0440\u04cf\u0435:new.org", "confusable"),
        ("@\uff4d\uff45:new.org", "confusable"),
        ("@\U0001d426\U0001d41e:new.org", "confusable"),
        ("@me\u00a0:new.org", "confusable"),
        ("@me:" + idna("m\u0251trix.org"), "confusable"),
        ("@me:" + idna("matri\u0307x.org"), "confusable"),
        ("@me:xn--matrix-.org", "confusable"),
    ],
)
def test_an_id_that_deceives_is_refused_as_a_lookalike(text: str, reason: str) -> None:
    assert refusal(text) == (Code.LOOKALIKE, reason)


@pytest.mark.parametrize(
    "server",
    ["münchen.de", "пример.рф", "日本語のドメイン.jp", "한국어.kr", "ελλάδα.gr", "हिन्दी.in", "اردو۱۲.pk"],
)
def test_an_international_server_name_in_one_script_is_read(server: str) -> None:
    assert parse_user_id(f"@me:{idna(server)}").server == idna(server)


@given(st.builds("{}{}:{}{}".format, st.sampled_from(["@", "@", "@", ""]), LOCALPARTS, HOSTS, PORTS))
def test_exactly_what_the_grammar_holds_is_read(text: str) -> None:
    if fits_grammar(text):
        assert str(parse_user_id(text)) == text
    else:
        assert refusal(text)[0] in (Code.BAD_USER_ID, Code.LOOKALIKE)


@given(st.text(max_size=30) | st.builds("@{}:{}".format, LOCALPARTS, st.text("xn-é19az.", max_size=12)))
def test_whatever_is_typed_is_read_or_refused_and_synapse_knows_what_is_read(text: str) -> None:
    try:
        parsed = parse_user_id(text)
    except Refused:
        return
    assert UserID.is_valid_strict(str(parsed))


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("@al1ce:matrix.org", "@alice:matrix.org"),
        ("@aiice:matrix.org", "@alice:matrix.org"),
        ("@alice:rnatrix.org", "@alice:matrix.org"),
        ("@alice:matrlx.org", "@alice:matrix.org"),
        ("@b0b:x.org", "@bob:x.org"),
        ("@vvim:x.org", "@wim:x.org"),
        ("@clan:x.org", "@dan:x.org"),
        ("@vw:x.org", "@wv:x.org"),
        ("@alice:x.org", "@aIice:x.org"),
        ("@alice:x.org", "@\u0430lice:x.org"),
        ("@alice:" + idna("mätrix.org"), "@alice:matrix.org"),
        ("@alice:" + idna("mạtrix.org") + ":8448", "@alice:matrix.org:8448"),
        ("@alice:" + idna("münchen.de"), "@alice:" + idna("múnchen.de")),
    ],
)
def test_an_id_that_reads_like_the_old_one_is_refused(new: str, old: str) -> None:
    assert looks_alike(new, old)
    assert looks_alike(old, new)


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("@alice:new.org", "@alice:old.org"),
        ("@alice:old.org", "@alice:old.org"),
        ("@alice2:old.org", "@alice:old.org"),
        ("@alice:old.org:8448", "@alice:old.org"),
        ("@alice:s2.org", "@alice:s1.org"),
        ("@alice:old.com", "@alice:old.org"),
        ("@alice:sub.old.org", "@alice:old.org"),
        ("@carol:old.org", "@Carol:old.org"),
        ("@alice:" + idna("münchen.de"), "@alice:muenchen.de"),
    ],
)
def test_an_honest_new_id_is_not_taken_for_a_lookalike(new: str, old: str) -> None:
    assert not looks_alike(new, old)


@given(st.lists(st.sampled_from([*SWAPS, "v", "c", "o", "a"]), max_size=8))
def test_swapping_any_lookalike_is_noticed(pieces: list[str]) -> None:
    new = "@a" + "".join(SWAPS.get(each, each) for each in pieces) + ":x.org"
    old = "@a" + "".join(pieces) + ":x.org"
    assert looks_alike(new, old) is (new != old)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("@me:new.org", "@me:new.org"),
        ("@m\u202ee", f"@m{code('U+202E')}e"),
        ("\u0430", f"{code('U+0430')}"),
        ("\U000e0041", f"{code('U+E0041')}"),
        ("a\nb\x00", f"a{code('U+000A')}b{code('U+0000')}"),
        ("\u2039U+202E\u203a", f"{code('U+2039')}U+202E{code('U+203A')}"),
        ("a" * 100, "a" * 100),
        ("a" * 101, "a" * 100 + "…"),
        ("a" * 95 + "é" + "a", "a" * 95 + "…"),
    ],
)
def test_what_is_shown_hides_nothing(text: str, shown: str) -> None:
    assert show(text) == shown


@given(st.text())
def test_what_is_shown_is_short_and_plain(text: str) -> None:
    shown = show(text)
    assert len(shown) <= 101
    assert all(each in "\u2039\u203a…" or each.isprintable() for each in shown)
    assert shown.translate(str.maketrans("\u2039\u203a…", "   ")).isascii()


@given(one=st.text(max_size=12), other=st.text(max_size=12))
def test_two_short_texts_are_never_shown_alike(one: str, other: str) -> None:
    assert (show(one) == show(other)) is (one == other)


@pytest.mark.parametrize(
    ("user_id", "server"),
    [
        ("@me:new.org", "new.org"),
        ("@me:new.org:8448", "new.org:8448"),
        ("@Historical Ünïcode!:[::1]:80", "[::1]:80"),
        ("@:old.org", "old.org"),
        ("@nowhere", ""),
    ],
)
def test_the_server_is_what_follows_the_first_colon(user_id: str, server: str) -> None:
    assert server_of(user_id) == server
    assert UserId.seen(user_id).server == server
