# SPDX-License-Identifier: AGPL-3.0-or-later
"""The one function that decides what happens next in one room.

`decide` looks at what is so now and names the one thing that is missing. It does not know what happened
before: a restart, a repeat and a person who did a step by hand are all the same case.
"""

from __future__ import annotations

from .able import can_withdraw, may_set_history, worth
from .approval import Consent, Evidence, judge, missing
from .decisions import Act, Decision, Finish, Turned, Wait
from .ending import arrival, why_stop
from .goals import AFTERWARDS, ARRIVAL, bot_stepped_down, may_act
from .levels import level_asked_now
from .look import Look
from .move import Phase, RoomMove
from .reasons import Ending, Outcome, Reason
from .room import RoomState
from .steps import Step
from .succession import Succession
from .traces import invite_stands, opening_stands
from .turns import Turn, WrongTurn

_UNDOING = (Step.WITHDRAW_INVITE, Step.RESTORE_HISTORY)  # the more urgent first


def decide(
    move: RoomMove, room: RoomState, evidence: Evidence, now: int, succession: Succession | None = None
) -> Decision:
    """What happens next in this room. `now` is in milliseconds since the epoch.

    `succession` is what a hand-over shows of the room's upgrade, once there is one.
    Raises WrongTurn for a move that has ended: there is nothing left to decide.
    """
    if move.phase is Phase.ENDED:
        raise WrongTurn(f"a decision while {move.phase.value}")
    if move.ending is not None:
        return _undo(move, room, move.ending, now)
    look = Look(move=move, room=room, evidence=evidence, succession=succession, now=now)
    consent = judge(move, room, evidence, level_asked_now(move, room))
    ending = why_stop(move, room, evidence, consent, now)
    agreed = ending is None and not missing(move, evidence, consent)
    if move.done(Step.PROMOTE):
        return _restoring(move, room, now) or _afterwards(look, now, agreed=agreed, over=ending is not None)
    if ending is not None:
        return Turned(by=Turn.STOPPED, ending=ending)
    if not agreed:
        return _without_approval(look, now)
    if move.phase is Phase.ASKING:
        return _approved(look, consent)
    return _mark_blocked(move, _next(look, now, agreed=True))


def _approved(look: Look, consent: Consent) -> Turned:
    worth_now = worth(look.room.power, look.move.old)
    return Turned(by=Turn.APPROVED, approvers=consent.approvers, approved_level=worth_now)


def _without_approval(look: Look, now: int) -> Decision:
    """Without approval nothing stays open; putting back our own change needs no consent.

    Where the bot may do nothing, people can all the same, and it watches them.
    """
    move = look.move
    if move.phase is not Phase.ASKING:
        return Turned(by=Turn.LOST)
    restoring = _restoring(move, look.room, now)
    if restoring is not None:
        return restoring
    if move.plan.guided and not may_act(look.move, look.room):
        return _next(look, now, agreed=False)
    return Wait(reason=_what_is_missing(look), until=move.expires_at)


def _what_is_missing(look: Look) -> Reason:
    move = look.move
    if move.approved_level is not None:
        return Reason.APPROVAL_LOST
    grown = look.room.power.level_of(move.bot) > move.plan.bot_level
    return Reason.TAKE_OVER if move.plan.guided and grown else Reason.APPROVAL


def _restoring(move: RoomMove, room: RoomState, now: int) -> Act | Wait | None:
    """Putting the history back, where it is ours to put back and the bot can."""
    if not (opening_stands(move, room) and may_set_history(room, move.bot)):
        return None
    return _paced(move, Act(step=Step.RESTORE_HISTORY), now)


def _paced(move: RoomMove, act: Act, now: int) -> Act | Wait | None:
    """The act; a wait when it failed a moment ago; None when it has failed for too long."""
    trouble = move.trouble
    if trouble is None or trouble.step is not act.step or now >= trouble.retry_at:
        return act
    patience = trouble.since + move.rules.give_up_after
    return Wait(reason=trouble.reason, until=min(trouble.retry_at, patience)) if now < patience else None


def _next(look: Look, now: int, *, agreed: bool) -> Decision:
    """The first goal that is not met, in the order of the design."""
    for goal in ARRIVAL:
        decision = goal(look)
        if isinstance(decision, Act):
            return _paced(look.move, decision, now) or _give_up(now)
        if decision is not None:
            return decision
    return _afterwards(look, now, agreed=agreed, over=False)


def _afterwards(look: Look, now: int, *, agreed: bool, over: bool) -> Decision:
    """What was asked for once the new account has its place. Nothing that fails here takes that away."""
    waiting = None
    for goal in AFTERWARDS if not over else ():
        decision = goal(look)
        if isinstance(decision, Act):
            decision = _paced(look.move, decision, now) if agreed else None
        if isinstance(decision, Act):
            return decision
        waiting = waiting or decision  # one person who takes their time keeps nobody else from going on
    if waiting is not None:
        return waiting
    last = bot_stepped_down(look)
    act = _paced(look.move, last, now) if isinstance(last, Act) else None
    return act or Finish(by=Turn.ARRIVED, ending=arrival(look.move, look.room, now, look.succession))


def _give_up(now: int) -> Turned:
    return Turned(by=Turn.STOPPED, ending=Ending(outcome=Outcome.EXPIRED, reason=Reason.GAVE_UP, at=now))


def _mark_blocked(move: RoomMove, decision: Decision) -> Decision:
    """A move is in phase BLOCKED exactly while it waits for a person because the bot lacks a level."""
    blocked = isinstance(decision, Wait) and decision.reason is Reason.BOT_LACKS_POWER
    if blocked and move.phase is Phase.MOVING:
        return Turned(by=Turn.BLOCKED)
    if not blocked and move.phase is Phase.BLOCKED:
        return Turned(by=Turn.MENDED)
    return decision


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
        Step.RESTORE_HISTORY: opening_stands(move, room) and may_set_history(room, move.bot),
    }
    return tuple(step for step in _UNDOING if able[step])
