# SPDX-License-Identifier: AGPL-3.0-or-later
"""The errors that decisions raise; what they say to people is worded in chat/templates."""

from __future__ import annotations

from enum import Enum


class Code(Enum):
    """Why something was refused. The values stand in cards as `"error"`, so they never change."""

    USAGE = "usage"  # the command can't be understood
    BAD_OPTION = "bad_option"  # an option that does not exist, or that does not fit
    BAD_USER_ID = "bad_user_id"  # outside the grammar for new user IDs
    LOOKALIKE = "lookalike"  # written so that people take it for another one
    SAME_ACCOUNT = "same_account"  # old and new are one
    NEW_IS_BOT = "new_is_bot"  # the bot itself can't be moved to
    OLD_IS_BOT = "old_is_bot"  # nor moved away
    NOT_JOINED = "not_joined"  # the old account is not in the room
    NOTHING_TO_MOVE = "nothing_to_move"  # the new account has all of it already
    ALREADY_MOVING = "already_moving"  # one active move per room and account
    NEW_BANNED = "new_banned"  # unbanning is not the bot's to do
    SERVER_DENIED = "server_denied"  # m.room.server_acl shuts the new server out
    NOT_FEDERATED = "not_federated"  # m.federate is false and the new account is elsewhere
    ROOM_UPGRADED = "room_upgraded"  # the room has a successor
    NO_SUCH_ROOM = "no_such_room"  # the named room can't be found
    BOT_NOT_JOINED = "bot_not_joined"  # the bot is not in the named room
    LACKS_POWER = "lacks_power"  # a needed level is missing
    TOO_MANY_OPEN = "too_many_open"  # this person has too many open requests
    NOT_YOURS = "not_yours"  # someone else's migration or account
    NO_SUCH_MIGRATION = "no_such_migration"  # nothing to cancel or show


class Refused(Exception):
    """What was asked can't be done; the person who asked can mend it."""

    def __init__(self, code: Code, **details: str) -> None:
        """`details` fill the template's placeholders; they are escaped there, not here."""
        super().__init__(code.value)
        self.code = code
        self.details = details
