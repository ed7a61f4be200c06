# SPDX-License-Identifier: AGPL-3.0-or-later
"""Everything that is said about handing a room over, in each of its variants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from migrationbot.chat import cards, handover
from migrationbot.chat.card import Card
from migrationbot.core.decisions import Wait
from migrationbot.core.move import Options, RoomMove
from migrationbot.core.reasons import Outcome, Reason
from migrationbot.core.room import RoomState, StateEvent, read_room
from migrationbot.core.steps import Step
from migrationbot.core.succession import Deed, Parent, Succession
from tests.chat.builders import CAST, DAY, NOW, ROOM_ID, Cast, ending, event, member, migration, move, room

NEXT, SPACE = "!next:old.org", "!space:old.org"
WAITS = (Reason.UPGRADE, Reason.ENTER, Reason.HEIR)
TOMBSTONE = {"m.room.tombstone": 150}


def owned(*events: StateEvent, cast: Cast = CAST, others: tuple[str, ...] = (), **levels: int) -> RoomState:
    """A room of version 12 that the old account has made, with the new one in it."""
    create = event("m.room.create", {"room_version": "12", "additional_creators": [*others]}, sender=cast.old)
    users = {getattr(cast, name): level for name, level in {"new": 100, **levels}.items()}
    return room(create, member(cast.new), *events, cast=cast, version="12", levels=users, events=TOMBSTONE)


def upgraded(*, cast: Cast = CAST, to: str = NEXT, by: str = "", **more: Any) -> RoomState:
    """The same, closed in favour of another room."""
    tombstone = event("m.room.tombstone", {"replacement_room": to}, sender=by or cast.old)
    return owned(tombstone, cast=cast, **more)


def successor(
    *events: StateEvent, cast: Cast = CAST, by: str = "", predecessor: str = ROOM_ID, owner: bool = True
) -> RoomState:
    """The room that follows, with the bot in it."""
    content = {
        "room_version": "12",
        "predecessor": {"room_id": predecessor},
        "additional_creators": [cast.new] if owner else [cast.admin],
    }
    create = event("m.room.create", content, sender=by or cast.old)
    return read_room(NEXT, (create, member(cast.bot), *events))


def handing_over(cast: Cast = CAST, **changes: Any) -> RoomMove:
    """A move that was asked for with --hand-over."""
    made = move(owned(cast=cast), cast=cast, options=Options(hand_over=True), more=True, **changes)
    return replace(made, plan=replace(made.plan, level=100, guided=False))


def seen(next_room: RoomState | None, **facts: Any) -> Succession:
    """What the bot sees of the upgrade."""
    deeds = {(Step.FOLLOW, NEXT): Deed(done=True)}
    return replace(Succession(successor=next_room, deeds=deeds), **facts)


def mended(cast: Cast = CAST, *people: str) -> Succession:
    """The bot has mended what it could; all kinds of things are left."""
    deeds = {
        (Step.INVITE_MEMBER, cast.admin): Deed(done=True),
        (Step.LIST_CHILD, SPACE): Deed(done=True),
        (Step.MOVE_ALIAS, "#moved:old.org"): Deed(done=True),
        (Step.INVITE_HEIR, cast.new): Deed(failed=True),
    }
    return seen(
        successor(member(cast.new), cast=cast),
        deeds=deeds,
        absent=(*people, cast.admin),
        more=2,
        parents=(Parent(space=SPACE, lists_old=True, lists_new=False, bot_may=False, agreed=False),),
        stale=("#" + cast.admin,),
        foreign=("#other:new.org",),
    )


def successions(cast: Cast = CAST) -> Iterator[tuple[str, RoomState, Succession | None]]:
    """The ways in which it may have gone."""
    here = upgraded(cast=cast)
    yield "not upgraded", owned(cast=cast), None
    yield "may upgrade", owned(cast=cast, new=150), None
    yield "not let in", here, seen(None)
    yield "nameless", upgraded(cast=cast, to=""), seen(None)
    yield "by a stranger", upgraded(cast=cast, by="@eve:old.org"), seen(None)
    yield "other maker", here, seen(successor(cast=cast, by=cast.admin))
    yield "no predecessor", here, seen(successor(cast=cast, predecessor="!other"))
    yield "not a creator", here, seen(successor(cast=cast, owner=False))
    yield "outside", here, seen(successor(cast=cast))
    yield "invited", here, seen(successor(member(cast.new, "invite", by=cast.bot), cast=cast))
    yield "whole", here, seen(successor(member(cast.new), cast=cast))
    yield "one absent", here, seen(successor(member(cast.new), cast=cast), absent=(cast.admin,))
    yield "one address", here, seen(successor(member(cast.new), cast=cast), foreign=("#a:new.org",))


def waiting(
    reason: Reason, here: RoomState, succession: Succession | None, *, cast: Cast = CAST
) -> Card | None:
    """What is said about this wait."""
    wait = Wait(reason=reason, until=NOW + DAY)
    return handover.waiting(migration(cast), handing_over(cast), here, succession, wait, now=NOW)


def every_handover(cast: Cast = CAST, named: tuple[str, ...] = ()) -> dict[str, Card]:
    """All of them by a name that says which it is. `named` are the other owners, and were left behind."""
    current = handing_over(cast)
    asking = cards.Asking(
        approvers=cards.Approvers(named=(cast.old,), more=0, anyone=False, asked=150, needed=1),
        command="migrate",
        warnings=(),
        now=NOW,
    )
    found = {"request: hand over": cards.request(migration(cast), current, owned(cast=cast), asking)}
    rooms = {
        "usual": owned(cast=cast),
        "able": owned(cast=cast, new=150),
        "several owners": owned(cast=cast, others=named),
        "many owners": owned(cast=cast, others=tuple(f"@{n}:old.org" for n in range(30))),
        "old has left": owned(member(cast.old, "leave"), cast=cast),
        "version 11": room(member(cast.new), cast=cast, levels={cast.new: 100}),
    }
    for name, here in rooms.items():
        found |= _said(f"upgrade: {name}", waiting(Reason.UPGRADE, here, None, cast=cast))
    here = upgraded(cast=cast)
    found |= _said("enter", waiting(Reason.ENTER, here, seen(None), cast=cast))
    found |= _said("heir", waiting(Reason.HEIR, here, seen(successor(cast=cast)), cast=cast))
    everything = mended(cast, *named)
    for name, state, succession in (*successions(cast), ("mended", here, everything)):
        outcome = Outcome.DONE if name in ("whole", "mended") else Outcome.PARTIAL
        end = ending(outcome, Reason.ARRIVED)
        found[f"hand over: {name}"] = cards.summary(
            migration(cast), current, state, end, succession=succession
        )
    found["report"] = handover.report(migration(cast), current, here, everything)
    whole = seen(successor(member(cast.new), cast=cast))
    found["report: nothing left"] = handover.report(migration(cast), current, here, whole)
    return found


def _said(name: str, card: Card | None) -> dict[str, Card]:
    assert card is not None
    return {f"hand over: {name}": card}
