# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is left for a person to do once a room move has ended."""

from __future__ import annotations

from enum import Enum

from .able import worth
from .address import main_address
from .move import RoomMove
from .power import PowerLevels
from .reasons import Ending, Outcome, Reason
from .room import RoomState
from .succession import Succession, flaw, handed_over
from .traces import invite_stands, opening_stands


class Left(Enum):
    """Something that the bot could not do, or that is not its to do. The values stand in summaries."""

    RAISE_LEVEL = "raise_level"  # the new account has less than the old one
    CREATORSHIP = "creatorship"  # a v12 creator stays the creator
    CLOSE_HISTORY = "close_history"  # the history that the bot opened is still open
    WITHDRAW_INVITE = "withdraw_invite"  # the unanswered invite is still open
    STEP_DOWN = "step_down"  # the old account was to give up its level, and has it still
    SET_ADDRESS = "set_address"  # the new alias is not the room's main address
    OLD_KEEPS_PLACE = "old_keeps_place"  # the old account is still in the room
    HAND_OVER = "hand_over"  # the new account is no owner yet
    JOIN_SUCCESSOR = "join_successor"  # it is one, and not in the new room
    INVITE_MEMBERS = "invite_members"  # members of the old room can't come into the new one
    LIST_IN_SPACE = "list_in_space"  # a space still lists the old room
    MOVE_ADDRESS = "move_address"  # an address still leads to the old room
    EXPORT_KEYS = "export_keys"  # earlier encrypted messages need the keys of the old account's client


def left_to_do(
    move: RoomMove, room: RoomState, ending: Ending, succession: Succession | None = None
) -> tuple[Left, ...]:
    """What to tell the person, in the order of its weight."""
    arrived = ending.outcome in (Outcome.DONE, Outcome.PARTIAL)
    # Nobody tidies a room that has a successor.
    abandoned = ending.reason is Reason.ROOM_UPGRADED or room.successor is not None
    power, lower = room.power, room.power.level_of(move.new) < worth(room.power, move.old)
    said = {
        Left.RAISE_LEVEL: arrived and lower and not abandoned,
        Left.CREATORSHIP: arrived and not move.options.hand_over and _stays_creator(move, power),
        Left.CLOSE_HISTORY: opening_stands(move, room),
        Left.WITHDRAW_INVITE: not arrived and not abandoned and invite_stands(move, room),
        Left.STEP_DOWN: arrived and move.options.step_down and _still_up(move, room),
        Left.SET_ADDRESS: arrived and move.options.address not in ("", main_address(room)),
        Left.OLD_KEEPS_PLACE: arrived and room.joined(move.old) and not abandoned,
        **(_of_hand_over(move, room, succession) if arrived and move.options.hand_over else {}),
        Left.EXPORT_KEYS: arrived and room.encrypted,
    }
    return tuple(each for each, applies in said.items() if applies)


def _still_up(move: RoomMove, room: RoomState) -> bool:
    power = room.power
    return not power.is_creator(move.old) and power.level_of(move.old) > power.users_default


def _stays_creator(move: RoomMove, power: PowerLevels) -> bool:
    return power.is_creator(move.old) and not power.is_creator(move.new)


def _of_hand_over(move: RoomMove, room: RoomState, succession: Succession | None) -> dict[Left, bool]:
    """What is left of a hand-over, as far as the bot can see it."""
    done, seen = handed_over(move, room, succession), succession or Succession()
    owner = seen.successor is not None and flaw(move, room, seen) is None
    return {
        Left.HAND_OVER: not owner,
        Left.JOIN_SUCCESSOR: owner and not done,
        Left.INVITE_MEMBERS: bool(seen.absent or seen.more),
        Left.LIST_IN_SPACE: any(parent.lists_old for parent in seen.parents),
        Left.MOVE_ADDRESS: bool(seen.stale or seen.foreign),
    }
