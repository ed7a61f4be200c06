# SPDX-License-Identifier: AGPL-3.0-or-later
"""What refusals tell of a limit, and what they don't."""

from __future__ import annotations

import pytest

from migrationbot.core.bucket import Bucket

HOUR = 3600.0


def learned(interval: float = 5.0) -> Bucket:
    """Ten were taken at once; the eleventh was refused, one was taken, and one more refused."""
    bucket = Bucket()
    for _ in range(10):
        bucket.take(0.0)
    bucket.take(1.0)
    bucket.refuse(1.0, 1.0, interval - 1)
    bucket.take(interval)
    bucket.take(interval + 1)
    bucket.refuse(interval + 1, interval + 1, interval - 1)
    return bucket


def test_two_refusals_tell_rate_and_size() -> None:
    bucket = learned()
    assert bucket.interval == pytest.approx(5.0)
    assert bucket.room(6.0) < 1 <= bucket.room(10.2)
    assert bucket.room(300.0) == pytest.approx(10.0)
    assert bucket.time_of(1, 6.0) == pytest.approx(10.0, abs=0.2)
    assert bucket.time_of(3, 6.0) == pytest.approx(20.0, abs=0.5)


def test_nothing_is_known_before() -> None:
    bucket = Bucket()
    assert bucket.interval is None
    assert bucket.room(0.0) == bucket.room(0.0, 9.0) == float("inf")
    assert bucket.time_of(100, 7.0) == 7.0
    assert bucket.at_once(0.0) == 1
    for number in range(24):
        bucket.take(float(number))
    assert bucket.at_once(24.0) == 3
    assert bucket.at_once(HOUR) == 1  # what was taken long ago proves nothing


def test_those_refused_together_tell_it_once() -> None:
    bucket = Bucket()
    for sent in (0.0, 0.1, 0.2):
        bucket.take(sent)
    bucket.refuse(0.1, 0.6, 4.0)
    known = bucket.interval
    bucket.refuse(0.2, 0.7, 3.9)
    assert bucket.interval == known
    assert bucket.time_of(1, 0.7) == pytest.approx(4.6)


def test_others_that_use_the_same_limit_do_not_make_it_seem_slow() -> None:
    bucket = learned()
    bucket.take(100.0)
    bucket.refuse(100.0, 100.0, 2.0)  # somebody else has sent meanwhile with the same account
    assert bucket.interval == pytest.approx(5.0)
    bucket.take(200.0)
    bucket.take(200.1)
    bucket.refuse(200.1, 200.1, 30.0)
    assert bucket.interval == pytest.approx(30.0)  # no one has to wait longer than for one
    assert bucket.time_of(2, 230.1) - 230.1 == pytest.approx(15.0, rel=0.05)  # but that is not sure


def test_a_refusal_out_of_the_blue_tells_the_least() -> None:
    bucket = Bucket()
    bucket.take(5.0)
    bucket.refuse(5.0, 5.0, 0.0)
    assert bucket.interval == pytest.approx(0.05)
    old = Bucket()
    old.take(0.0)
    old.take(1000.0)
    old.refuse(1000.0, 1000.0, 2.0)
    assert old.interval == pytest.approx(4.0)  # not a thousand: others may have been sending


def test_what_has_not_shown_for_long_is_doubted_and_forgotten_when_it_is_gone() -> None:
    bucket = learned()
    assert bucket.holds(600.0)
    assert not bucket.holds(700.0)
    assert bucket.at_once(700.0) == 1
    for number in range(40):
        bucket.take(700.0 + number / 10)
    assert bucket.interval is None
    assert bucket.at_once(704.0) > 1


def test_a_doubt_that_was_wrong_comes_later_next_time() -> None:
    bucket = learned()
    bucket.take(700.0)
    bucket.refuse(700.0, 700.0, 3.0)
    assert bucket.holds(1800.0)
    assert not bucket.holds(2000.0)
    for _ in range(9):
        at = 700.0 + 30 * HOUR
        bucket.take(at)
        bucket.refuse(at, at, 3.0)
    assert not bucket.holds(at + 5 * HOUR)


def test_a_slow_limit_is_trusted_for_longer() -> None:
    bucket = learned(334.0)
    assert bucket.holds(334.0 * 20)
    assert not bucket.holds(334.0 * 23)


@pytest.mark.parametrize(("told", "other"), [(4.0, False), (29.0, False), (31.0, True), (334.0, True)])
def test_what_is_of_another_limit_before_anything_is_known(told: float, other: bool) -> None:
    assert Bucket().is_of_another(told) is other


@pytest.mark.parametrize(("told", "other"), [(4.9, False), (5.1, False), (9.0, True)])
def test_what_is_of_another_limit_when_this_one_is_known(told: float, other: bool) -> None:
    assert learned().is_of_another(told) is other


def test_without_a_time_it_is_guessed() -> None:
    bucket, waits = Bucket(), []
    for now in (0.0, 5.0, 15.0):
        bucket.take(now)
        bucket.refuse(now, now, None)
        waits.append(bucket.time_of(1, now) - now)
    assert waits == pytest.approx([5.0, 10.0, 20.0])
    assert bucket.interval == 20.0
    bucket.take(35.0)
    bucket.took()
    bucket.take(55.0)
    bucket.refuse(55.0, 55.0, None)
    assert bucket.interval == 30.0
    assert bucket.time_of(1, 55.0) - 55.0 == pytest.approx(7.5)


def test_what_is_not_counted_is_given_back() -> None:
    bucket = learned()
    bucket.take(60.0)
    left = bucket.room(60.0)
    bucket.take(61.0)
    bucket.spared(61.0)
    bucket.spared(1.0)  # that one was forgotten before
    assert bucket.room(61.0) >= left
