# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is said of many rooms at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from migrationbot.chat import many
from migrationbot.chat.card import Card
from migrationbot.chat.table import Row, as_text
from migrationbot.core.community import Entry, Prospect
from migrationbot.core.decisions import Wait
from migrationbot.core.errors import Code
from migrationbot.core.history import Reading
from migrationbot.core.move import Options, Phase, Plan, RoomMove
from migrationbot.core.progress import Limit, Progress, Waiting, progress_of
from migrationbot.core.reasons import Outcome, Reason
from migrationbot.core.report import Left
from migrationbot.core.ways import Way
from tests.chat.builders import CAST, DAY, HOUR, NOW, ending, migration, move, room

PLAN = move(room()).plan
MIGRATION = migration()
CANT: dict[Code, dict[str, str]] = {
    Code.NOT_JOINED: {"old": CAST.old},
    Code.NOTHING_TO_MOVE: {"old": CAST.old, "new": CAST.new},
    Code.ALREADY_MOVING: {"number": "3"},
    Code.NEW_BANNED: {"new": CAST.new, "by": CAST.admin},
    Code.SERVER_DENIED: {"new": CAST.new},
    Code.NOT_FEDERATED: {"new": CAST.new, "home": CAST.admin},
    Code.ROOM_UPGRADED: {"successor": "!next:old.org"},
    Code.BOT_NOT_JOINED: {"room": "!a:old.org", "bot": CAST.bot},
    Code.LACKS_POWER: {"bot": CAST.bot, "needed": "100", "has": "50", "purposes": "invite"},
}


def entry(name: str = "Garden", **facts: Any) -> Entry:
    """A room that is called so."""
    return Entry(**{"room_id": f"!{name.lower()}:old.org", "name": name, **facts})


def prospect(name: str = "Garden", plan: Plan | None = PLAN, **facts: Any) -> Prospect:
    """A room that moves, unless it has no plan."""
    return Prospect(entry=entry(name, **facts), plan=plan)


def asking(**facts: Any) -> many.Asking:
    """A usual request, in a space."""
    usual: dict[str, Any] = {
        "people": (CAST.admin, CAST.old, CAST.admin),
        "space": entry("Club", is_space=True),
        "whole": True,
        "command": "migrate",
        "warnings": (),
        "needed": 1,
        "old_may_answer": True,
        "now": NOW,
    }
    return many.Asking(**{**usual, **facts})


def request(*prospects: Prospect, **facts: Any) -> Card:
    """The request card for these rooms."""
    return many.request(MIGRATION, prospects or (prospect(),), asking(**facts))


def test_the_request_names_the_rooms_under_their_headings() -> None:
    card = request(
        prospect("Garden"),
        prospect("Court", at_home=False),
        prospect("Club", at_home=False, is_space=True),
        prospect("Shed", plan=replace(PLAN, guided=True)),
        prospect("Prison", None, code=Code.NEW_BANNED, details=CANT[Code.NEW_BANNED]),
    )
    lines = card.text.splitlines()
    assert "Request 7: may @alice:old.org move to the new account @alice:new.org in 4 rooms" in lines[0]
    assert "of the space Club?" in lines[0]
    assert lines[lines.index("Will move, 1 room:") + 1] == "- Garden: level 100 (admin)"
    assert "- Court: level 100 (admin). The bot asks in that room." in lines
    assert "- the space Club: level 100 (admin). An admin of the space has to come here and answer." in lines
    assert any(line.startswith("- Shed: level 100 (admin). The bot lacks the level there") for line in lines)
    assert lines[lines.index("Cannot move now, 1 room:") + 1].startswith(
        "- Prison: the new account is banned by"
    )
    assert card.fields == {"v": 1, "card": "request", "migration": "7", "state": "waiting"}


def test_a_yes_counts_for_rooms_that_can_move_later() -> None:
    banned = {"details": {**CANT[Code.NEW_BANNED], "level": "50"}, "code": Code.NEW_BANNED}
    text = request(prospect(), prospect("Prison", None, **banned)).text
    assert "- Prison, level 50 (moderator): the new account is banned by" in text
    assert "the room goes on by itself, and a yes to this message counts there, too." in text
    for_ever = {"details": CANT[Code.NOT_FEDERATED], "code": Code.NOT_FEDERATED}
    assert "counts there, too" not in request(prospect(), prospect("Isle", None, **for_ever)).text


def test_those_who_may_answer_most_are_pinged_and_no_more_than_ten() -> None:
    assert request().mentions == (CAST.admin, CAST.old)
    crowd = [f"@admin{number}:old.org" for number in range(14)]
    card = request(people=crowd)
    assert len(card.mentions) == 10
    assert "and 4 more" in card.text
    assert request(ping=False).mentions == ()


@pytest.mark.parametrize(
    ("attached", "says"), [(True, "file that follows"), (False, "could not be attached")]
)
def test_a_long_list_is_shortened_and_complete_in_the_file(attached: bool, says: str) -> None:
    rooms = [prospect(f"Room {number}") for number in range(30)]
    card = request(*rooms, attached=attached)
    assert says in card.text
    assert "and 22 more" in card.text
    assert as_text(rooms).count("\n- ") == 30
    assert not many.is_shortened(rooms[:8])


def test_every_kind_of_long_list_is_shortened() -> None:
    needs = [prospect(f"Room {number}", at_home=False) for number in range(9)]
    cant = [prospect(f"Cell {number}", None, code=Code.NOT_JOINED) for number in range(9)]
    assert request(*needs, *cant).text.count("and 1 more") == 2


def test_the_request_says_what_else_matters() -> None:
    opened = replace(PLAN, open_from=PLAN.visibility, reading=Reading.FROM_OPENING)
    card = request(prospect(plan=opened), whole=False, warnings=("missing",), needed=2, old_may_answer=False)
    for part in (
        "in 1 room the bot opens it",
        "stays hidden",
        "holds more rooms than the bot looks at",
        "this account does not exist",
        "2 have to agree",
        "own answer does not count",
    ):
        assert part in card.text
    assert "opens it" not in request().text


@pytest.mark.parametrize(("way", "says"), [(Way.PUBLIC, "itself: Yard."), (Way.SPACE, "in the space: Yard.")])
def test_rooms_that_need_no_invite_are_linked(way: Way, says: str) -> None:
    card = request(prospect("Garden"), prospect("Yard", plan=replace(PLAN, way=way)))
    assert says in card.text
    assert "https://matrix.to/#/!yard:old.org?via=old.org" in card.html
    assert "by itself" not in request().text


def test_what_becomes_of_the_old_account_is_said() -> None:
    assert "The old account keeps what it has" in request().text
    asked = replace(MIGRATION, options=Options(step_down=True, leave=True, scope="space"))
    text = many.request(asked, [prospect()], asking()).text
    assert "the old one gives up its own. At last the old account leaves." in text


def test_a_dry_run_asks_nobody() -> None:
    card = request(dry_run=True, space=None)
    assert card.fields == {"v": 1, "card": "answer"}
    assert card.mentions == ()
    assert "Dry run" in card.text
    assert "React" not in card.text


def test_who_asks_for_somebody_else_is_named() -> None:
    asked = replace(MIGRATION, requester=CAST.admin)
    assert f"{CAST.admin} asks for it" in many.request(asked, [prospect()], asking()).text
    closed = many.closed(asked, ending(), total=3)
    assert f"{CAST.admin} asked for it" in closed.text
    assert closed.fields["state"] == "done"


@pytest.mark.parametrize("code", CANT)
def test_each_reason_why_a_room_can_not_move_has_its_sentence(code: Code) -> None:
    room_ = prospect("Prison", None, code=code, details=CANT[code])
    assert "- Prison: " in request(room_).text
    assert "Prison" in as_text([room_])
    nothing = many.nothing_moves([room_])
    assert nothing.fields == {"v": 1, "card": "answer", "error": code.value}
    assert "None of these rooms can move" in nothing.text


def test_no_room_at_all_is_said_too() -> None:
    assert "no room that you and the bot are both in" in many.nothing_moves([]).text
    many_of_them = [prospect(f"Cell {number}", None, code=Code.NOT_JOINED) for number in range(9)]
    assert "and 1 more" in many.nothing_moves(many_of_them).text


def test_the_question_is_asked_once_for_all_rooms() -> None:
    rooms = [f"!{number}:old.org" for number in range(12)]
    card = many.confirm(MIGRATION, rooms, until=NOW + DAY, now=NOW)
    assert card.mentions == (CAST.new,)
    assert "in 12 rooms" in card.text
    assert card.fields["card"] == "confirm"


def test_a_record_is_announced_where_it_will_be_kept() -> None:
    keeping, said = replace(MIGRATION, options=Options(scope="space", record=True)), "the bot writes"
    home = prospect(room_id=MIGRATION.home_room)
    assert said in many.request(keeping, [home], asking()).text
    assert said not in many.request(keeping, [prospect()], asking()).text
    assert said not in many.request(MIGRATION, [home], asking()).text
    also = many.confirm(keeping, [MIGRATION.home_room], until=NOW + DAY, now=NOW)
    assert "The bot also writes it into the room in which it was asked" in also.text


# ---- How far it is ---------------------------------------------------------------------------------------


def moves(*phases: Phase | Outcome) -> list[RoomMove]:
    """Moves of rooms that are called 0, 1, 2, in these phases, or ended so."""
    made = []
    for number, at in enumerate(phases):
        facts: dict[str, Any] = {"room_id": f"!{number}:old.org"}
        if isinstance(at, Outcome):
            reason = Reason.ARRIVED if at is Outcome.DONE else Reason.DECLINED
            facts |= {"phase": Phase.ENDED, "ending": ending(at, reason, by=CAST.new)}
        else:
            facts["phase"] = at
        made.append(move(room(), **facts))
    return made


def entries(count: int) -> dict[str, Entry]:
    """As many rooms, by room ID."""
    return {f"!{n}:old.org": Entry(room_id=f"!{n}:old.org", name=f"Room {n}") for n in range(count)}


def found(*phases: Phase | Outcome, waits: dict[int, Reason] | None = None) -> Progress:
    """How far these are."""
    told = {f"!{n}:old.org": Wait(reason=why, until=NOW + n * HOUR) for n, why in (waits or {}).items()}
    return progress_of(moves(*phases), told, {"!1:old.org": 100})


def progress(state: Progress, **pace: Any) -> Card:
    """The progress card."""
    return many.progress(MIGRATION, state, entries(20), many.Pace(now=NOW, **pace), bot=CAST.bot)


def test_the_progress_card_counts_every_room_once() -> None:
    state = found(
        Outcome.DONE,
        Phase.MOVING,
        Phase.MOVING,
        Outcome.REFUSED,
        Phase.MOVING,
        waits={1: Reason.JOIN, 4: Reason.JOIN},
    )
    assert (state.done, state.stopped, state.working, state.left) == (1, 1, 1, 3)
    card = progress(state)
    assert "1 of 5 rooms done, 1 will not move, 2 waiting, 1 at work." in card.text
    assert "2 rooms (Room 1, Room 4): waiting for @alice:new.org to join, with its invite" in card.text
    assert card.text.endswith("until 2026-11-22 15:03 UTC (in 1 hour).")
    assert card.fields["state"] == "running"
    assert card.mentions == ()


def test_what_limits_it_and_when_it_will_be_over_is_said() -> None:
    state = found(Phase.MOVING, waits={0: Reason.INVITES_SPENT})
    card = progress(state, limit=Limit.INVITES, finished_at=NOW + 9 * HOUR)
    assert "new.org, the server of the new account, takes one invite for it in about six minutes" in card.text
    assert "All invites will be sent by 2026-11-22 23:03 UTC (in 9 hours)" in card.text
    here = progress(state, limit=Limit.INVITES_HERE, finished_at=NOW + 9 * HOUR)
    assert "the bot's own homeserver takes invites for one account only now and then" in here.text
    assert "All invites will be sent by 2026-11-22 23:03 UTC (in 9 hours)" in here.text
    slow = progress(state, limit=Limit.MESSAGES, finished_at=NOW + HOUR)
    assert "own homeserver lets it send only so much" in slow.text
    assert (
        "What the bot has to send for the rooms that were agreed to will be sent by "
        "2026-11-22 15:03 UTC (in 1 hour), if nothing else holds it up." in slow.text
    )
    assert "What limits it" not in progress(state).text


def test_rooms_that_cannot_move_yet_are_shown_with_what_is_in_their_way() -> None:
    state, pace = found(Outcome.DONE), many.Pace(now=NOW)
    banned = entry("Prison", code=Code.NEW_BANNED, details=CANT[Code.NEW_BANNED])
    shown = many.progress(MIGRATION, state, entries(1), pace, later=[banned], bot=CAST.bot)
    asked = many.status(MIGRATION, state, entries(1), pace, later=[banned], bot=CAST.bot, command="migrate")
    for card in (shown, asked):
        assert "1 room can't move yet. It goes on by itself once nothing is in its way, until" in card.text
        assert "- Prison: the new account is banned by" in card.text
    assert "can't move yet" not in progress(state).text


def test_the_last_version_points_to_the_summary() -> None:
    card = progress(found(Outcome.DONE))
    assert card.fields["state"] == "done"
    assert "The summary is in this thread" in card.text


# Every Reason to wait has a sentence; those to end have another.
WAITS = tuple(Reason)[: tuple(Reason).index(Reason.ARRIVED)]


@pytest.mark.parametrize("reason", [each for each in WAITS if each is not Reason.UNSUPPORTED_VERSION])
def test_each_wait_has_its_sentence_and_says_who_can_help(reason: Reason) -> None:
    state = found(Phase.MOVING, Phase.MOVING, waits={0: reason, 1: reason})
    assert "- 2 rooms" in progress(state).text
    card = many.held_up(MIGRATION, state.waiting[0], entries(2), bot=CAST.bot, now=NOW)
    assert card.mentions == (CAST.old,)
    assert "request 7 is held up in 2 rooms" in card.text
    assert card.fields["state"] == ("blocked" if reason is Reason.BOT_LACKS_POWER else "running")


def test_a_level_that_the_bot_lacks_is_named_with_the_rooms() -> None:
    waiting = Waiting(
        reason=Reason.BOT_LACKS_POWER, rooms=("!0:old.org", "!1:old.org"), until=NOW + DAY, needed=100
    )
    card = many.held_up(MIGRATION, waiting, entries(2), bot=CAST.bot, now=NOW)
    assert f"/op {CAST.bot} 100" in card.text
    assert "Room 0, Room 1" in card.text


@pytest.mark.parametrize(("outcome", "again"), [(Outcome.DONE, False), (Outcome.REFUSED, True)])
def test_the_status_tells_how_it_ended_where_it_did(outcome: Outcome, again: bool) -> None:
    state = found(outcome, Phase.MOVING)
    pace = many.Pace(now=NOW)
    card = many.status(MIGRATION, state, entries(2), pace, bot=CAST.bot, command="migrate")
    assert ("!migrate retry 7" in card.text) is again
    assert "Room 0" in card.text
    assert card.fields["card"] == "answer"
    nothing_yet = found(Phase.MOVING)
    assert (
        "Room 0"
        not in many.status(MIGRATION, nothing_yet, entries(1), pace, bot=CAST.bot, command="migrate").text
    )
    assert state.failed == (("!0:old.org",) if again else ())


def test_what_was_moved_in_part_is_told_apart() -> None:
    partial = [replace(each, ending=ending(Outcome.PARTIAL)) for each in moves(Outcome.DONE)]
    state = progress_of(partial, {}, {})
    pace = many.Pace(now=NOW)
    text = many.status(MIGRATION, state, entries(1), pace, bot=CAST.bot, command="migrate").text
    assert "1 room, moved in part: Room 0" in text


# ---- How it ended ----------------------------------------------------------------------------------------


def row(name: str = "Garden", **facts: Any) -> Row:
    """A room in which all went well."""
    usual: dict[str, Any] = {
        "outcome": "done",
        "reason": Reason.ARRIVED,
        "level": 100,
        "history": "since_setting",
        "left": (Left.OLD_KEEPS_PLACE,),
    }
    return Row(entry=facts.pop("entry", entry(name)), **{**usual, **facts})


BANNED = Row(
    entry=entry("Prison", code=Code.NEW_BANNED, details=CANT[Code.NEW_BANNED]),
    outcome="not_tried",
    reason=None,
)


def summary(rows: Sequence[Row], **facts: Any) -> Card:
    """The summary of these."""
    usual: dict[str, Any] = {
        "attached": True,
        "command": "migrate",
        "agreed": [CAST.admin, CAST.admin],
        "now": NOW,
    }
    return many.summary(MIGRATION, rows, ending(Outcome.PARTIAL), many.Telling(**{**usual, **facts}))


def test_the_summary_groups_the_rooms_by_how_they_ended() -> None:
    no = row("Court", outcome="refused", reason=Reason.REFUSED_BY_ADMIN, by=CAST.admin, level=None, left=())
    some = row("Attic", outcome="partial", left=(Left.RAISE_LEVEL,))
    card = summary([row("Garden"), row("Yard"), no, some, BANNED])
    lines = card.text.splitlines()
    assert "- 2 rooms, moved: Garden, Yard." in lines
    assert "- 1 room, @carol:old.org said no: Court." in lines
    assert "- 1 room, moved in part: Attic." in lines
    assert any(line.startswith("- Prison was not tried: the new account is banned") for line in lines)
    assert "Agreed by @carol:old.org" in card.text
    assert "!migrate retry 7" in card.text
    assert card.mentions == (CAST.old,)


ENDS = tuple(Reason)[tuple(Reason).index(Reason.ARRIVED) :]


@pytest.mark.parametrize("reason", [*ENDS, Reason.UNSUPPORTED_VERSION])
def test_each_way_to_end_has_its_words(reason: Reason) -> None:
    assert ": Court." in summary([row("Court", outcome="refused", reason=reason, by=CAST.admin)]).text


def test_programs_read_every_room_in_the_summary() -> None:
    told = summary([row(), BANNED]).fields["rooms"]
    assert told[0] == {
        "room_id": "!garden:old.org",
        "state": "done",
        "level": 100,
        "history": "since_setting",
        "left_to_do": ["old_keeps_place"],
    }
    assert (told[1]["state"], told[1]["error"]) == ("not_tried", "new_banned")


def test_when_all_went_well_nothing_is_to_be_tried_again() -> None:
    card = summary([row(left=())], attached=False, agreed=())
    assert "retry" not in card.text
    assert "Left to do" not in card.text
    assert "Agreed" not in card.text
    assert "could not be attached" in card.text


def test_rooms_that_may_still_come_are_told_apart() -> None:
    other = replace(BANNED, entry=replace(BANNED.entry, room_id="!tower:old.org", name="Tower"))
    one = summary([row(), BANNED], later=[BANNED.entry])
    assert "1 room can't move yet. It goes on by itself once nothing is in its way, until 2026" in one.text
    assert "- Prison: the new account is banned by" in one.text
    assert "not tried" not in one.text
    assert "retry" not in one.text
    both = summary([row(), BANNED, other], later=[BANNED.entry, other.entry])
    assert "2 rooms can't move yet. Each goes on by itself" in both.text
    assert "again" not in one.fields


def test_the_second_summary_says_why_it_comes() -> None:
    card = summary([row(), row("Prison")], again=True)
    assert "This counts the rooms that came later." in card.text
    assert card.fields["again"] is True
    assert "came later" not in summary([row()]).text


def test_more_than_a_few_that_were_not_tried_are_counted() -> None:
    cells = [replace(BANNED, entry=replace(BANNED.entry, room_id=f"!{n}:old.org")) for n in range(9)]
    assert "and 1 more that were not tried" in summary([row(), *cells]).text


@pytest.mark.parametrize("left", Left)
def test_each_thing_left_to_do_is_named_with_its_rooms(left: Left) -> None:
    text = summary([row(left=(left,))]).text
    assert "Left to do:" in text
    assert "1 room: Garden." in text


def test_an_attachment_tells_programs_what_it_is() -> None:
    told = many.attachment(MIGRATION, "table")
    assert told == {"v": 1, "card": "answer", "migration": "7", "state": "done", "file": "table"}
