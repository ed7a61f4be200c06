# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people are told where they do what the bot may not."""

from __future__ import annotations

import pytest

from migrationbot.chat import cards
from migrationbot.core.guide import Errand, errands
from migrationbot.core.move import Options, Rules
from migrationbot.core.reasons import Goal, Reason
from migrationbot.core.standing import standing
from tests.chat.builders import CAST, event, member, migration, move, room
from tests.chat.gallery import SPACE_RULE, checklists, creators_room, progress, request
from tests.core.worlds import evidence

POWERLESS = room(levels={CAST.bot: 0}, invite=50)
LISTS = dict(checklists())


def test_each_step_says_who_can_do_it_and_the_exact_command() -> None:
    text, takes_over = request(POWERLESS, CAST.admin).text, "/op @bot:old.org 100"
    assert "The bot may not do all of it here: it has level 0 (member)." in text
    assert f"{takes_over} here, it does what is left once one who may answer says yes." in text
    assert "Invite: the bot may not invite here. @alice:old.org can, by writing /invite @" in text
    assert "by writing /op @alice:new.org 100 here." in text


def test_those_who_can_help_are_pinged() -> None:
    assert CAST.old in request(POWERLESS, CAST.admin).mentions
    weak = room(levels={CAST.bot: 0, CAST.old: 20}, invite=50, events={"m.room.power_levels": 20})
    assert request(weak, anyone=True, asked=0).mentions == (CAST.old, CAST.admin)


def test_what_the_bot_may_do_it_says_as_ever() -> None:
    text = request(room(levels={CAST.bot: 0}), CAST.admin).text
    assert "Invite: the bot invites the new account, which has to join." in text
    assert "Power: the bot may not give level 100 (admin) here." in text


def test_where_nobody_is_known_the_level_is_named() -> None:
    asked = move(POWERLESS)
    gone = room(member(CAST.old, "leave"), member(CAST.admin, "leave"), levels={CAST.bot: 0}, invite=50)
    found = errands(asked, gone, standing(asked, gone, evidence()))
    assert found == (Errand(goal=Goal.INVITED, asked=50), Errand(goal=Goal.PROMOTED, asked=100, level=100))
    assert "someone with level 50 (moderator) can" in request(gone, move=asked, errands=found).text


def test_of_several_who_can_the_least_powerful_is_named_first() -> None:
    both = room(levels={CAST.bot: 0, CAST.old: 0, CAST.admin: 60}, invite=50)
    asked = move(both)
    found = errands(asked, both, standing(asked, both, evidence()))
    assert found == (Errand(goal=Goal.INVITED, asked=50, by=(CAST.admin,)),)


def test_the_checklist_says_what_is_done_and_what_is_to_do() -> None:
    lines = LISTS["checklist: invited"].text.split("\n")
    assert lines[0] == "@alice:old.org, request 7, step by step:"
    assert "- Done. Invite: the new account was invited." in lines
    assert "- To do. Joining: the new account has to join." in lines
    assert any(
        line.startswith("- To do. Power: the bot may not give level 100 (admin) here.") for line in lines
    )


def test_the_checklist_is_found_by_its_field() -> None:
    fields = LISTS["checklist: joined"].fields
    assert fields == {"v": 1, "card": "progress", "migration": "7", "state": "running", "checklist": True}


def test_a_checklist_on_which_nobody_has_anything_to_do_pings_nobody() -> None:
    current = move(room())
    found = standing(current, room(), evidence())
    assert cards.checklist(migration(), current, found, ()).mentions == ()


@pytest.mark.parametrize(
    ("goal", "command"),
    [
        (Goal.INVITED, "by writing /invite @alice:new.org here. The move"),
        (Goal.PROMOTED, "by writing /op @alice:new.org 100 here. The move"),
        (Goal.HISTORY_OPEN, "/op @bot:old.org 100 here. The move"),
    ],
)
def test_a_step_that_the_bot_may_no_longer_do_can_be_done_by_hand(goal: Goal, command: str) -> None:
    assert command in progress(Reason.BOT_LACKS_POWER, move(room()), goal=goal).text


def test_a_public_room_is_joined_by_a_link_with_servers_that_know_it() -> None:
    public = room(event("m.room.join_rules", {"join_rule": "public"}))
    card = request(public, CAST.admin)
    assert "anyone may join this room, so no invite is needed" in card.text
    assert 'href="https://matrix.to/#/!room:old.org?via=old.org"' in card.html


def test_a_room_of_a_space_is_joined_through_it() -> None:
    text = request(room(event("m.room.join_rules", SPACE_RULE)), CAST.admin).text
    assert "because it is in a space that the room names, so no invite is needed" in text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (Options(), "The old account keeps what it has."),
        (Options(step_down=True), "once the new one has all of its power, it gives up its level."),
        (Options(leave=True), "once the new one has all of its power, it leaves the room."),
        (Options(step_down=True, leave=True), "it gives up its level and leaves the room."),
    ],
)
def test_what_becomes_of_the_old_account_is_said(options: Options, sentence: str) -> None:
    assert sentence in request(room(), CAST.admin, move=move(room(), options=options)).text


def test_who_lowers_the_old_account_is_said() -> None:
    options = Options(step_down=True)
    equal, weak = room(), room(levels={CAST.old: 50})
    assert "It does that itself" in request(equal, CAST.admin, move=move(equal, options=options)).text
    assert "The bot sees to it." in request(weak, CAST.admin, move=move(weak, options=options)).text


def test_a_creator_is_told_that_it_cannot_step_down() -> None:
    ours = creators_room()
    text = request(ours, CAST.admin, move=move(ours, options=Options(step_down=True, leave=True))).text
    assert "whose power can never be lowered. It keeps what it has, and leaves the room afterwards." in text


def test_in_an_encrypted_room_the_old_account_is_named_as_the_one_who_invites() -> None:
    sealed = room(event("m.room.encryption", {}))
    patient, hasty = Rules(wait_for_owner_invite=600_000), Rules(wait_for_owner_invite=0)
    told = request(sealed, CAST.admin, move=move(sealed, rules=patient)).text
    assert "Invite: the old account is asked to invite the new one" in told
    at_once = request(sealed, CAST.admin, move=move(sealed, rules=hasty)).text
    assert "Invite: the bot invites the new account, which has to join." in at_once
