# SPDX-License-Identifier: AGPL-3.0-or-later
"""Values as they stand in the database, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from migrationbot.core.history import Reading, Visibility
from migrationbot.core.move import Migration, Options, Plan
from migrationbot.core.reasons import Ending, Outcome, Reason, Trouble
from migrationbot.core.steps import Record, Step
from migrationbot.core.ways import Way

from .database import Row


def plan_to_text(plan: Plan) -> str:
    """A plan as JSON."""
    return json.dumps(
        {
            "level": plan.level,
            "old_level": plan.old_level,
            "way": plan.way.value,
            "guided": plan.guided,
            "bot_level": plan.bot_level,
            "open_from": plan.open_from.value if plan.open_from else None,
            "visibility": plan.visibility.value,
            "reading": plan.reading.value,
        }
    )


def plan_from_text(text: str) -> Plan:
    """The plan that `plan_to_text` wrote."""
    raw = json.loads(text)
    return Plan(
        level=raw["level"],
        old_level=raw["old_level"],
        way=_way(raw),
        guided=raw.get("guided", False),
        bot_level=raw.get("bot_level", 0),
        open_from=Visibility(raw["open_from"]) if raw["open_from"] else None,
        visibility=Visibility(raw["visibility"]),
        reading=Reading(raw["reading"]),
    )


def ending_to_text(ending: Ending | None) -> str | None:
    """An ending as JSON."""
    if ending is None:
        return None
    return json.dumps(
        {"outcome": ending.outcome.value, "reason": ending.reason.value, "by": ending.by, "at": ending.at}
    )


def ending_from_text(text: str | None) -> Ending | None:
    """The ending that `ending_to_text` wrote."""
    if text is None:
        return None
    raw = json.loads(text)
    return Ending(outcome=Outcome(raw["outcome"]), reason=Reason(raw["reason"]), by=raw["by"], at=raw["at"])


def trouble_to_text(trouble: Trouble | None) -> str | None:
    """A trouble as JSON."""
    if trouble is None:
        return None
    return json.dumps(
        {
            "step": trouble.step.value,
            "reason": trouble.reason.value,
            "since": trouble.since,
            "attempts": trouble.attempts,
            "retry_at": trouble.retry_at,
        }
    )


def trouble_from_text(text: str | None) -> Trouble | None:
    """The trouble that `trouble_to_text` wrote."""
    if text is None:
        return None
    raw = json.loads(text)
    return Trouble(
        step=Step(raw["step"]),
        reason=Reason(raw["reason"]),
        since=raw["since"],
        attempts=raw["attempts"],
        retry_at=raw["retry_at"],
    )


def record_from_row(row: Row) -> Record:
    """One row of the table `step`."""
    return Record(
        step=Step(row["step"]),
        attempt=row["attempt"],
        done=bool(row["done"]),
        event_id=row["event_id"],
        base=row["base"],
        at=row["at"],
        room_id=row["room_id"],
    )


def migration_from_row(row: Row, records: Mapping[Step, Record]) -> Migration:
    """One row of the table `migration`, with its own steps."""
    return Migration(
        number=row["number"],
        requester=row["requester"],
        old=row["old_account"],
        new=row["new_account"],
        home_room=row["home_room"],
        command_event=row["command_event"],
        thread_root=row["thread_root"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        options=_options(row),
        cancelled_by=row["cancelled_by"],
        ended=bool(row["ended"]),
        records=records,
    )


def options_to_text(options: Options) -> str:
    """Options as JSON, without `keep_history`, which has a column of its own."""
    kept = {key: value for key, value in asdict(options).items() if value and key != "keep_history"}
    return json.dumps(kept)


def _options(row: Row) -> Options:
    return Options(keep_history=bool(row["keep_history"]), **json.loads(row["options"]))


def _way(raw: Mapping[str, Any]) -> Way:
    """Before version 4 of the tables a plan only knew whether an invite was needed."""
    if "way" in raw:
        return Way(raw["way"])
    if raw["invite"]:
        return Way.INVITE
    return Way.INSIDE if raw["reading"] == Reading.AS_MEMBER.value else Way.INVITED
