# SPDX-License-Identifier: AGPL-3.0-or-later
"""The operator's settings as decisions need them."""

from __future__ import annotations

from migrationbot.config import Settings
from migrationbot.core.move import Rules

_MINUTE = 60_000  # milliseconds


def rules_of(settings: Settings) -> Rules:
    """What of the settings a decision depends on."""
    return Rules(
        approvals_needed=settings.approvals_needed,
        requester_may_approve=settings.requester_may_approve,
        step_down_after=settings.step_down_after,
        wait_for_owner_invite=settings.wait_for_owner_invite_minutes * _MINUTE,
        give_up_after=settings.give_up_after_hours * 3_600_000,
        approvals_for_lost=settings.approvals_for_lost_accounts,
        publish_record=settings.publish_record,
        lost_after=settings.lost_after_days * 86_400_000,
    )
