# SPDX-License-Identifier: AGPL-3.0-or-later
"""Invites as fast as the new account's server takes them, and no faster."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrationbot.core.pacing import BURST, REFILL, Spending, Turn, limited, may_invite, next_at

HOUR = 3_600_000
NOW = 1_000 * HOUR


@dataclass
class Server:
    """A homeserver with Synapse's default limit of invites for one account, or with none."""

    lifted: bool = False
    spent: float = 0.0
    at: int = 0
    refusals: int = 0

    def invite(self, now: int) -> bool:
        """Whether it takes one."""
        self.spent, self.at = max(0.0, self.spent - (now - self.at) * 0.003 / 1000), now
        if not self.lifted and self.spent > BURST - 1:
            self.refusals += 1
            return False
        self.spent += 1
        return True


@dataclass
class Sender:
    """Sends invites as the rules say; what it knows can be taken from it and given to another."""

    server: Server
    spending: Spending = field(default_factory=Spending)
    now: int = NOW

    def send(self, count: int) -> None:
        """Send so many, one after the other."""
        while count:
            turn = may_invite(self.spending, flying=0, now=self.now)
            if turn is Turn.SPENT:
                later = next_at(self.spending, ahead=0, now=self.now)
                assert later > self.now
                self.now = later
            elif self.server.invite(self.now):
                self.spending = replace(self.spending, taken=(*self.spending.taken, self.now))
                self.now += 150  # milliseconds: as long as an invite takes
                count -= 1
            else:
                assert turn is Turn.TRY
                self.spending = replace(self.spending, refused_at=self.now)
                self.now += 6_000  # as long as a refusal takes


def test_a_hundred_invites_take_about_nine_hours_and_one_refusal() -> None:
    sender = Sender(Server())
    sender.send(100)
    assert 8.7 * HOUR < sender.now - NOW < 9 * HOUR
    assert sender.server.refusals == 1


def test_nothing_is_lost_when_the_bot_is_started_again_in_between() -> None:
    sender = Sender(Server())
    for _ in range(100):
        sender.send(1)
        sender = Sender(sender.server, Spending(**vars(sender.spending)), sender.now)
    assert sender.now - NOW < 9 * HOUR
    assert sender.server.refusals == 1


def test_a_server_without_limits_gets_them_all_at_once() -> None:
    sender = Sender(Server(lifted=True))
    sender.send(100)
    assert sender.now - NOW == 100 * 150


def test_a_limit_is_tried_again_after_a_day() -> None:
    sender = Sender(Server())
    sender.send(6)
    assert limited(sender.spending, sender.now)
    sender.server.lifted, sender.now = True, sender.now + 25 * HOUR
    assert not limited(sender.spending, sender.now)
    began = sender.now
    sender.send(50)
    assert sender.now - began == 50 * 150


def test_a_server_that_begins_to_limit_is_believed() -> None:
    sender = Sender(Server(lifted=True))
    sender.send(20)
    sender.server.lifted = False
    sender.server.spent = 20
    assert may_invite(sender.spending, flying=0, now=sender.now) is Turn.FREE
    refused = replace(sender.spending, refused_at=sender.now)
    assert may_invite(refused, flying=0, now=sender.now) is Turn.SPENT


@pytest.mark.parametrize(("flying", "turn"), [(0, Turn.FREE), (4, Turn.FREE), (5, Turn.TRY), (8, Turn.TRY)])
def test_what_is_under_way_counts(flying: int, turn: Turn) -> None:
    assert may_invite(Spending(), flying=flying, now=NOW) is turn


@given(st.integers(0, 200))
def test_those_who_wait_come_one_after_the_other(ahead: int) -> None:
    spending = Spending(taken=(NOW,) * BURST, refused_at=NOW)
    assert next_at(spending, ahead=ahead, now=NOW) == NOW + (ahead + 1) * REFILL


def test_an_invite_that_is_due_is_not_put_off() -> None:
    assert next_at(Spending(taken=(NOW,)), ahead=0, now=NOW) == NOW
