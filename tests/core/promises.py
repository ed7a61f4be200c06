# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bot promises, spelled out once more from the design and not from the code."""

from __future__ import annotations

from migrationbot.core.approval import Answer
from migrationbot.core.power import PowerLevels
from migrationbot.core.reasons import Ending, Outcome, Reason
from migrationbot.core.room import Membership, RoomState
from tests.core.drafts import World
from tests.core.worlds import BOT, NEW, NOW, OLD


def worth(power: PowerLevels, user_id: str) -> int:
    """The account's level as a number that can be given."""
    return power.highest_asked if power.is_creator(user_id) else power.level_of(user_id)


def those_who_said(world: World, answer: Answer) -> set[str]:
    """Whose reaction of that kind stands under the request card."""
    return {each.sender for each in world.evidence.reactions if each.answer is answer}


def may_approve(user_id: str, world: World, given: int | None) -> bool:
    """Whether this account could do by hand what is about to be done, and may speak for it."""
    move, room, power = world.move, world.room, world.room.power
    if user_id in (BOT, NEW) or not room.joined(user_id):
        return False
    if user_id in (move.requester, OLD) and not move.rules.requester_may_approve:
        return False
    if user_id == OLD and move.requester != OLD:
        return False
    asked = [] if given is None else [given, power.to_send("m.room.power_levels")]
    asked += [power.invite] if move.plan.invite else []
    asked += [power.to_send("m.room.history_visibility")] if move.plan.open_from else []
    return power.is_creator(user_id) or all(power.level_of(user_id) >= level for level in asked)


def agreed(world: World, given: int | None) -> set[str]:
    """Those whose yes stands, for giving this level, or for what is done before anything is given."""
    yes = those_who_said(world, Answer.YES) - those_who_said(world, Answer.NO)
    return {user for user in yes if may_approve(user, world, given)}


def assert_consented(world: World, given: int | None) -> None:
    """Enough of those who may approve have agreed, and nobody who may refuse has refused."""
    evidence, said_no = world.evidence, those_who_said(world, Answer.NO)
    assert len(agreed(world, given)) >= world.move.rules.approvals_needed
    if world.move.requester != OLD:
        assert_lost(world, agreed(world, given))
    assert evidence.card_stands
    assert evidence.confirm_stands
    assert evidence.command_stands
    assert not evidence.cancelled_by
    assert not said_no & {NEW, world.move.requester}


def assert_lost(world: World, agreed: set[str]) -> None:
    """Nobody vouches from the old account: more have agreed, or all that there are, and it is silent."""
    evidence, rules = world.evidence, world.move.rules
    enough = rules.approvals_for_lost if evidence.able is None else evidence.able
    assert agreed - {world.move.requester}
    assert len(agreed) >= min(enough, rules.approvals_for_lost)
    assert OLD not in those_who_said(world, Answer.NO)
    assert evidence.old_seen_at is None or evidence.old_seen_at <= NOW - rules.lost_after


def assert_may_promote(world: World, level: int) -> None:
    """The new account has said yes itself, from within the room, and gets no more than all agreed to."""
    move, power = world.move, world.room.power
    assert_consented(world, level)
    assert world.room.joined(NEW)
    assert {each.answer for each in world.evidence.confirmations if each.sender == NEW} == {Answer.YES}
    assert not [user for user in those_who_said(world, Answer.NO) if may_approve(user, world, level)]
    assert move.approved_level is not None
    assert level <= min(move.plan.level, move.approved_level, worth(power, OLD), power.level_of(BOT))
    assert all(power.level_of(user) >= level for user in agreed(world, level))
    assert level > power.level_of(NEW)  # it is only ever raised


def assert_true(ending: Ending, room: RoomState, *, was_asked: bool, promoted: bool) -> None:
    """What people will be told of the end is so."""
    new, old = room.membership(NEW), room.membership(OLD)
    arrived = ending.outcome in (Outcome.DONE, Outcome.PARTIAL)
    assert arrived or not promoted
    assert not arrived or promoted or new is Membership.JOIN
    if ending.outcome is Outcome.DONE:
        assert new is Membership.JOIN
        assert room.power.level_of(NEW) >= worth(room.power, OLD)
    if ending.reason is Reason.DECLINED:
        assert was_asked
        assert new in (Membership.LEAVE, Membership.KNOCK)
    if ending.reason is Reason.NEW_REMOVED:
        assert ending.by == room.members[NEW].sender != NEW
    if ending.reason is Reason.OLD_REMOVED:
        assert old is not Membership.JOIN
        assert ending.by != OLD
    if ending.reason is Reason.NOT_JOINED:
        assert new is Membership.INVITE
    if ending.reason is Reason.NOT_CONFIRMED:
        assert new is Membership.JOIN


def assert_tidy(room: RoomState, ours: set[str]) -> None:
    """What the bot did on the way, by these events, is not left open where the bot could put it back."""
    power, history, member = room.power, room.history_event, room.members.get(NEW)
    if room.holds(BOT, power.to_send("m.room.history_visibility")) and history is not None:
        assert not room.visibility.open_to_newcomers or history.event_id not in ours
    can_kick = room.holds(BOT, power.kick) and power.level_of(BOT) > power.level_of(NEW)
    if can_kick and member is not None and member.membership is Membership.INVITE:
        assert member.event_id not in ours
