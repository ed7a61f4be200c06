# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why a move waits, what went wrong, and how it ended; each has its sentences in the templates."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .steps import Step


class Outcome(Enum):
    """How a room move ended."""

    DONE = "done"  # every goal is met
    PARTIAL = "partial"  # the new account is there, something is left to a person
    REFUSED = "refused"  # somebody entitled said no, or the room did
    CANCELLED = "cancelled"  # the requester took it back
    EXPIRED = "expired"  # nobody answered in time


class Reason(Enum):
    """Why a move waits or ended. Each has its sentence in the templates."""

    APPROVAL = "approval"  # waits for those who may approve
    APPROVAL_LOST = "approval_lost"  # what was agreed no longer stands; waits for another approval
    JOIN = "join"  # waits for the new account to join
    CONFIRM = "confirm"  # waits for the new account's yes
    BOT_LACKS_POWER = "bot_lacks_power"  # waits for the bot's level to be mended, or for a person to do it
    SERVER_UNREACHABLE = "server_unreachable"  # the new account's server does not take the invite now
    INVITES_SPENT = "invites_spent"  # a homeserver takes one invite for the new account at a time
    INVITE_BLOCKED = "invite_blocked"  # the new account accepts no invites
    UNSUPPORTED_VERSION = "unsupported_version"  # the new server does not know this room version
    NOT_ALLOWED = "not_allowed"  # the homeserver forbids an act for a reason that the room does not show
    OWNER_INVITE = "owner_invite"  # waits for the old account to send the invite itself
    PAUSED = "paused"  # waits for an operator to resume the bot
    TAKE_OVER = "take_over"  # the bot now has the level to go on, and waits for those who may approve
    STEP_DOWN = "step_down"  # waits for the old account to lower its own level
    ADDRESS_MISSING = "address_missing"  # waits for the new alias to be made on its server
    ADDRESS_UNSET = "address_unset"  # waits for somebody to make the new alias the main address
    LEAVE = "leave"  # waits for the old account to leave
    UPGRADE = "upgrade"  # waits for the old or the new account to upgrade the room
    ENTER = "enter"  # waits for the bot to be let into the new room
    REPAIR = "repair"  # waits for its turn to go on with what an upgrade leaves behind
    HEIR = "heir"  # waits for the new account to join the new room
    ARRIVED = "arrived"  # all goals are met
    REFUSED_BY_ADMIN = "refused_by_admin"  # ❌ by someone who may approve
    REFUSED_BY_NEW = "refused_by_new"  # ❌ by the new account
    REFUSED_BY_OLD = "refused_by_old"  # the account that was said to be lost says no
    OLD_IN_USE = "old_in_use"  # the account that was said to be lost is in use
    DECLINED = "declined"  # the new account turned the invite down, or left again
    NEW_REMOVED = "new_removed"  # somebody removed or banned the new account
    OLD_REMOVED = "old_removed"  # somebody removed or banned the old account
    CANCELLED = "cancelled"  # taken back by the requester
    COMMAND_REDACTED = "command_redacted"  # the command was deleted
    CARD_REMOVED = "card_removed"  # a card that consent hangs on was deleted or altered
    ROOM_UPGRADED = "room_upgraded"  # the room has a successor
    SERVER_DENIED = "server_denied"  # the server ACL now shuts the new server out
    NOT_APPROVED = "not_approved"  # time ran out before anyone agreed
    NOT_JOINED = "not_joined"  # time ran out before the new account joined
    NOT_CONFIRMED = "not_confirmed"  # time ran out before the new account said yes
    GAVE_UP = "gave_up"  # what had to be mended was not mended in time


class Goal(Enum):
    """A fact about the room that the move has to reach. Each has its sentences in the templates."""

    APPROVED = "approved"  # enough of those who may answer said yes
    HISTORY_OPEN = "history_open"  # newcomers can read what is sent from now on
    INVITED = "invited"  # the new account may come in
    JOINED = "joined"  # the new account is in the room
    HISTORY_RESTORED = "history_restored"  # the setting is what it was
    CONFIRMED = "confirmed"  # the new account itself said yes
    PROMOTED = "promoted"  # the new account has its level
    STEPPED_DOWN = "stepped_down"  # the old account has no more than the room's default
    LEFT = "left"  # the old account is not in the room any more
    ADDRESSED = "addressed"  # the new alias is the room's main address
    PUBLISHED = "published"  # the room keeps a record of the move
    UPGRADED = "upgraded"  # the room has a successor
    SUCCEEDED = "succeeded"  # the new account is in it, as a creator of it
    INVITE_WITHDRAWN = "invite_withdrawn"  # of a move that stopped: the unanswered invite is gone


class Mishap(Enum):
    """What went wrong beside the move, and has to be said. Each has its sentence in the templates."""

    POWER_CHANGE_LOST = "power_change_lost"  # somebody changed power levels while the bot did


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A step that did not work and will be tried again."""

    step: Step
    reason: Reason
    since: int  # milliseconds since the epoch
    attempts: int
    retry_at: int  # milliseconds since the epoch


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How and why a move stops, and by whom."""

    outcome: Outcome
    reason: Reason
    by: str = ""  # the user ID of who caused it, where someone did
    at: int = 0  # milliseconds since the epoch
