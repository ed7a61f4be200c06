# SPDX-License-Identifier: AGPL-3.0-or-later
"""People and the bot act in one room in any order, with the bot killed at any act: what it promises holds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from migrationbot.core.approval import Answer
from migrationbot.core.errors import Refused
from migrationbot.core.move import Phase, Rules
from migrationbot.core.plan import Wish, make_plan
from migrationbot.core.power_change import with_level
from migrationbot.core.reasons import Reason
from migrationbot.core.room import Membership
from migrationbot.core.steps import Step
from tests.core.fake_bot import FakeBot
from tests.core.fake_homeserver import Crash, FakeHomeserver, Killed
from tests.core.fake_room import Denied, FakeRoom
from tests.core.thread import Thread
from tests.core.worlds import BOT, CAROL, DAVE, ERIN, EVERYONE, HOUR, NEW, OLD, member, move, state

PEOPLE = st.sampled_from([OLD, NEW, CAROL, DAVE, ERIN])
ANYONE = st.sampled_from(EVERYONE)
CARDS = st.sampled_from(["request", "request", "confirm"])
LEVELS = st.sampled_from([100, 60, 50, 0, -1])
SETTINGS = st.sampled_from(["shared", "invited", "joined"])
RARELY = st.integers(0, 7).map(lambda drawn: drawn == 0)
CRASHES = st.sampled_from([None, None, Crash.BEFORE, Crash.AFTER])
YES, NO = Answer.YES, Answer.NO


class Interleavings(RuleBasedStateMachine):
    """One room, a request in it, and whoever is there."""

    room: FakeRoom
    homeserver: FakeHomeserver
    bot: FakeBot

    @initialize(
        version=st.integers(1, 12).map(str),
        creator=st.sampled_from([ERIN, CAROL, OLD]),
        setting=SETTINGS,
        rule=st.sampled_from(["invite", "public", "knock"]),
        level=LEVELS,
        power_event=st.integers(0, 9).map(bool),
    )
    def begin(
        self, version: str, creator: str, setting: str, rule: str, level: int, power_event: bool
    ) -> None:
        users = {BOT: 100, OLD: level, CAROL: 100, DAVE: 50}
        if int(version) >= 12:
            users.pop(creator, None)
        if not power_event:
            creator = BOT
        self.room = FakeRoom(
            state("m.room.create", {"room_version": version}, sender=creator),
            *([state("m.room.power_levels", {"users": users})] if power_event else []),
            state("m.room.join_rules", {"join_rule": rule}),
            state("m.room.history_visibility", {"history_visibility": setting}),
            *(member(user, "join") for user in EVERYONE if user != NEW),
        )
        self.homeserver = FakeHomeserver(self.room)
        self.ask()

    def ask(self) -> None:
        """A request, when one is possible here; otherwise one that has ended."""
        wish = Wish(bot=BOT, old=OLD, new=NEW)
        try:
            until = self.homeserver.now + 168 * HOUR
            rules = Rules(give_up_after=6 * HOUR)
            asked = move(plan=make_plan(wish, self.room.now), rules=rules, expires_at=until)
        except Refused:
            asked = move(phase=Phase.ENDED)
        self.bot = FakeBot(self.homeserver, Thread(), asked)

    @property
    def going_on(self) -> bool:
        return self.bot.move.phase is not Phase.ENDED

    @precondition(lambda self: not self.going_on)
    @rule()
    def ask_again(self) -> None:
        self.ask()

    @rule(crash=CRASHES)
    def look(self, crash: Crash | None) -> None:
        with suppress(Killed):
            self.bot.look(crash)

    @rule(admin=st.sampled_from([CAROL, CAROL, OLD, DAVE]), times=st.integers(1, 3), crash=CRASHES)
    def do_what_is_waited_for(self, admin: str, times: int, crash: Crash | None) -> None:
        """The person that the bot waits for does their part, and the bot goes on."""
        answers = self.bot.thread.answers
        parts: dict[Reason, Callable[[], object]] = {
            Reason.APPROVAL: lambda: answers.add(("request", admin, YES)),
            Reason.APPROVAL_LOST: lambda: answers.add(("request", admin, YES)),
            Reason.JOIN: lambda: self.room.join(NEW),
            Reason.CONFIRM: lambda: answers.add(("confirm", NEW, YES)),
            Reason.BOT_LACKS_POWER: lambda: self.levels(admin, BOT, 100),
        }
        for _ in range(times):
            self.bot.look()
            if self.bot.waiting is not None and self.bot.waiting.reason in parts:
                with suppress(Denied):
                    parts[self.bot.waiting.reason]()
        self.look(crash)

    @rule(card=CARDS, who=PEOPLE, no=RARELY)
    def react(self, card: str, who: str, no: bool) -> None:
        self.bot.thread.answers.add((card, who, NO if no else YES))

    @rule(card=CARDS, who=PEOPLE, what=st.sampled_from([YES, NO]))
    def take_back(self, card: str, who: str, what: Answer) -> None:
        self.bot.thread.answers.discard((card, who, what))

    def levels(self, by: str, target: str, level: int) -> None:
        event = self.room.now.power_event
        content = event.content if event else {"users": {by: 100}}
        self.room.send_levels(by, with_level(content, target, level))

    @rule(by=st.sampled_from([CAROL, OLD, NEW, DAVE]), of=ANYONE, level=LEVELS)
    def set_level(self, by: str, of: str, level: int) -> None:
        with suppress(Denied):
            self.levels(by, of, level)

    @rule(user=PEOPLE, how=st.sampled_from(["join", "leave", "knock"]))
    def come_or_go(self, user: str, how: str) -> None:
        with suppress(Denied):
            {"join": self.room.join, "leave": self.room.leave, "knock": self.room.knock}[how](user)

    @rule(by=st.sampled_from([CAROL, OLD, DAVE]), user=ANYONE, how=st.sampled_from(["kick", "ban", "invite"]))
    def treat(self, by: str, user: str, how: str) -> None:
        with suppress(Denied):
            {"kick": self.room.kick, "ban": self.room.ban, "invite": self.room.invite}[how](by, user)

    @rule()
    def take_the_bot_back(self) -> None:
        with suppress(Denied):
            if self.room.now.membership(BOT) is Membership.BAN:
                self.room.kick(CAROL, BOT)
            self.room.invite(CAROL, BOT)
            self.room.join(BOT)

    @rule(by=st.sampled_from([CAROL, OLD, DAVE]), setting=SETTINGS)
    def set_history(self, by: str, setting: str) -> None:
        with suppress(Denied):
            self.room.send(by, "m.room.history_visibility", {"history_visibility": setting})

    @rule(how=st.sampled_from(["cancel", "command", "card", "confirm", "upgrade", "acl"]), really=RARELY)
    def stop(self, how: str, really: bool) -> None:
        thread = self.bot.thread
        if not really:
            return
        if how == "cancel":
            thread.cancelled_by = OLD
        elif how in ("command", "card", "confirm"):
            setattr(thread, how, False)
        else:
            kind, content = "m.room.tombstone", {"replacement_room": "!next:old.org"}
            if how == "acl":
                kind, content = "m.room.server_acl", {"allow": "old.org"}
            with suppress(Denied):
                self.room.send(CAROL, kind, content)

    @rule(hours=st.sampled_from([1, 7, 50, 200]))
    def pass_time(self, hours: int) -> None:
        self.homeserver.now += hours * HOUR

    @rule(step=st.sampled_from([None, None, *Step]))
    def refuse(self, step: Step | None) -> None:
        self.homeserver.refused = step

    @rule(needed=st.integers(1, 2), may=st.booleans())
    def set_rules(self, needed: int, may: bool) -> None:
        rules = Rules(approvals_needed=needed, requester_may_approve=may, give_up_after=6 * HOUR)
        self.bot.database.move = replace(self.bot.move, rules=rules)

    @invariant()
    def nothing_is_done_twice(self) -> None:
        did = self.bot.did
        assert did[Step.INVITE] <= 1
        assert did[Step.PROMOTE] <= 1
        assert did[Step.OPEN_HISTORY] - did[Step.RESTORE_HISTORY] <= 1

    def teardown(self) -> None:
        """Left alone, the move ends: it never waits for ever."""
        for _ in range(100):
            self.bot.look()
            if self.bot.waiting is None:
                break
            self.homeserver.now = self.bot.waiting.until
        assert not self.going_on or self.room.as_shown is None


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=70, stateful_step_count=40)
