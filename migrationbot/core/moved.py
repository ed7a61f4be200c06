# SPDX-License-Identifier: AGPL-3.0-or-later
"""The record that a room keeps of a move: who moved where, and the events that prove it.

The state key is the old account's user ID without its `@`: a key that begins with `@` could only be set by
that very account. Spec: room versions, authorisation rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .able import can_send
from .approval import Answer, Evidence, judge
from .levels import level_asked_now
from .move import RoomMove
from .room import MOVED, RoomState, StateEvent


@dataclass(frozen=True, kw_only=True)
class Moved:
    """One account's move, with the events that prove it, all of the room itself."""

    number: int  # of the migration
    old: str
    new: str
    command: str  # the message that asked
    approvals: tuple[str, ...]  # of those who agreed
    confirmation: str  # of the new account


def key_of(user_id: str) -> str:
    """The state key of the record about this account."""
    return user_id.removeprefix("@")


def place_of(move: RoomMove) -> tuple[str, str]:
    """The type and state key of the record of this move."""
    return MOVED, key_of(move.old)


def wants_record(move: RoomMove) -> bool:
    """Whether the room is to keep a record: the request announced it, and the operator still wants it."""
    return move.options.record and move.rules.publish_record


def to_publish(move: RoomMove, room: RoomState, evidence: Evidence) -> dict[str, Any] | None:
    """What the record has to say; None when it may not be written, or when not all of it can be proved.

    One of those who agreed has to hold the level that it takes: nobody gets more done than by hand.
    """
    agreed = judge(move, room, evidence, level_asked_now(move, room)).approvers
    approvals = [each.event_id for each in evidence.reactions if _is_yes_of(each.sender, each.answer, agreed)]
    confirmations = [
        each.event_id for each in evidence.confirmations if _is_yes_of(each.sender, each.answer, (move.new,))
    ]
    allowed = room.joined(move.bot) and can_send(room.power, move.bot, MOVED)
    backed = any(can_send(room.power, user, MOVED) for user in agreed)
    if not (allowed and backed and evidence.command_event and confirmations):
        return None
    return {
        "v": 1,
        "migration": str(move.migration),
        "old": move.old,
        "new": move.new,
        "command": evidence.command_event,
        "approvals": approvals,
        "confirmation": confirmations[0],
    }


def read_record(event: StateEvent, *, by: str, old: str) -> Moved | None:
    """What such a state event says of that account, if the bot itself wrote it."""
    content = event.content
    number, texts = content.get("migration"), [content.get(key) for key in ("new", "command", "confirmation")]
    new, command, confirmation = (each if isinstance(each, str) else "" for each in texts)
    if event.sender != by or content.get("old") != old or not (new and command and confirmation):
        return None
    if not isinstance(number, str) or not number.isdecimal():
        return None
    approvals = _texts(content)
    if not approvals:
        return None
    return Moved(
        number=int(number), old=old, new=new, command=command, approvals=approvals, confirmation=confirmation
    )


def _is_yes_of(sender: str, answer: Answer, people: Sequence[str]) -> bool:
    return answer is Answer.YES and sender in people


def _texts(content: Mapping[str, Any]) -> tuple[str, ...]:
    value = content.get("approvals")
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
