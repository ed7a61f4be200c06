# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every card that the bot can post, in each of its variants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from migrationbot.chat import cards, whereabouts
from migrationbot.chat.card import Card
from migrationbot.chat.spot import HERE, Spot
from migrationbot.core.approval import Hint
from migrationbot.core.decisions import Wait
from migrationbot.core.errors import Code, Refused
from migrationbot.core.guide import errands
from migrationbot.core.move import Options, Phase, Plan, RoomMove, Rules
from migrationbot.core.moved import Moved
from migrationbot.core.reasons import Goal, Mishap, Outcome, Reason
from migrationbot.core.room import RoomState
from migrationbot.core.standing import standing
from migrationbot.core.steps import Step
from tests.chat.answer_gallery import every_answer
from tests.chat.builders import (
    CAST,
    DAY,
    HISTORY,
    MINUTE,
    NOW,
    WAITS,
    Cast,
    approvers,
    did,
    ending,
    event,
    history,
    member,
    migration,
    move,
    room,
)
from tests.chat.handover_gallery import every_handover
from tests.core.worlds import evidence

RECORD = Options(record=True)
ADDRESS = Options(address="#room:new.org")

# A Reason stands here or among WAITS: a new one has to be sorted in, and worded.
ENDINGS: Mapping[Reason, Outcome] = {
    Reason.ARRIVED: Outcome.DONE,
    Reason.UNSUPPORTED_VERSION: Outcome.REFUSED,
    Reason.REFUSED_BY_ADMIN: Outcome.REFUSED,
    Reason.REFUSED_BY_NEW: Outcome.REFUSED,
    Reason.REFUSED_BY_OLD: Outcome.REFUSED,
    Reason.OLD_IN_USE: Outcome.REFUSED,
    Reason.DECLINED: Outcome.REFUSED,
    Reason.NEW_REMOVED: Outcome.REFUSED,
    Reason.OLD_REMOVED: Outcome.REFUSED,
    Reason.CARD_REMOVED: Outcome.REFUSED,
    Reason.ROOM_UPGRADED: Outcome.REFUSED,
    Reason.SERVER_DENIED: Outcome.REFUSED,
    Reason.CANCELLED: Outcome.CANCELLED,
    Reason.COMMAND_REDACTED: Outcome.CANCELLED,
    Reason.NOT_APPROVED: Outcome.EXPIRED,
    Reason.NOT_JOINED: Outcome.EXPIRED,
    Reason.NOT_CONFIRMED: Outcome.EXPIRED,
    Reason.GAVE_UP: Outcome.EXPIRED,
}


SPACE_RULE = {
    "join_rule": "restricted",
    "allow": [{"type": "m.room_membership", "room_id": "!space:old.org"}],
}
OPTIONS = (Options(step_down=True), Options(leave=True), Options(step_down=True, leave=True))


def moved(cast: Cast = CAST) -> Moved:
    """What is known of a move, by events whose IDs hold anything."""
    ids = [f"${cast.admin}{number}" for number in range(7)]
    return Moved(
        number=7,
        old=cast.old,
        new=cast.new,
        command=ids[0],
        approvals=tuple(ids[1:6]),
        confirmation=ids[6],
    )


def request(state: RoomState, *named: str, cast: Cast = CAST, **changes: Any) -> Card:
    """The request card in this room. `changes` are of the approvers, the asking, or `move`, `migration`."""
    asked, asking = cards.Approvers.__annotations__, cards.Asking.__annotations__
    move_of = changes.get("move") or move(state, cast=cast)
    who = approvers(*named, **{key: changes[key] for key in asked.keys() & changes.keys()})
    more = {key: changes[key] for key in asking.keys() & changes.keys()}
    return cards.request(
        changes.get("migration") or migration(cast),
        move_of,
        state,
        cards.Asking(
            **{
                "approvers": who,
                "command": "migrate",
                "warnings": (),
                "now": NOW,
                "errands": errands(move_of, state, standing(move_of, state, evidence()))
                if move_of.plan.guided
                else (),
                **more,
            }
        ),
    )


def progress(
    reason: Reason, current: RoomMove, *, cast: Cast = CAST, goal: Goal | None = None, spot: Spot = HERE
) -> Card:
    """What is said about a wait until tomorrow."""
    wait = Wait(reason=reason, until=NOW + DAY, goal=goal)
    return cards.progress(migration(cast), current, wait, needed=100, now=NOW, spot=spot)


def checklists(cast: Cast = CAST) -> Iterator[tuple[str, Card]]:
    """How far a move is in which people do what the bot may not."""
    for name, shown in (("fresh", ()), ("invited", ("invite",)), ("joined", ("join",))):
        members = [member(cast.new, each, by=cast.admin if each == "invite" else None) for each in shown]
        state = room(*members, cast=cast, levels={cast.bot: 0}, invite=50)
        current = move(room(cast=cast, levels={cast.bot: 0}, invite=50), cast=cast)
        found = standing(current, state, evidence())
        card = cards.checklist(migration(cast), current, found, errands(current, state, found))
        yield f"checklist: {name}", card


def hints(cast: Cast = CAST) -> Iterator[tuple[str, Card]]:
    """What is said to somebody whose answer does not count."""
    for kind in Hint:
        card = cards.hint(migration(cast), kind, cast.admin, has=0, asked=100)
        yield f"hint {kind.value}", card


def refusals(cast: Cast = CAST) -> Iterator[tuple[str, Refused]]:
    """Each code with details as they are raised."""
    old, new, bot, admin = cast.old, cast.new, cast.bot, cast.admin
    yield "usage", Refused(Code.USAGE)
    yield "bad option", Refused(Code.BAD_OPTION, option="--leave")
    yield "lost", Refused(Code.BAD_OPTION, option="--leave", problem="lost", old=old)
    yield "bad user id", Refused(Code.BAD_USER_ID, shown="@A:x", reason="localpart")
    address = {"option": "--address", "address": "#a:" + cast.admin, "new": new}
    for problem in ("address_taken", "address_elsewhere"):
        yield problem, Refused(Code.BAD_OPTION, problem=problem, **address)
    for problem in ("done", "lost", "needless", "not_yours"):
        more = {"option": "--hand-over", "problem": f"hand_over_{problem}"}
        yield f"hand over {problem}", Refused(Code.BAD_OPTION, **more, old=old, new=new, version="11")
    yield "lookalike", Refused(Code.LOOKALIKE, shown="@a:x", reason="like_old", like="@b:x")
    yield "same account", Refused(Code.SAME_ACCOUNT, new=new)
    yield "new is bot", Refused(Code.NEW_IS_BOT, new=bot)
    yield "old is bot", Refused(Code.OLD_IS_BOT, old=bot)
    yield "not joined", Refused(Code.NOT_JOINED, old=old)
    yield "not joined, lost", Refused(Code.NOT_JOINED, old=old, lost="yes")
    yield "nothing to move", Refused(Code.NOTHING_TO_MOVE, new=new, old=old)
    yield "already moving", Refused(Code.ALREADY_MOVING, number="6")
    yield "already moving, ended", Refused(Code.ALREADY_MOVING, number="")
    yield "new banned", Refused(Code.NEW_BANNED, new=new, by=admin)
    yield "server denied", Refused(Code.SERVER_DENIED, new=new)
    yield "not federated", Refused(Code.NOT_FEDERATED, new=new, home=admin)
    yield "upgraded", Refused(Code.ROOM_UPGRADED, successor="!" + admin)
    yield "upgraded to nothing", Refused(Code.ROOM_UPGRADED, successor="")
    yield "no such room", Refused(Code.NO_SUCH_ROOM, room="#" + admin)
    yield "bot not joined", Refused(Code.BOT_NOT_JOINED, room="!" + admin, bot=bot)
    for purposes in ("invite", "promote", "invite promote"):
        yield purposes, Refused(Code.LACKS_POWER, bot=bot, needed="100", has="50", purposes=purposes)
    yield "too many open", Refused(Code.TOO_MANY_OPEN, open="3")
    yield "not yours to ask", Refused(Code.NOT_YOURS, old=old)
    yield "not yours to ask, if lost", Refused(Code.NOT_YOURS, old=old, new=new, asked="100")
    yield "in use", Refused(Code.NOT_YOURS, old=old, seen_at=str(NOW - DAY), again_at=str(NOW + DAY))
    yield "not yours to cancel", Refused(Code.NOT_YOURS, number="6", requester=admin)
    yield "no such number", Refused(Code.NO_SUCH_MIGRATION, number="6")
    yield "no such move", Refused(Code.NO_SUCH_MIGRATION, old=old)
    yield "no such thread", Refused(Code.NO_SUCH_MIGRATION, number="")


def rooms(cast: Cast = CAST) -> Iterator[tuple[str, RoomState]]:
    """Rooms before the move whose cards differ."""
    yield "usual", room(cast=cast)
    yield "unset", replace(room(cast=cast), history_event=None)
    yield "hidden", room(history("joined"), cast=cast)
    yield "hidden for good", room(history("joined"), cast=cast, levels={cast.bot: 50}, events={HISTORY: 60})
    yield "from the invite", room(history("invited"), cast=cast, levels={cast.bot: 50}, events={HISTORY: 60})
    yield "inside", room(member(cast.new), cast=cast)
    yield "invited", room(member(cast.new, "invite", by=cast.admin), cast=cast)
    yield "encrypted", room(event("m.room.encryption", {}), cast=cast)
    yield "ordinary", room(cast=cast, levels={cast.old: 0})
    yield "held down", room(cast=cast, levels={cast.old: -1})
    yield "weak bot", room(cast=cast, levels={cast.bot: 60}, events={"m.room.power_levels": 60})
    yield "powerless bot", room(cast=cast, levels={cast.bot: 0}, invite=50)
    yield "bot that may invite", room(cast=cast, levels={cast.bot: 0})
    yield "public", room(event("m.room.join_rules", {"join_rule": "public"}), cast=cast)
    yield "of a space", room(event("m.room.join_rules", SPACE_RULE), cast=cast)
    yield "creator", creators_room(cast=cast)
    yield "creator, powerless bot", creators_room(cast=cast, bot=0)


def creators_room(*events: Any, cast: Cast = CAST, **levels: int) -> RoomState:
    """A room of version 12 that the old account has made."""
    create = event("m.room.create", {"room_version": "12"}, sender=cast.old)
    more = {getattr(cast, name): level for name, level in levels.items()}
    return room(create, *events, cast=cast, version="12", levels=more, events={"m.room.tombstone": 150})


def every_card(cast: Cast = CAST, named: tuple[str, ...] = ()) -> dict[str, Card]:
    """All of them by a name that says which it is. `named` may approve and have agreed; else the admin."""
    named = named or (cast.admin,)
    return {
        **_asking(cast, named),
        **_under_way(cast, named),
        **_ended(cast, named),
        **{f"refusal: {name}": cards.refusal(each, command="migrate") for name, each in refusals(cast)},
        **every_answer(cast, named),
        **every_handover(cast, named),
        "help": cards.usage(command="migrate"),
        "moved, asked elsewhere": whereabouts.moved(moved(cast), room_id=None),
        "moved": whereabouts.moved(moved(cast), room_id="!" + cast.admin),
    }


def _asking(cast: Cast, named: tuple[str, ...]) -> dict[str, Card]:
    found = {f"request: {name}": request(state, *named, cast=cast) for name, state in rooms(cast)}
    usual, dry = room(cast=cast), {"dry_run": True, "migration": migration(cast, number=0)}
    found["dry run"] = request(usual, *named, cast=cast, **dry)
    found["request: warned"] = request(usual, *named, cast=cast, warnings=("missing", "unreachable"))
    found["request: anyone"] = request(usual, cast=cast, anyone=True, asked=0)
    found["request: nobody"] = request(usual, cast=cast)
    found["request: too few"] = request(usual, *named, cast=cast, needed=3)
    found["request: several"] = request(usual, *named, cast=cast, needed=2, more=4)
    other = migration(cast, requester=cast.admin)
    for name, state in (("usual", usual), ("creator", creators_room(cast=cast))):
        for options in OPTIONS:
            asked = move(state, cast=cast, options=options)
            found[f"request: {name}, {options}"] = request(state, *named, cast=cast, move=asked)
    weak = room(cast=cast, levels={cast.old: 50})
    going = move(weak, cast=cast, options=OPTIONS[-1])
    found["request: outranked"] = request(weak, *named, cast=cast, move=going)
    sealed = room(event("m.room.encryption", {}), cast=cast)
    patient = move(sealed, cast=cast, rules=Rules(wait_for_owner_invite=600_000))
    found["request: encrypted, of the old account"] = request(sealed, *named, cast=cast, move=patient)
    found["request: of another"] = request(usual, *named, cast=cast, migration=other)
    kept = move(usual, cast=cast, options=RECORD, rules=Rules(publish_record=True))
    found["request: with a record"] = request(usual, *named, cast=cast, move=kept)
    found["request: with a record, anyone"] = request(usual, cast=cast, move=kept, anyone=True, asked=0)
    renamed = move(usual, cast=cast, options=ADDRESS)
    held = room(cast=cast, events={"m.room.canonical_alias": 101})
    local = replace(renamed, options=Options(address="#room:old.org"), new="@new:old.org")
    found["request: with an address"] = request(usual, *named, cast=cast, move=renamed)
    found["request: with an address for others to set"] = request(held, *named, cast=cast, move=renamed)
    found["request: with an address of the bot's"] = request(usual, *named, cast=cast, move=local)
    lost = {"migration": other, "seen_at": NOW - 40 * DAY}
    found["request: lost, never seen"] = request(usual, *named, cast=cast, migration=other)
    found["request: lost"] = request(usual, *named, cast=cast, needed=2, more=1, **lost)
    found["request: lost, seen since today"] = request(usual, *named, cast=cast, sees_since=NOW, **lost)
    found["request: lost, too few"] = request(usual, cast.admin, cast=cast, **lost)
    return found


def _under_way(cast: Cast, named: tuple[str, ...]) -> dict[str, Card]:
    usual = room(cast=cast)
    current = move(usual, cast=cast, approvers=named)
    kept = replace(current, options=RECORD, rules=Rules(publish_record=True))
    poor = move(room(cast=cast, levels={cast.old: 0}), cast=cast)
    undoing = replace(current, phase=Phase.UNDOING)
    return {
        "confirm": cards.confirm(migration(cast), current, usual, now=NOW),
        "ask old": cards.ask_old(migration(cast), current, until=NOW + DAY, now=NOW),
        "confirm: with a record": cards.confirm(migration(cast), kept, usual, now=NOW),
        "confirm: lost": cards.confirm(migration(cast, requester=cast.admin), current, usual, now=NOW),
        "confirm: lost, of itself": cards.confirm(
            migration(cast, requester=cast.new), current, usual, now=NOW
        ),
        "confirm: nothing to give": cards.confirm(migration(cast), poor, usual, now=NOW),
        **{f"wait: {reason.value}": progress(reason, current, cast=cast) for reason in WAITS},
        **dict(hints(cast)),
        **{f"mishap {kind.value}": cards.mishap(migration(cast), kind, cast.admin) for kind in Mishap},
        **dict(checklists(cast)),
        **{
            f"wait: {goal.value}": progress(Reason.BOT_LACKS_POWER, current, cast=cast, goal=goal)
            for goal in (Goal.INVITED, Goal.PROMOTED)
        },
        "wait: undoing": progress(Reason.BOT_LACKS_POWER, undoing, cast=cast),
    }


def _ended(cast: Cast, named: tuple[str, ...]) -> dict[str, Card]:
    found = {}
    for reason, outcome in ENDINGS.items():
        end = ending(outcome, reason, by=cast.admin)
        usual = room(cast=cast)
        found[f"summary: {reason.value}"] = cards.summary(
            migration(cast), move(usual, cast=cast, approvers=named), usual, end
        )
        found[f"closed: {reason.value}"] = cards.closed(migration(cast), end)
    for name, content in (
        ("set", {"alias": "#room:new.org"}),
        ("set beside another", {"alias": "#room:new.org", "alt_aliases": ["#room:old.org"]}),
        ("not set", {}),
    ):
        state = room(event("m.room.canonical_alias", content), member(cast.new), cast=cast)
        current = move(room(cast=cast), cast=cast, options=ADDRESS)
        found[f"summary: address {name}"] = cards.summary(migration(cast), current, state, ending())
    for name, current, state in outcomes(cast):
        lost = migration(cast, requester=cast.admin)
        found[f"summary: {name}, lost"] = cards.summary(lost, current, state, ending(Outcome.PARTIAL))
        for outcome in (Outcome.PARTIAL, Outcome.EXPIRED):
            reason = Reason.ARRIVED if outcome is Outcome.PARTIAL else Reason.NOT_CONFIRMED
            card = cards.summary(migration(cast), current, state, ending(outcome, reason))
            found[f"summary: {name}, {outcome.value}"] = card
    return found


def outcomes(cast: Cast = CAST) -> Iterator[tuple[str, RoomMove, RoomState]]:
    """Moves and what their rooms look like in the end."""
    new, bot = member(cast.new), cast.bot
    invited = member(cast.new, "invite", by=bot, event_id="$invite")
    opened, put_back = did(Step.OPEN_HISTORY), did(Step.RESTORE_HISTORY, ago=10 * MINUTE)
    still_open = history("shared", sender=bot, event_id=opened.event_id)
    closed_again = history("joined", sender=bot, event_id=put_back.event_id)
    for name, before in rooms(cast):
        yield name, move(before, cast=cast), before
    hidden = room(history("joined"), cast=cast)
    yield "opened and put back", move(hidden, opened, put_back, cast=cast), room(closed_again, new, cast=cast)
    yield "left open", move(hidden, opened, cast=cast), room(still_open, new, cast=cast)
    yield "changed by others", move(hidden, opened, cast=cast), room(history("invited"), new, cast=cast)
    yield "never opened", move(hidden, cast=cast), room(history("joined"), new, cast=cast)
    yield "still invited", move(room(cast=cast), did(Step.INVITE), cast=cast), room(invited, cast=cast)
    withdrawn = did(Step.WITHDRAW_INVITE)
    gone = room(member(cast.new, "leave", by=bot), cast=cast)
    yield "withdrawn", move(room(cast=cast), withdrawn, cast=cast), gone
    yield "old has left", move(room(cast=cast), cast=cast), room(member(cast.old, "leave"), new, cast=cast)
    joined = room(new, cast=cast, levels={cast.new: 100})
    for options in OPTIONS:
        yield f"kept: {options}", move(joined, cast=cast, more=True, options=options), joined
    lent = room(new, cast=cast, levels={cast.new: 100})
    yield "lent", move(room(cast=cast, levels={cast.bot: 0}, invite=50), cast=cast), lent
    yield "creator", move(creators_room(cast=cast), cast=cast), creators_room(new, cast=cast, new=100)


def replan(current: RoomMove, **changes: Any) -> RoomMove:
    """The same move with another plan."""
    plan: Plan = replace(current.plan, **changes)
    return replace(current, plan=plan)
