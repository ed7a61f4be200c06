# SPDX-License-Identifier: AGPL-3.0-or-later
"""User IDs of accounts that exist already, and so may have a form that no new account gets."""

from __future__ import annotations

import re
from typing import Final

from migrationbot.core.errors import Refused
from migrationbot.core.ids import UserId, parse_user_id, show

LONGEST_ID: Final = 255  # bytes
_HISTORICAL_LOCALPART = re.compile("[!-9;-~]+")  # printable ASCII but the colon


def seen_user_id(text: str) -> UserId:
    """Read a user ID that may be a historical one: it is only looked for among those that rooms know.

    Spec: appendices, "Historical User IDs". Raises Refused: BAD_USER_ID, LOOKALIKE.
    """
    seen = UserId.seen(text)
    if (
        not text.startswith("@")
        or len(text) > LONGEST_ID
        or not _HISTORICAL_LOCALPART.fullmatch(seen.localpart)
    ):
        return parse_user_id(text)  # outside the old grammar is outside the new one, and refused in its words
    try:
        parse_user_id(f"@a:{seen.server.lower() if seen.server.isascii() else seen.server}")
    except Refused as refused:
        raise Refused(refused.code, **{**refused.details, "shown": show(text)}) from None
    return seen
