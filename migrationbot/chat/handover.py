# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is said about handing the ownership of a room over. The wording is in templates/handover*.html."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote

from migrationbot.core.decisions import Wait
from migrationbot.core.ids import server_of
from migrationbot.core.move import Migration, RoomMove
from migrationbot.core.power import can_raise
from migrationbot.core.reasons import Reason
from migrationbot.core.room import JoinRule, Membership, RoomState
from migrationbot.core.steps import Step
from migrationbot.core.succession import (
    TOMBSTONE,
    Succession,
    creators_to_name,
    flaw,
    heir_of,
    upgrade_version,
)

from .card import Card, render
from .spot import HERE, Spot
from .words import room_link

_MOST_NAMED = 4  # people, spaces and addresses in one sentence
_MOST_IN_REQUEST = 3  # owners: a message has no room for many


@dataclass(frozen=True, kw_only=True)
class Handover:
    """All that the templates need of it."""

    version: str  # to upgrade to
    before: str  # the version of the room now
    asked: int  # the level that an upgrade takes
    new_may: bool  # the new account has that level
    old_may: bool
    old_can_raise: bool  # the old account can give it to the new one
    others: int  # creators now, beside the two accounts
    by_old: str  # the request that the old account would have to send
    by_new: str
    successor: str  # a room ID; empty when there is none
    link: str  # to it
    upgraded_by: str
    flaw: str  # why it is not what was agreed to; empty when it is
    seen: bool  # the bot is in it
    creators: tuple[str, ...]  # of it
    heir: str  # the new account's membership there
    open: bool  # anyone may join it
    invited: int  # members that the bot has invited there
    listed: int  # spaces in which it has listed it
    moved: int  # addresses that it has moved
    absent: tuple[str, ...]  # who is not there and was not invited
    more: int  # how many beyond those
    spaces: tuple[str, ...]  # that still list the old room
    stale: tuple[str, ...]  # addresses of the bot's own server that still lead to the old room
    foreign: tuple[str, ...]  # and of others


def facts(move: RoomMove, room: RoomState, succession: Succession | None = None) -> Handover | None:
    """What is so now; None when no hand-over was asked for."""
    if not move.options.hand_over:
        return None
    power, seen = room.power, succession or Succession()
    asked, successor, heir = power.to_send(TOMBSTONE), seen.successor, heir_of(move, seen)
    wrong = flaw(move, room, seen) if room.successor is not None else None
    absent = tuple(user for user in seen.absent if not _done(seen, Step.INVITE_MEMBER, user))
    return Handover(
        version=upgrade_version(room),
        before=room.version,
        asked=asked,
        new_may=power.level_of(move.new) >= asked,
        old_may=room.holds(move.old, asked),
        old_can_raise=room.joined(move.old)
        and can_raise(power, sender=move.old, target=move.new, level=asked),
        others=len(power.creators - {move.old, move.new}),
        by_old=upgrade_request(move, room, caller=move.old),
        by_new=upgrade_request(move, room, caller=move.new),
        successor=room.successor or "",
        link=successor_link(room),
        upgraded_by=room.upgraded_by,
        flaw=wrong.value if wrong else "",
        seen=successor is not None,
        creators=tuple(sorted(successor.power.creators)) if successor else (),
        heir=(heir.membership if heir else Membership.LEAVE).value,
        open=successor is not None and successor.join_rule is JoinRule.PUBLIC,
        invited=_count(seen, Step.INVITE_MEMBER),
        listed=_count(seen, Step.LIST_CHILD),
        moved=_count(seen, Step.MOVE_ALIAS),
        absent=absent[:_MOST_NAMED],
        more=len(absent[_MOST_NAMED:]) + seen.more,
        spaces=tuple(parent.space for parent in seen.parents if parent.lists_old)[:_MOST_NAMED],
        stale=seen.stale[:_MOST_NAMED],
        foreign=seen.foreign[:_MOST_NAMED],
    )


def upgrade_request(move: RoomMove, room: RoomState, *, caller: str) -> str:
    """The request that upgrades the room so that the new account owns what follows, for a shell.

    Spec: client-server, POST /rooms/{roomId}/upgrade. Historical user IDs may hold a quotation mark, which
    would end the quoted part: it is written as JSON may write it.
    """
    creators = creators_to_name(room.power, caller=caller, old=move.old, new=move.new)
    if len(creators) > _MOST_IN_REQUEST:
        creators = (*(user for user in creators if user == move.new), "ALL_OTHER_OWNERS")
    body = {"new_version": upgrade_version(room), **({"additional_creators": creators} if creators else {})}
    written = json.dumps(body).replace("'", "\\u0027")
    where = f"https://HOMESERVER/_matrix/client/v3/rooms/{quote(room.room_id, safe='')}/upgrade"
    headers = "-H 'Authorization: Bearer ACCESS_TOKEN' -H 'Content-Type: application/json'"
    return f"curl -X POST '{where}' {headers} --data '{written}'"


def successor_link(room: RoomState) -> str:
    """Where clients find the room that follows; empty when there is none. Spec: appendices, matrix.to."""
    if not room.successor:
        return ""
    return room_link(room.successor, [server_of(room.upgraded_by)])


def waiting(
    migration: Migration,
    move: RoomMove,
    room: RoomState,
    succession: Succession | None,
    wait: Wait,
    *,
    now: int,
    spot: Spot = HERE,
) -> Card | None:
    """What a hand-over waits for, where people have to do something; None where they know or need not."""
    told = facts(move, room, succession)
    asked = {
        Reason.UPGRADE: (migration.old, migration.new),
        Reason.ENTER: (room.upgraded_by,),
        Reason.HEIR: (room.upgraded_by, migration.new),
    }.get(wait.reason)
    if told is None or asked is None or (wait.reason is Reason.HEIR and told.heir == "invite"):
        return None
    return render(
        f"handover_{wait.reason.value}.html",
        fields={"card": "progress", "migration": str(migration.number), "state": "running"},
        mentions=tuple(dict.fromkeys(asked)),
        number=migration.number,
        old=migration.old,
        new=migration.new,
        bot=move.bot,
        handover=told,
        spot=spot,
        until=move.expires_at,
        now=now,
    )


def report(migration: Migration, move: RoomMove, room: RoomState, succession: Succession) -> Card:
    """What is said in the new room: where it comes from, whose it is, and what is left to people."""
    return render(
        "handover_report.html",
        fields={"card": "progress", "migration": str(migration.number), "state": "running"},
        old=migration.old,
        new=migration.new,
        old_link=room_link(move.room_id, [server_of(migration.old)]),
        handover=facts(move, room, succession),
        spot=HERE,
    )


def _done(succession: Succession, step: Step, target: str) -> bool:
    deed = succession.deed(step, target)
    return deed is not None and deed.done


def _count(succession: Succession, step: Step) -> int:
    return sum(deed.done for (each, _), deed in succession.deeds.items() if each is step)
