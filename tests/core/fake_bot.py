# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bot without its homeserver and its database: the same look-ups, decisions and records, in a fake room.

It can be interrupted before or after each act. Every act is held against what the bot promises.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import Enum

from migrationbot.acts import _LOOK_UP, _attempt, _base, _history_content, _power_content
from migrationbot.core.approval import Answer, Evidence, Reaction
from migrationbot.core.decide import Act, Finish, Turn, Turned, Wait, decide, turn
from migrationbot.core.move import Phase, Reason, Record, RoomMove, Step, Trouble
from migrationbot.core.power import with_level
from migrationbot.core.room import RoomState
from tests.core.drafts import World
from tests.core.fake_room import FakeRoom
from tests.core.promises import assert_consented, assert_may_promote, assert_tidy, assert_true
from tests.core.worlds import BOT, HOUR, NEW

CONSENTED = (Step.OPEN_HISTORY, Step.INVITE, Step.PROMOTE)
ON_CARDS = (Step.CONFIRM_CARD, Step.SEED_CONFIRM)


class Crash(Enum):
    """Where the bot is killed in its next act on the room."""

    BEFORE = "before"  # the intent is on record, nothing has happened
    AFTER = "after"  # the homeserver did it, the record does not say so


class Killed(Exception):
    """The process is gone; what is on record and what is in the room stay."""


@dataclass
class Thread:
    """What people said about the move."""

    command: bool = True
    card: bool = True
    confirm: bool = True
    cancelled_by: str = ""
    answers: set[tuple[str, str, Answer]] = field(default_factory=set)  # the card, who, what

    def evidence(self) -> Evidence:
        """What the homeserver shows of it."""

        def under(card: str) -> tuple[Reaction, ...]:
            found = sorted((who, what.name, what) for on, who, what in self.answers if on == card)
            return tuple(
                Reaction(event_id=f"${who}{name}", sender=who, answer=what) for who, name, what in found
            )

        return Evidence(
            command_stands=self.command,
            cancelled_by=self.cancelled_by,
            card_stands=self.card,
            reactions=under("request"),
            confirm_stands=self.confirm,
            confirmations=under("confirm"),
        )


@dataclass
class FakeBot:
    """Carries one move on whenever it is woken."""

    room: FakeRoom
    thread: Thread
    move: RoomMove  # as the database holds it
    now: int  # milliseconds since the epoch
    refused: Step | None = None  # what the homeserver will not do, for a reason that the room does not show
    waiting: Wait | None = None  # what the last look ended with
    began: int = 0  # how many events the room had when the request was made
    did: Counter[Step] = field(default_factory=Counter)  # acts that the homeserver carried out
    was_refused: bool = False  # whether the homeserver ever refused an act

    def look(self, crash: Crash | None = None) -> None:
        """Carry on until something has to be waited for. Raises Killed."""
        self.waiting = None
        for _ in range(40):
            shown = self.room.as_shown
            if self.move.phase is Phase.ENDED or shown is None:
                return
            if self._settle(shown):
                continue
            evidence = self.thread.evidence()
            decision = decide(self.move, shown, evidence, self.now)
            if isinstance(decision, Wait):
                assert decision.until > self.now
                self.waiting = decision
                return
            if isinstance(decision, Act):
                self._act(decision, World(self.move, shown, evidence), crash)
            else:
                self._turn(decision, shown)
        raise AssertionError("it goes round in circles")

    def _settle(self, shown: RoomState) -> bool:
        found = False
        for record in list(self.move.records.values()):
            event_id = None if record.done else _LOOK_UP[record.step](record, self.move, shown)
            if event_id is not None:
                self._record(replace(record, done=True, event_id=event_id))
                found = True
        return found

    def _act(self, act: Act, world: World, crash: Crash | None) -> None:
        if act.step in ON_CARDS:
            self._record(Record(step=act.step, done=True, event_id=f"${act.step.value}"))
            return
        if act.step in CONSENTED:
            assert_consented(world, act.level)
        attempt, base = _attempt(self.move, act.step), _base(act.step, self.move, world.room)
        record = Record(step=act.step, attempt=attempt, base=base)
        self._record(record)
        if crash is Crash.BEFORE:
            raise Killed
        if act.step is self.refused:
            self._note_trouble(act.step)
            return
        self._do(act, world)
        if crash is Crash.AFTER:
            raise Killed
        shown = _LOOK_UP[act.step](record, self.move, self.room.now)
        assert shown is not None
        self._record(replace(record, done=True, event_id=shown))
        self.move = replace(self.move, trouble=None)

    def _do(self, act: Act, world: World) -> None:
        """What the homeserver does. That the room's rules forbid it is never the reason why it does not."""
        self.did[act.step] += 1
        if act.step is Step.INVITE:
            self.room.invite(BOT, NEW)
        elif act.step is Step.WITHDRAW_INVITE:
            self.room.kick(BOT, NEW)
        elif act.step is Step.PROMOTE:
            self._promote(act, world)
        else:
            content = _history_content(act.step, self.move, world.room)
            self.room.send(BOT, "m.room.history_visibility", content)

    def _promote(self, act: Act, world: World) -> None:
        assert act.level is not None
        assert_may_promote(world, act.level)
        before = world.room.power
        self.room.send_levels(BOT, with_level(_power_content(world.room), NEW, act.level))
        after = self.room.now.power
        assert replace(after, users={}) == replace(before, users={})
        assert {**before.users, NEW: act.level} == {**after.users}

    def _turn(self, decision: Turned | Finish, shown: RoomState) -> None:
        phase = turn(self.move.phase, decision.by)
        self.move = replace(self.move, phase=phase, ending=decision.ending, trouble=None)
        if isinstance(decision, Turned) and decision.by is Turn.APPROVED:
            self.move = replace(
                self.move,
                approvers=decision.approvers,
                approved_level=decision.approved_level,
                expires_at=self.now + 168 * HOUR,
            )
        if decision.by in (Turn.STOPPED, Turn.ARRIVED) and decision.ending is not None:
            asked = self.room.has_been(NEW, "invite", "join", since=self.began)
            promoted = self.did[Step.PROMOTE] > 0
            assert_true(decision.ending, shown, was_asked=asked, promoted=promoted)
        if phase is Phase.ENDED and not self.was_refused:
            ours = {event.event_id for event in self.room.events[self.began :] if event.sender == BOT}
            assert_tidy(shown, ours)

    def _note_trouble(self, step: Step) -> None:
        self.was_refused = True
        earlier = self.move.trouble if self.move.trouble and self.move.trouble.step is step else None
        trouble = Trouble(
            step=step,
            reason=Reason.NOT_ALLOWED,
            since=earlier.since if earlier else self.now,
            attempts=earlier.attempts + 1 if earlier else 1,
            retry_at=self.now + 6 * HOUR,
        )
        self.move = replace(self.move, trouble=trouble)

    def _record(self, record: Record) -> None:
        self.move = replace(self.move, records={**self.move.records, record.step: record})
