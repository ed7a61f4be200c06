# SPDX-License-Identifier: AGPL-3.0-or-later
"""How a room move ends: every goal is met, or there is a reason for which it must not go on."""

from __future__ import annotations

from typing import TypeAlias

from .able import worth
from .approval import Consent, Evidence, confirmed, denied, disowned
from .levels import level_now
from .lost import in_use
from .move import Phase, RoomMove
from .reasons import Ending, Outcome, Reason
from .room import Member, Membership, RoomState
from .steps import Step
from .succession import Succession, handed_over
from .ways import Way, needs_invite

_Why: TypeAlias = tuple[Outcome, Reason, str]  # the last one: by whom, where someone did it


def arrival(move: RoomMove, room: RoomState, now: int, succession: Succession | None = None) -> Ending:
    """The end of a move that reached its goals; partial when the new account has less than the old one.

    Of a hand-over also when the new account is not where it would be an owner.
    """
    level, wanted = room.power.level_of(move.new), worth(room.power, move.old)
    whole = room.joined(move.new) and level >= wanted
    if move.options.hand_over:
        whole = handed_over(move, room, succession)
    return Ending(outcome=Outcome.DONE if whole else Outcome.PARTIAL, reason=Reason.ARRIVED, at=now)


def why_stop(
    move: RoomMove, room: RoomState, evidence: Evidence, consent: Consent, now: int
) -> Ending | None:
    """The first reason, if any, for which this move must not go on. `now` in milliseconds since the epoch."""
    why = (
        _old_speaks(move, evidence, now)
        or _taken_back(evidence, consent)
        or _said_no(move, evidence, consent)
        or _closed_door(move, room, evidence)
        or (_missing(move, room, evidence) if now >= move.expires_at else None)
    )
    if why is None:
        return None
    outcome, reason, by = why
    return Ending(outcome=outcome, reason=reason, by=by, at=now)


def _old_speaks(move: RoomMove, evidence: Evidence, now: int) -> _Why | None:
    """An account that was said to be lost, and shows that it is not."""
    if denied(move, evidence):
        return Outcome.REFUSED, Reason.REFUSED_BY_OLD, move.old
    if move.lost and in_use(evidence.old_seen_at, move.rules.lost_after, now):
        return Outcome.REFUSED, Reason.OLD_IN_USE, move.old
    return None


def _taken_back(evidence: Evidence, consent: Consent) -> _Why | None:
    by = evidence.cancelled_by or consent.cancelled_by
    if by:
        return Outcome.CANCELLED, Reason.CANCELLED, by
    return None if evidence.command_stands else (Outcome.CANCELLED, Reason.COMMAND_REDACTED, "")


def _said_no(move: RoomMove, evidence: Evidence, consent: Consent) -> _Why | None:
    if not evidence.card_stands or not evidence.confirm_stands:
        return Outcome.REFUSED, Reason.CARD_REMOVED, ""
    if consent.refused_by:
        return Outcome.REFUSED, Reason.REFUSED_BY_ADMIN, consent.refused_by
    if disowned(move, evidence):
        return Outcome.REFUSED, Reason.REFUSED_BY_NEW, move.new
    return None


def _closed_door(move: RoomMove, room: RoomState, evidence: Evidence) -> _Why | None:
    """What the room shows that ends the move, and who did it."""
    if room.successor is not None and not _awaits_upgrade(move, room, evidence):
        return Outcome.REFUSED, Reason.ROOM_UPGRADED, room.upgraded_by
    old, new = room.members.get(move.old), room.members.get(move.new)
    if old is None or old.membership is Membership.KNOCK:
        return Outcome.REFUSED, Reason.OLD_REMOVED, ""
    if _put_out(old):
        return Outcome.REFUSED, Reason.OLD_REMOVED, old.sender
    if new is not None and _put_out(new) and (new.membership is Membership.BAN or _was_here(move, room)):
        return Outcome.REFUSED, Reason.NEW_REMOVED, new.sender
    if room.membership(move.new) in (Membership.LEAVE, Membership.KNOCK) and _was_here(move, room):
        return Outcome.REFUSED, Reason.DECLINED, move.new
    if not room.admits_server_of(move.new):
        return Outcome.REFUSED, Reason.SERVER_DENIED, ""
    return None


def _awaits_upgrade(move: RoomMove, room: RoomState, evidence: Evidence) -> bool:
    """Whether all but the hand-over is done: before that, an upgrade comes in between."""
    arrived = confirmed(move, room, evidence) and room.power.level_of(move.new) >= level_now(move, room)
    return move.options.hand_over and (arrived or move.done(Step.PROMOTE))


def _put_out(member: Member) -> bool:
    """Whether somebody else ended the account's stay; leaving by oneself, or being asked back in, is none."""
    return member.membership in (Membership.LEAVE, Membership.BAN) and not member.by_self


def _was_asked(move: RoomMove, room: RoomState) -> bool:
    """Whether the new account has been invited, or was in the room. It is not asked a second time."""
    if move.done(Step.INVITE) or move.plan.way in (Way.INSIDE, Way.INVITED):
        return True
    # Its standing was another one when the old account was asked to invite it.
    asked_old, member = move.records.get(Step.ASK_OLD), room.members.get(move.new)
    return asked_old is not None and member is not None and member.event_id != asked_old.base


def _was_here(move: RoomMove, room: RoomState) -> bool:
    """Whether the new account was asked or had come by itself: whoever puts it out then, does not want it."""
    # Of many rooms it is asked in one: in the others that tells nothing.
    return _was_asked(move, room) or (move.done(Step.CONFIRM_CARD) and not move.options.scope)


def _missing(move: RoomMove, room: RoomState, evidence: Evidence) -> _Why:
    """What was not there when the time ran out. Nobody is blamed who was not asked."""
    reason = Reason.GAVE_UP
    if move.phase is Phase.ASKING and not move.plan.guided:
        reason = Reason.NOT_APPROVED
    elif move.phase is Phase.BLOCKED:
        reason = Reason.GAVE_UP
    elif not room.joined(move.new) and not needs_invite(move.plan.way, room, move.new):
        reason = Reason.NOT_JOINED
    elif move.done(Step.CONFIRM_CARD) and not confirmed(move, room, evidence):
        reason = Reason.NOT_CONFIRMED
    return Outcome.EXPIRED, reason, ""
