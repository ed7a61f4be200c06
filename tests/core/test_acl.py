# SPDX-License-Identifier: AGPL-3.0-or-later
"""Server ACLs, by hand-written cases and against Synapse's own evaluator."""

from __future__ import annotations

import time
import warnings
from functools import cache
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrationbot.core.acl import ServerAcl

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Twisted deprecates parts of itself while being imported
    from synapse.events import EventBase
    from synapse.storage.controllers.state import server_acl_evaluator_from_event
    from synapse.synapse_rust.acl import ServerAclEvaluator
    from synapse.util.stringutils import parse_server_name

GLOBS = st.lists(st.sampled_from(["a", "b", "?", "*", "*a", "*ab"]), max_size=6).map("".join)
NAMES = st.text(alphabet="ab", max_size=8)
JUNK = st.none() | st.booleans() | st.integers() | st.text() | st.dictionaries(st.text(), st.integers())


def acl(allow: tuple[str, ...] = ("*",), deny: tuple[str, ...] = (), ip: bool = True) -> ServerAcl:
    return ServerAcl(allow=allow, deny=deny, allow_ip_literals=ip)


def matches_by_definition(glob: str, name: str) -> bool:
    """The two rules of the spec's glob-style matching, each spelled out, slow and plain."""

    @cache
    def rest(i: int, j: int) -> bool:
        if i == len(glob):
            return j == len(name)
        if glob[i] == "*":
            return rest(i + 1, j) or (j < len(name) and rest(i, j + 1))
        return j < len(name) and glob[i] in ("?", name[j]) and rest(i + 1, j + 1)

    return rest(0, 0)


def synapse_reads(content: dict[str, object]) -> ServerAclEvaluator:
    return server_acl_evaluator_from_event(cast(EventBase, SimpleNamespace(content=content)))


@pytest.mark.parametrize(
    ("rules", "server_name", "allowed"),
    [
        (acl(), "new.org", True),
        (acl(allow=()), "new.org", False),
        (acl(allow=("*.org",)), "new.org", True),
        (acl(allow=("*.org",)), "new.com", False),
        (acl(deny=("new.org",)), "new.org", False),
        (acl(deny=("new.org",)), "new.org:8448", False),
        (acl(deny=("new.org",)), "sub.new.org", True),
        (acl(deny=("*.new.org",)), "sub.new.org", False),
        (acl(deny=("*.new.org",)), "new.org", True),
        (acl(deny=("NEW.org",)), "new.ORG", False),
        (acl(deny=("ne?.org",)), "new.org", False),
        (acl(deny=("ne?.org",)), "ne.org", True),
        (acl(deny=("new?org",)), "new.org", False),
        (acl(deny=("new.org",)), "newxorg", True),
        (acl(deny=("[n]ew.org",)), "new.org", True),
        (acl(deny=("*ab*ba*",)), "aba.org", True),
        (acl(deny=("*ab*ba*",)), "abba.org", False),
        (acl(deny=("aba*ba",)), "aba", True),
        (acl(allow=("new.org",), deny=("*",)), "new.org", False),
        (acl(ip=False), "1.2.3.4", False),
        (acl(ip=False), "1.2.3.4:8448", False),
        (acl(ip=False), "[::1]", False),
        (acl(ip=False), "[::1]:8448", False),
        (acl(ip=False), "1.2.3.4.org", True),
        (acl(ip=True), "1.2.3.4", True),
        (acl(deny=("1.2.*",)), "1.2.3.4:8448", False),
        (acl(deny=("[::1]",)), "[::1]:8448", False),
    ],
)
def test_rules_are_applied_in_their_order(rules: ServerAcl, server_name: str, allowed: bool) -> None:
    assert rules.allows(server_name) is allowed


@pytest.mark.parametrize(
    "content", [{}, {"allow": "*"}, {"allow": None}, {"allow": {"*": 1}}, {"allow": [1, None]}]
)
def test_a_missing_or_malformed_allow_list_shuts_everyone_out(content: dict[str, object]) -> None:
    assert not ServerAcl.from_content(content).allows("new.org")


def test_malformed_entries_are_left_out_and_the_others_count() -> None:
    rules = ServerAcl.from_content({"allow": ["*", 5], "deny": [None, "evil.org", ["new.org"]]})
    assert rules == acl(deny=("evil.org",))


def test_a_malformed_deny_list_denies_nobody() -> None:
    assert ServerAcl.from_content({"allow": ["*"], "deny": "new.org"}).allows("new.org")


@pytest.mark.parametrize("value", [None, 0, "false", []])
def test_ip_literals_are_allowed_unless_the_flag_is_false_itself(value: object) -> None:
    assert ServerAcl.from_content({"allow": ["*"], "allow_ip_literals": value}).allows("1.2.3.4")
    assert not ServerAcl.from_content({"allow": ["*"], "allow_ip_literals": False}).allows("1.2.3.4")


@given(glob=GLOBS, name=NAMES)
def test_globs_match_as_the_spec_defines_them(glob: str, name: str) -> None:
    assert acl(allow=(glob,)).allows(name) is matches_by_definition(glob, name)


@given(allow=st.lists(GLOBS, max_size=3), deny=st.lists(GLOBS, max_size=3), ip=st.booleans(), name=NAMES)
def test_synapse_allows_the_same_servers(allow: list[str], deny: list[str], ip: bool, name: str) -> None:
    synapse = ServerAclEvaluator(ip, allow, deny).server_matches_acl_event(name)
    assert acl(tuple(allow), tuple(deny), ip).allows(name) is synapse


@given(
    content=st.fixed_dictionaries(
        {},
        optional={
            "allow": JUNK | st.lists(GLOBS | JUNK, max_size=3),
            "deny": JUNK | st.lists(GLOBS | JUNK, max_size=3),
            "allow_ip_literals": JUNK,
        },
    ),
    server_name=st.sampled_from(["a.b", "a.b:8448", "1.2.3.4", "1.2.3.4:80", "[::1]", "[::1]:1", "01.2.3.4"]),
)
def test_synapse_reads_malformed_content_in_the_same_way(
    content: dict[str, object], server_name: str
) -> None:
    host, _ = parse_server_name(server_name)  # Synapse takes the port off before it asks
    synapse = synapse_reads(content).server_matches_acl_event(host)
    assert ServerAcl.from_content(content).allows(server_name) is synapse


@pytest.mark.parametrize("unit", ["*a", "*?", "*a?", "?*", "*", "a*"])
def test_no_glob_takes_long_to_match(unit: str) -> None:
    name = "a" * 255
    globs = tuple(unit * repeats + "b" for repeats in (5, 50, 100, 127, 10_000))
    started = time.perf_counter()
    assert not acl(allow=globs).allows(name)
    assert time.perf_counter() - started < 1  # milliseconds in truth; a backtracking matcher never ends
