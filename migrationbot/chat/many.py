# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is said of a migration in many rooms: one request, one question, one progress card, one summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrationbot.core.community import Entry, Group, Prospect, group_of
from migrationbot.core.errors import Code
from migrationbot.core.history import Reading
from migrationbot.core.move import Migration
from migrationbot.core.progress import Ended, Limit, Progress, Waiting, most_often
from migrationbot.core.reasons import Ending, Outcome, Reason
from migrationbot.core.report import Left
from migrationbot.core.ways import Way

from .card import Card, render
from .cards import facts
from .spot import title
from .table import Row

MOST_SHOWN = 8  # rooms under one heading of a message
MOST_PINGED = 10
_MOST_IN_SUMMARY = 150  # rooms for other programs: an event holds 64 KiB; the table has all
_HIDDEN = (Reading.FROM_OPENING, Reading.FROM_INVITE, Reading.FROM_JOIN)
_UNNAMED = frozenset({Reason.CONFIRM, Reason.INVITES_SPENT, Reason.PAUSED})
_BY_ITSELF = (Way.PUBLIC, Way.SPACE)
_ARRIVED = (Outcome.DONE, Outcome.PARTIAL)


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What the request card depends on beyond its rooms."""

    people: Sequence[str]  # who may approve and is there, once for each room
    space: Entry | None  # the space that was named
    whole: bool  # False: the space holds more than the bot looks at
    command: str  # the word after the `!`
    warnings: tuple[str, ...]  # "missing" or "unreachable": what the new account's server says
    needed: int  # how many have to agree in each room
    old_may_answer: bool
    now: int  # milliseconds since the epoch
    dry_run: bool = False  # only show what would be asked
    attached: bool = False  # whether the whole list follows as a file
    ping: bool = True  # whether anybody reads here


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast it goes, and when it will be over. Times: milliseconds since the epoch."""

    limit: Limit | None = None
    finished_at: int | None = None  # when the last of what is limited will be sent; None when not known
    now: int


@dataclass(frozen=True, kw_only=True)
class Telling:
    """What the summary depends on beyond its rooms."""

    attached: bool  # whether the table follows as a file
    command: str  # the word after the `!`
    agreed: Iterable[str]  # whose yes counted, once for each room
    later: Sequence[Entry] = ()  # the rooms that may still come
    again: bool = False  # it was summed up before
    now: int  # milliseconds since the epoch


def is_shortened(prospects: Iterable[Prospect]) -> bool:
    """Whether the request card can't name every room."""
    groups = [group_of(each) for each in prospects]
    return any(groups.count(group) > MOST_SHOWN for group in Group)


def request(migration: Migration, prospects: Sequence[Prospect], asking: Asking) -> Card:
    """The card that asks those who may approve; of a dry run, the answer that only shows it."""
    people, more_people = most_often(asking.people, MOST_PINGED)
    plans = [each.plan for each in prospects if each.plan is not None]
    by_group = {group: [each for each in prospects if group_of(each) is group] for group in Group}
    return render(
        "many_request.html",
        fields={"card": "answer"} if asking.dry_run else facts.fields("request", migration, "waiting"),
        mentions=people if asking.ping and not asking.dry_run else (),
        dry_run=asking.dry_run,
        **facts.who(migration),
        total=len(plans),
        space=_room(asking.space) if asking.space else None,
        people=people,
        more_people=more_people,
        needed=asking.needed,
        old_may_answer=asking.old_may_answer,
        **{group.value: _heading(found) for group, found in by_group.items()},
        joinable=_short([each.entry for each in prospects if each.plan and each.plan.way in _BY_ITSELF]),
        spaces=any(each.plan.way is Way.SPACE for each in prospects if each.plan),
        shortened=is_shortened(prospects),
        attached=asking.attached,
        opened=sum(1 for plan in plans if plan.open_from is not None),
        hidden=sum(1 for plan in plans if plan.reading in _HIDDEN),
        whole=asking.whole,
        record=_keeps_record(migration, [each.entry.room_id for each in prospects if each.plan]),
        step_down=migration.options.step_down,
        leave=migration.options.leave,
        warnings=asking.warnings,
        mendable=sum(1 for each in prospects if each.entry.mendable),
        expires_at=migration.expires_at,
        command=asking.command,
        now=asking.now,
    )


def nothing_moves(prospects: Sequence[Prospect]) -> Card:
    """The answer when none of the rooms can move."""
    codes = [each.entry.code.value for each in prospects if each.entry.code is not None]
    error = codes[0] if codes else Code.NO_SUCH_ROOM.value
    cant = _heading(prospects)
    return render("many_nothing.html", fields={"card": "answer", "error": error}, cant=cant)


def confirm(migration: Migration, rooms: Sequence[str], *, until: int, now: int) -> Card:
    """The card that asks the new account, once for all rooms."""
    return render(
        "many_confirm.html",
        fields=facts.fields("confirm", migration, "waiting"),
        mentions=(migration.new,),
        **facts.who(migration),
        total=len(rooms),
        record=_keeps_record(migration, rooms),
        expires_at=until,
        now=now,
    )


def progress(
    migration: Migration,
    found: Progress,
    entries: Mapping[str, Entry],
    pace: Pace,
    *,
    later: Sequence[Entry] = (),
    bot: str,
) -> Card:
    """How far it is. It pings nobody; whoever must do something is told apart."""
    state = "running" if found.left else "done"
    values = {**_far(migration, found, entries, pace, bot=bot), **_later(migration, later)}
    # By the second field it is told from other messages about progress, and found again.
    fields = {**facts.fields("progress", migration, state), "progress": True}
    return render("many_progress.html", fields=fields, **values)


def held_up(
    migration: Migration, waiting: Waiting, entries: Mapping[str, Entry], *, bot: str, now: int
) -> Card:
    """What a person has to do, once for all rooms where it is the same."""
    state = "blocked" if waiting.reason is Reason.BOT_LACKS_POWER else "running"
    return render(
        "many_wait.html",
        fields=facts.fields("progress", migration, state),
        mentions=(migration.requester,),
        **facts.who(migration),
        menders=(migration.requester,),
        group=_wait(waiting, entries),
        bot=bot,
        now=now,
    )


def status(
    migration: Migration,
    found: Progress,
    entries: Mapping[str, Entry],
    pace: Pace,
    *,
    later: Sequence[Entry] = (),
    bot: str,
    command: str,
) -> Card:
    """How far it is, for whoever asks."""
    return render(
        "many_status.html",
        fields=facts.fields("answer", migration, "running" if found.left else "done"),
        **_far(migration, found, entries, pace, bot=bot),
        **_later(migration, later),
        asked_at=migration.created_at,
        ended_groups=[_end(each, entries) for each in found.ended],
        again=bool(found.failed),
        command=command,
    )


def summary(migration: Migration, rows: Sequence[Row], ending: Ending, telling: Telling) -> Card:
    """How it ended in every room."""
    tried = [row for row in rows if row.entry.code is None]
    blocked = [row.entry for row in rows if row.entry.code is not None]
    people, more = most_often(telling.agreed, MOST_PINGED)
    fields: dict[str, Any] = facts.fields("summary", migration, ending.outcome.value)
    fields["rooms"] = [_told(row) for row in rows[:_MOST_IN_SUMMARY]]
    return render(
        "many_summary.html",
        # By that field the second one is told from the first.
        fields={**fields, **({"again": True} if telling.again else {})},
        mentions=(migration.requester,),
        **facts.who(migration),
        outcome=ending.outcome.value,
        reason=ending.reason.value,
        by=ending.by,
        total=len(tried),
        approvers=people,
        more=more,
        groups=_grouped(tried),
        cant=_heading([Prospect(entry=each) for each in blocked if each not in telling.later]),
        **_later(migration, telling.later),
        left=_left(rows),
        attached=telling.attached,
        summed_up_again=telling.again,
        again=_can_be_tried_again(rows, telling.later),
        command=telling.command,
        now=telling.now,
    )


def closed(migration: Migration, ending: Ending, *, total: int) -> Card:
    """The request card in its final state."""
    fields = facts.fields("request", migration, ending.outcome.value)
    values: dict[str, Any] = {"outcome": ending.outcome.value, "by": ending.by, "total": total}
    return render("many_closed.html", fields=fields, **facts.who(migration), **values)


def attachment(migration: Migration, kind: str) -> dict[str, Any]:
    """What other programs read of a file."""
    return {"v": 1, **facts.fields("answer", migration, "done"), "file": kind}


def _keeps_record(migration: Migration, rooms: Iterable[str]) -> bool:
    """Whether a room keeps a record: only that in which it was asked, where all of its proof stands."""
    return migration.options.record and migration.home_room in rooms


def _far(
    migration: Migration, found: Progress, entries: Mapping[str, Entry], pace: Pace, *, bot: str
) -> dict[str, Any]:
    return {
        **facts.who(migration),
        "done": found.done,
        "stopped": found.stopped,
        "waiting": found.left - found.working,
        "working": found.working,
        "total": found.left + found.done + found.stopped,
        "groups": [_wait(each, entries) for each in found.waiting],
        "limit": pace.limit.value if pace.limit else "",
        "finished_at": pace.finished_at,
        "over": not found.left,
        "bot": bot,
        "now": pace.now,
    }


def _later(migration: Migration, entries: Sequence[Entry]) -> dict[str, Any]:
    """The rooms that can't move yet, and may still come."""
    return {
        "later": _heading([Prospect(entry=each) for each in entries]),
        "expires_at": migration.expires_at,
    }


def _can_be_tried_again(rows: Iterable[Row], later: Iterable[Entry]) -> bool:
    """Whether it makes sense to ask once more: not for rooms that come by themselves."""
    waiting = {entry.room_id for entry in later}
    return any(row.outcome != Outcome.DONE.value and row.entry.room_id not in waiting for row in rows)


def _told(row: Row) -> dict[str, Any]:
    return {
        "room_id": row.entry.room_id,
        "state": row.outcome,
        "level": row.level,
        "history": row.history,
        "left_to_do": [each.value for each in row.left],
        **({"error": row.entry.code.value} if row.entry.code else {}),
    }


def _grouped(rows: Sequence[Row]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str, str], list[Entry]] = {}
    for row in rows:
        reason = row.reason.value if row.reason else ""
        groups.setdefault((row.outcome, reason, row.by), []).append(row.entry)
    return [
        {"outcome": outcome, "reason": reason, "by": by, **_short(found)}
        for (outcome, reason, by), found in groups.items()
    ]


def _left(rows: Sequence[Row]) -> list[dict[str, Any]]:
    found = {each: [row.entry for row in rows if each in row.left] for each in Left}
    return [{"what": each.value, **_short(entries)} for each, entries in found.items() if entries]


def _end(ended: Ended, entries: Mapping[str, Entry]) -> dict[str, Any]:
    how = {"outcome": ended.outcome.value, "reason": ended.reason.value, "by": ended.by}
    return {**how, **_short([entries[each] for each in ended.rooms])}


def _wait(waiting: Waiting, entries: Mapping[str, Entry]) -> dict[str, Any]:
    return {
        "reason": waiting.reason.value,
        "until": waiting.until,
        "needed": waiting.needed,
        "named": waiting.reason not in _UNNAMED,
        **_short([entries[each] for each in waiting.rooms]),
    }


def _heading(prospects: Sequence[Prospect]) -> dict[str, Any]:
    shown = [
        {
            **_room(each.entry),
            "level": each.plan.level if each.plan else None,
            "guided": bool(each.plan and each.plan.guided),
            "at_home": each.entry.at_home,
        }
        for each in prospects[:MOST_SHOWN]
    ]
    return {"count": len(prospects), "shown": shown, "more": len(prospects[MOST_SHOWN:])}


def _short(entries: Sequence[Entry]) -> dict[str, Any]:
    shown = [_room(each) for each in entries[:MOST_SHOWN]]
    return {"count": len(entries), "shown": shown, "more": len(entries[MOST_SHOWN:])}


def _room(entry: Entry) -> dict[str, Any]:
    return {
        "room_id": entry.room_id,
        "name": title(entry.name),
        "is_space": entry.is_space,
        "code": entry.code.value if entry.code else "",
        "details": dict(entry.details),
    }
