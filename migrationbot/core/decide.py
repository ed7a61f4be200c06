# SPDX-License-Identifier: AGPL-3.0-or-later
"""The one function that decides what happens next in one room, and the table of phases.

`decide` looks at what is so now and names the one thing that is missing. It does not know what happened
before: a restart, a repeat and a person who did a step by hand are all the same case.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .approval import Evidence, confirmed, judge, level_asked
from .ending import arrival, why_stop
from .move import Ending, Outcome, Phase, Reason, RoomMove, Step
from .plan import can_send, can_withdraw, worth
from .power import can_raise
from .room import Membership, RoomState
from .traces import invite_stands, opening_stands

_UNDOING = (Step.WITHDRAW_INVITE, Step.RESTORE_HISTORY)  # the more urgent first


class Turn(Enum):
    """What carries a room move from one phase to the next."""

    APPROVED = "approved"  # enough entitled members said yes
    LOST = "lost"  # the approval no longer stands
    BLOCKED = "blocked"  # a person has to mend something
    MENDED = "mended"  # it was mended
    STOPPED = "stopped"  # it will not happen
    ARRIVED = "arrived"  # every goal is met
    UNDONE = "undone"  # all that could be put back is back


TABLE: dict[Phase, dict[Turn, Phase]] = {
    Phase.ASKING: {
        Turn.APPROVED: Phase.MOVING,
        Turn.STOPPED: Phase.UNDOING,
        Turn.ARRIVED: Phase.ENDED,  # promoted, then crashed or lost the approval: there is nothing to ask
    },
    Phase.MOVING: {
        Turn.LOST: Phase.ASKING,
        Turn.BLOCKED: Phase.BLOCKED,
        Turn.STOPPED: Phase.UNDOING,
        Turn.ARRIVED: Phase.ENDED,
    },
    Phase.BLOCKED: {
        Turn.MENDED: Phase.MOVING,
        Turn.LOST: Phase.ASKING,
        Turn.STOPPED: Phase.UNDOING,
        Turn.ARRIVED: Phase.ENDED,
    },
    Phase.UNDOING: {
        Turn.UNDONE: Phase.ENDED,
    },
    Phase.ENDED: {},
}


class WrongTurn(Exception):
    """A turn that the table does not list: a mistake in the code, never in a room."""


def turn(phase: Phase, by: Turn) -> Phase:
    """The phase that follows. Raises WrongTurn for a turn that is not in the table."""
    try:
        return TABLE[phase][by]
    except KeyError:
        raise WrongTurn(f"{by.value} while {phase.value}") from None


@dataclass(frozen=True, kw_only=True)
class Act:
    """The bot does this now."""

    step: Step
    level: int | None = None  # for PROMOTE: the power level to give


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Nothing to do until something changes, or until the given time."""

    reason: Reason
    until: int  # milliseconds since the epoch: look again then at the latest


@dataclass(frozen=True, kw_only=True)
class Turned:
    """The move has entered another phase; record it and look again."""

    by: Turn
    approvers: tuple[str, ...] = ()  # for APPROVED: whose yes it rests on
    approved_level: int | None = None  # for APPROVED: what the old account's level is worth now
    ending: Ending | None = None  # for STOPPED


@dataclass(frozen=True, kw_only=True)
class Finish:
    """Nothing more will be done in this room."""

    by: Turn
    ending: Ending


Decision = Act | Wait | Turned | Finish


def decide(move: RoomMove, room: RoomState, evidence: Evidence, now: int) -> Decision:
    """What happens next in this room. `now` is in milliseconds since the epoch.

    Raises WrongTurn for a move that has ended: there is nothing left to decide.
    """
    if move.phase is Phase.ENDED:
        raise WrongTurn(f"a decision while {move.phase.value}")
    if move.ending is not None:
        return _undo(move, room, move.ending, now)
    if move.done(Step.PROMOTE):
        return _restoring(move, room, now) or _arrived(move, room, now)
    consent = judge(move, room, evidence, level_asked_now(move, room))
    ending = why_stop(move, room, evidence, consent, now)
    if ending is not None:
        return Turned(by=Turn.STOPPED, ending=ending)
    if len(consent.approvers) < move.rules.approvals_needed:
        return _await_approval(move, room, now)
    if move.phase is Phase.ASKING:
        worth_now = worth(room.power, move.old)
        return Turned(by=Turn.APPROVED, approvers=consent.approvers, approved_level=worth_now)
    return _mark_blocked(move, _next(move, room, evidence, now))


def level_now(move: RoomMove, room: RoomState) -> int:
    """The level to give: the least of what was planned, the old account's at approval, and its level now.

    While the move asks, for the first time or again, no approval binds it yet.
    """
    levels = [move.plan.level, worth(room.power, move.old)]
    if move.approved_level is not None and move.phase is not Phase.ASKING:
        levels.append(move.approved_level)
    return min(levels)


def level_asked_now(move: RoomMove, room: RoomState) -> int:
    """The level that it takes now to approve this move."""
    level = level_now(move, room)
    promotes = level > room.power.level_of(move.new)
    return level_asked(move.plan, room.power, level=level, promotes=promotes)


def _arrived(move: RoomMove, room: RoomState, now: int) -> Finish:
    return Finish(by=Turn.ARRIVED, ending=arrival(move, room, now))


def _await_approval(move: RoomMove, room: RoomState, now: int) -> Decision:
    """Without approval nothing stays open; putting back our own change needs no consent."""
    if move.phase is not Phase.ASKING:
        return Turned(by=Turn.LOST)
    lost = move.approved_level is not None
    wait = Wait(reason=Reason.APPROVAL_LOST if lost else Reason.APPROVAL, until=move.expires_at)
    return _restoring(move, room, now) or wait


def _restoring(move: RoomMove, room: RoomState, now: int) -> Act | Wait | None:
    """Putting the history back, where it is ours to put back and the bot can."""
    if not (opening_stands(move, room) and _may_set_history(move, room)):
        return None
    return _paced(move, Act(step=Step.RESTORE_HISTORY), now)


def _paced(move: RoomMove, act: Act, now: int) -> Act | Wait | None:
    """The act; a wait when it failed a moment ago; None when it has failed for too long."""
    trouble = move.trouble
    if trouble is None or trouble.step is not act.step or now >= trouble.retry_at:
        return act
    patience = trouble.since + move.rules.give_up_after
    return Wait(reason=trouble.reason, until=min(trouble.retry_at, patience)) if now < patience else None


def _next(move: RoomMove, room: RoomState, evidence: Evidence, now: int) -> Decision:
    """The first goal that is not met, in the order of the design."""
    for goal in (_history_open, _invited, _joined, _history_restored, _confirmed, _promoted):
        decision = goal(move, room, evidence)
        if isinstance(decision, Act):
            return _paced(move, decision, now) or _give_up(now)
        if decision is not None:
            return decision
    return _arrived(move, room, now)


def _give_up(now: int) -> Turned:
    return Turned(by=Turn.STOPPED, ending=Ending(outcome=Outcome.EXPIRED, reason=Reason.GAVE_UP, at=now))


def _mark_blocked(move: RoomMove, decision: Decision) -> Decision:
    """A move is in phase BLOCKED exactly while it waits for a level of the bot's to be mended."""
    blocked = isinstance(decision, Wait) and decision.reason is Reason.BOT_LACKS_POWER
    if blocked and move.phase is Phase.MOVING:
        return Turned(by=Turn.BLOCKED)
    if not blocked and move.phase is Phase.BLOCKED:
        return Turned(by=Turn.MENDED)
    return decision


def _blocked(move: RoomMove) -> Wait:
    return Wait(reason=Reason.BOT_LACKS_POWER, until=move.expires_at)


def _may_set_history(move: RoomMove, room: RoomState) -> bool:
    """A bot that was removed is shown the room as it was then, its level included: it can do nothing."""
    return room.joined(move.bot) and can_send(room.power, move.bot, "m.room.history_visibility")


def _history_open(move: RoomMove, room: RoomState, _: Evidence) -> Act | Wait | None:
    wanted = move.plan.open_from is not None and not room.joined(move.new)
    if not wanted or move.history_is_open or room.visibility is not move.plan.open_from:
        return None
    return Act(step=Step.OPEN_HISTORY) if _may_set_history(move, room) else _blocked(move)


def _invited(move: RoomMove, room: RoomState, _: Evidence) -> Act | Wait | None:
    if room.membership(move.new) in (Membership.JOIN, Membership.INVITE):
        return None
    return Act(step=Step.INVITE) if room.holds(move.bot, room.power.invite) else _blocked(move)


def _joined(move: RoomMove, room: RoomState, _: Evidence) -> Act | Wait | None:
    return None if room.joined(move.new) else Wait(reason=Reason.JOIN, until=move.expires_at)


def _history_restored(move: RoomMove, room: RoomState, _: Evidence) -> Act | Wait | None:
    if not opening_stands(move, room):
        return None
    return Act(step=Step.RESTORE_HISTORY) if _may_set_history(move, room) else _blocked(move)


def _confirmed(move: RoomMove, room: RoomState, evidence: Evidence) -> Act | Wait | None:
    for step in (Step.CONFIRM_CARD, Step.SEED_CONFIRM):
        if not move.done(step):
            return Act(step=step)
    return None if confirmed(move, room, evidence) else Wait(reason=Reason.CONFIRM, until=move.expires_at)


def _promoted(move: RoomMove, room: RoomState, _: Evidence) -> Act | Wait | None:
    """Raised once, or there already; if somebody lowers it afterwards, that is their decision."""
    level = level_now(move, room)
    if room.power.level_of(move.new) >= level:
        return None
    able = room.joined(move.bot) and can_raise(room.power, sender=move.bot, target=move.new, level=level)
    return Act(step=Step.PROMOTE, level=level) if able else _blocked(move)


def _undo(move: RoomMove, room: RoomState, ending: Ending, now: int) -> Decision:
    """Put back what we did, as far as our level reaches; wait a while for it to be given back to us.

    What fails keeps nothing else from being put back: it is tried again only after that.
    """
    patience, trouble = ending.at + move.rules.give_up_after, move.trouble
    due = _undoable(move, room)
    for step in due:
        failed = trouble is not None and trouble.step in _UNDOING[_UNDOING.index(step) :]
        if trouble is None or not failed or now >= trouble.retry_at:
            return Act(step=step)
    if now < patience and due and trouble is not None:
        return Wait(reason=trouble.reason, until=min(trouble.retry_at, patience))
    if now < patience and opening_stands(move, room):
        return Wait(reason=Reason.BOT_LACKS_POWER, until=patience)
    return Finish(by=Turn.UNDONE, ending=ending)


def _undoable(move: RoomMove, room: RoomState) -> tuple[Step, ...]:
    """What is ours to put back and within our reach, the more urgent first."""
    able = {
        Step.WITHDRAW_INVITE: invite_stands(move, room)
        and room.joined(move.bot)
        and can_withdraw(room.power, sender=move.bot, target=move.new),
        Step.RESTORE_HISTORY: opening_stands(move, room) and _may_set_history(move, room),
    }
    return tuple(step for step in _UNDOING if able[step])
