# SPDX-License-Identifier: AGPL-3.0-or-later
"""The one function that decides what happens next in one room, and the table of phases.

`decide` looks at what is so now and names the one thing that is missing. It does not know what happened
before: a restart, a repeat and a person who did a step by hand are all the same case.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .approval import Consent, Evidence, confirmed, disowned, judge, level_asked
from .move import Ending, Outcome, Phase, Reason, RoomMove, Step
from .plan import can_send, can_withdraw, worth
from .power import can_raise
from .room import Membership, RoomState


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
    """What happens next in this room. `now` is in milliseconds since the epoch."""
    if move.phase is Phase.UNDOING and move.ending is not None:
        return _undo(move, room, move.ending, now)
    if move.done(Step.PROMOTE) and not _history_to_restore(move, room):
        return Finish(by=Turn.ARRIVED, ending=_arrival(move, room, now))
    level = level_now(move, room)
    promotes = level > room.power.level_of(move.new)
    consent = judge(move, room, evidence, level_asked(move.plan, room.power, level=level, promotes=promotes))
    ending = _why_stop(move, room, evidence, consent, now)
    if ending is not None:
        return Turned(by=Turn.STOPPED, ending=ending)
    if len(consent.approvers) < move.rules.approvals_needed:
        return _await_approval(move, room)
    if move.phase is Phase.ASKING:
        worth_now = worth(room.power, move.old)
        return Turned(by=Turn.APPROVED, approvers=consent.approvers, approved_level=worth_now)
    return _mark_blocked(move, _next(move, room, evidence, now))


def level_now(move: RoomMove, room: RoomState) -> int:
    """The level to give: the least of what was planned, the old account's at approval, and its level now."""
    levels = [move.plan.level, worth(room.power, move.old)]
    if move.approved_level is not None:
        levels.append(move.approved_level)
    return min(levels)


def _arrival(move: RoomMove, room: RoomState, now: int) -> Ending:
    whole = room.power.level_of(move.new) >= worth(room.power, move.old)
    return Ending(outcome=Outcome.DONE if whole else Outcome.PARTIAL, reason=Reason.ARRIVED, at=now)


def _why_stop(
    move: RoomMove, room: RoomState, evidence: Evidence, consent: Consent, now: int
) -> Ending | None:
    """The first reason, if any, for which this move must not go on."""

    def ending(outcome: Outcome, reason: Reason, by: str = "") -> Ending:
        return Ending(outcome=outcome, reason=reason, by=by, at=now)

    if evidence.cancelled_by or consent.cancelled_by:
        return ending(Outcome.CANCELLED, Reason.CANCELLED, evidence.cancelled_by or consent.cancelled_by)
    if not evidence.command_stands:
        return ending(Outcome.CANCELLED, Reason.COMMAND_REDACTED)
    if not evidence.card_stands or not evidence.confirm_stands:
        return ending(Outcome.REFUSED, Reason.CARD_REMOVED)
    if consent.refused_by:
        return ending(Outcome.REFUSED, Reason.REFUSED_BY_ADMIN, consent.refused_by)
    if disowned(move, evidence):
        return ending(Outcome.REFUSED, Reason.REFUSED_BY_NEW, move.new)
    closed = _closed_door(move, room)
    if closed is not None:
        return ending(Outcome.REFUSED, *closed)
    return _too_late(move, room, now)


def _closed_door(move: RoomMove, room: RoomState) -> tuple[Reason, str] | None:
    """What the room shows that ends the move, and who did it."""
    if room.successor is not None:
        return Reason.ROOM_UPGRADED, ""
    old, new = room.members.get(move.old), room.members.get(move.new)
    if old is None or old.membership is Membership.BAN or (not room.joined(move.old) and not old.by_self):
        return Reason.OLD_REMOVED, old.sender if old else ""
    if new is not None and new.membership is Membership.BAN:
        return Reason.NEW_REMOVED, new.sender
    if new is not None and new.membership is Membership.LEAVE and _came_or_was_asked(move):
        return (Reason.DECLINED, move.new) if new.by_self else (Reason.NEW_REMOVED, new.sender)
    if not room.admits_server_of(move.new):
        return Reason.SERVER_DENIED, ""
    return None


def _came_or_was_asked(move: RoomMove) -> bool:
    return move.done(Step.INVITE) or not move.plan.invite


def _too_late(move: RoomMove, room: RoomState, now: int) -> Ending | None:
    trouble = move.trouble
    if trouble is not None and now >= trouble.since + move.rules.give_up_after:
        return Ending(outcome=Outcome.EXPIRED, reason=Reason.GAVE_UP, at=now)
    if now < move.expires_at:
        return None
    reason = Reason.NOT_APPROVED
    if move.phase is not Phase.ASKING:
        reason = Reason.NOT_CONFIRMED if room.joined(move.new) else Reason.NOT_JOINED
    return Ending(outcome=Outcome.EXPIRED, reason=reason, at=now)


def _await_approval(move: RoomMove, room: RoomState) -> Decision:
    """Without approval nothing stays open; putting back our own change needs no consent."""
    if move.phase is not Phase.ASKING:
        return Turned(by=Turn.LOST)
    if _history_to_restore(move, room) and can_send(room.power, move.bot, "m.room.history_visibility"):
        return Act(step=Step.RESTORE_HISTORY)
    lost = move.approved_level is not None
    return Wait(reason=Reason.APPROVAL_LOST if lost else Reason.APPROVAL, until=move.expires_at)


def _next(move: RoomMove, room: RoomState, evidence: Evidence, now: int) -> Decision:
    """The first goal that is not met, in the order of the design."""
    for goal in (_history_open, _invited, _joined, _history_restored, _confirmed, _promoted):
        decision = goal(move, room, evidence)
        if isinstance(decision, Act):
            return _held_back(move, decision, now) or decision
        if decision is not None:
            return decision
    return Finish(by=Turn.ARRIVED, ending=_arrival(move, room, now))


def _held_back(move: RoomMove, act: Act, now: int) -> Wait | None:
    """A step that failed a moment ago is not tried again before its time."""
    trouble = move.trouble
    if trouble is None or trouble.step is not act.step or now >= trouble.retry_at:
        return None
    return Wait(reason=trouble.reason, until=trouble.retry_at)


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


def _history_open(move: RoomMove, room: RoomState, _: Evidence) -> Act | Wait | None:
    wanted = move.plan.open_from is not None and not room.joined(move.new)
    if not wanted or move.history_is_open or room.visibility is not move.plan.open_from:
        return None
    if not can_send(room.power, move.bot, "m.room.history_visibility"):
        return _blocked(move)
    return Act(step=Step.OPEN_HISTORY)


def _invited(move: RoomMove, room: RoomState, _: Evidence) -> Act | Wait | None:
    if room.membership(move.new) in (Membership.JOIN, Membership.INVITE):
        return None
    if room.power.level_of(move.bot) < room.power.invite:
        return _blocked(move)
    return Act(step=Step.INVITE)


def _joined(move: RoomMove, room: RoomState, _: Evidence) -> Act | Wait | None:
    return None if room.joined(move.new) else Wait(reason=Reason.JOIN, until=move.expires_at)


def _history_restored(move: RoomMove, room: RoomState, _: Evidence) -> Act | Wait | None:
    if not _history_to_restore(move, room):
        return None
    if not can_send(room.power, move.bot, "m.room.history_visibility"):
        return _blocked(move)
    return Act(step=Step.RESTORE_HISTORY)


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
    if not can_raise(room.power, sender=move.bot, target=move.new, level=level):
        return _blocked(move)
    return Act(step=Step.PROMOTE, level=level)


def _history_to_restore(move: RoomMove, room: RoomState) -> bool:
    """Whether the open setting is still our own. Once somebody else has changed it, it is theirs."""
    event = room.history_event
    return move.history_is_open and event is not None and event.event_id == move.event_of(Step.OPEN_HISTORY)


def _undo(move: RoomMove, room: RoomState, ending: Ending, now: int) -> Decision:
    """Put back what we did, as far as our level reaches; wait a while for it to be given back to us."""
    patience = ending.at + move.rules.give_up_after
    if _history_to_restore(move, room):
        if can_send(room.power, move.bot, "m.room.history_visibility"):
            return Act(step=Step.RESTORE_HISTORY)
        if now < patience:
            return Wait(reason=Reason.BOT_LACKS_POWER, until=patience)
    if _our_invite_stands(move, room) and can_withdraw(room.power, sender=move.bot, target=move.new):
        return Act(step=Step.WITHDRAW_INVITE)
    return Finish(by=Turn.UNDONE, ending=ending)


def _our_invite_stands(move: RoomMove, room: RoomState) -> bool:
    member = room.members.get(move.new)
    return member is not None and member.membership is Membership.INVITE and member.sender == move.bot
