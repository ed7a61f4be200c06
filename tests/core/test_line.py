# SPDX-License-Identifier: AGPL-3.0-or-later
"""Each of those who wait has a turn of its own."""

from __future__ import annotations

import pytest

from migrationbot.core.bucket import Bucket
from migrationbot.core.line import Line


def full() -> Bucket:
    """Ten at once and one in 10 s: the next at 120, none saved up."""
    bucket = Bucket()
    for _ in range(10):
        bucket.take(90.0)
    bucket.take(91.0)
    bucket.refuse(91.0, 91.0, 9.0)
    bucket.take(100.0)
    bucket.take(101.0)
    bucket.refuse(101.0, 101.0, 9.0)
    bucket.take(110.0)
    return bucket


def turns(line: Line, bucket: Bucket, *who: str, now: float = 111.0) -> list[float]:
    return [line.ask(each, now=now, bucket=bucket) for each in who]


def test_no_two_are_told_the_same() -> None:
    line, bucket = Line(), full()
    assert turns(line, bucket, "a", "b", "c") == pytest.approx([120.0, 130.0, 140.0], abs=1.0)
    assert len(line) == 3


def test_who_comes_too_early_keeps_its_turn() -> None:
    line, bucket = Line(), full()
    told = turns(line, bucket, "a", "b")
    assert turns(line, bucket, "a", "b", now=112.0) == pytest.approx(told)


def test_where_nothing_is_limited_all_go() -> None:
    line, bucket = Line(), Bucket()
    assert turns(line, bucket, "a", "b") == [111.0, 111.0]
    assert len(line) == 0


def test_each_goes_at_its_turn_be_those_before_late_or_not() -> None:
    line, bucket = Line(), full()
    first, second = turns(line, bucket, "a", "b")
    assert line.ask("b", now=second, bucket=bucket) == second  # a is late, and finds room all the same
    bucket.take(second)
    assert line.ask("a", now=second + 1, bucket=bucket) == second + 1
    assert first < second


def test_a_newcomer_takes_nobodys_turn() -> None:
    line, bucket = Line(), full()
    first, second = turns(line, bucket, "a", "b")
    assert line.ask("new", now=first, bucket=bucket) > second


def test_the_time_of_one_who_does_not_come_is_not_lost() -> None:
    line, bucket = Line(), full()
    first, second, _ = turns(line, bucket, "a", "b", "c")
    assert line.ask("b", now=second, bucket=bucket) == second
    bucket.take(second)
    now = first + 14.0
    assert line.ask("new", now=now, bucket=bucket) > now  # a may still come
    now = first + 16.0
    assert line.ask("new", now=now, bucket=bucket) == now  # not any more


def test_what_is_urgent_goes_first_but_not_twice_in_succession() -> None:
    line, bucket = Line(), full()
    first, *_ = turns(line, bucket, "a", "b")
    assert line.ask("ask", now=112.0, bucket=bucket, urgent=True) == pytest.approx(first)
    again = line.ask("ask again", now=112.0, bucket=bucket, urgent=True)
    assert again == pytest.approx(first + 20, abs=2.0)  # one of the others goes in between
    assert line.ask("a", now=first, bucket=bucket) > first
    assert line.ask("ask", now=first, bucket=bucket, urgent=True) == first
    bucket.take(first)
    third = line.ask("a third", now=first, bucket=bucket, urgent=True)
    assert third > line.ask("a", now=first, bucket=bucket) > first


def test_one_that_was_refused_is_the_first_again() -> None:
    line, bucket = Line(), full()
    turns(line, bucket, "a", "b")
    now = bucket.time_of(1, 111.0)
    bucket.take(now)
    bucket.refuse(now, now, 2.0)
    assert line.back("c", now=now, bucket=bucket) == pytest.approx(now + 2, abs=0.1)
    later = now + 2 + (bucket.interval or 0.0)
    assert line.ask("a", now=now, bucket=bucket) == pytest.approx(later, abs=0.5)
