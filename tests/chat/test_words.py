# SPDX-License-Identifier: AGPL-3.0-or-later
"""Levels, times and identifiers as people read them."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrationbot.chat.words import duration, instant, level, link, moment, server, spelled
from migrationbot.core.power import CREATOR
from tests.chat.builders import DAY, HOUR, MINUTE, NOW

ANYTHING = st.text(st.characters())


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "level 0 (member)"),
        (50, "level 50 (moderator)"),
        (100, "level 100 (admin)"),
        (-5, "level -5"),
        (35, "level 35"),
        (150, "level 150"),
        (CREATOR - 1, "level 9007199254740991"),
        (CREATOR, "the unlimited level of a creator"),
    ],
)
def test_a_level_has_the_name_that_clients_give_it(value: int, words: str) -> None:
    assert level(value) == words


def test_a_time_is_absolute_with_its_zone_and_relative() -> None:
    assert instant(NOW) == "2026-11-22 14:03 UTC"
    assert moment(NOW + 7 * DAY, NOW) == "2026-11-29 14:03 UTC (in 7 days)"
    assert moment(NOW - HOUR, NOW) == "2026-11-22 13:03 UTC (1 hour ago)"
    assert moment(NOW, NOW) == "2026-11-22 14:03 UTC (in less than a minute)"


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (0, "less than a minute"),
        (MINUTE - 1, "less than a minute"),
        (MINUTE, "1 minute"),
        (MINUTE + 1, "a minute"),
        (2 * MINUTE, "2 minutes"),
        (HOUR, "1 hour"),
        (90 * MINUTE, "90 minutes"),
        (36 * HOUR, "36 hours"),
        (DAY, "1 day"),
        (2 * DAY, "2 days"),
        (7 * DAY - 3000, "7 days"),
    ],
)
def test_a_duration_is_said_in_its_largest_sensible_unit(length: int, words: str) -> None:
    assert duration(length) == words


@given(st.integers(2 * MINUTE, 9000 * DAY))
def test_a_duration_is_off_by_a_quarter_at_most(length: int) -> None:
    count, name = duration(length).split()
    unit = {"minute": MINUTE, "hour": HOUR, "day": DAY}[name.removesuffix("s")]
    assert abs(int(count) * unit - length) <= length / 4


@pytest.mark.parametrize(
    "user_id", ["@alice:old.org", "@a.b_c=d-e/f+g:[::1]:8448", "@Alice!#$&'()*<>\"|~^`{}:old.org"]
)
def test_an_id_in_plain_ascii_is_shown_as_it_is(user_id: str) -> None:
    assert spelled(user_id) == user_id


def test_what_hides_or_deceives_is_spelled_out() -> None:
    assert spelled("@\u202ealice:old.org") == "@%E2%80%AEalice:old.org"
    assert spelled("@\u0430lice:old.org") == "@%D0%B0lice:old.org"
    assert spelled("@a b\n:old.org") == "@a%20b%0A:old.org"
    assert spelled("@a%20b:old.org") == "@a%2520b:old.org"


@given(ANYTHING)
def test_an_id_is_shown_in_full_in_characters_that_everyone_sees(identifier: str) -> None:
    shown = spelled(identifier)
    assert re.fullmatch("[!-~]*", shown)
    assert unquote(shown, errors="surrogatepass") == identifier


@given(ANYTHING)
def test_a_link_holds_one_whole_identifier(identifier: str) -> None:
    address = link(identifier)
    assert re.fullmatch(r"https://matrix\.to/#/[A-Za-z0-9@:!#%._~-]*", address)
    assert unquote(address.removeprefix("https://matrix.to/#/"), errors="surrogatepass") == identifier


def test_a_link_looks_as_clients_write_it() -> None:
    assert link("@alice:old.org") == "https://matrix.to/#/@alice:old.org"
    assert link("!room:old.org") == "https://matrix.to/#/!room:old.org"
    assert link("@a/b?c:old.org") == "https://matrix.to/#/@a%2Fb%3Fc:old.org"


def test_the_server_of_an_id_keeps_its_port() -> None:
    assert server("@alice:old.org:8448") == "old.org:8448"
    assert server("@alice:\u043ed.org") == "%D0%BEd.org"
