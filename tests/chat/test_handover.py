# SPDX-License-Identifier: AGPL-3.0-or-later
"""Handing a room over: what people are told to do, what the bot asks for, and how it is summed up."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from urllib.parse import quote

import pytest

from migrationbot.chat import cards, handover
from migrationbot.chat.card import Card
from migrationbot.chat.spot import spot
from migrationbot.core.decisions import Wait
from migrationbot.core.move import Options
from migrationbot.core.reasons import Outcome, Reason
from migrationbot.core.steps import Step
from migrationbot.core.succession import Deed, Flaw
from tests.chat.builders import CAST, NOW, ROOM_ID, Cast, ending, event, member, migration, move, room
from tests.chat.gallery import every_card
from tests.chat.handover_gallery import (
    NEXT,
    SPACE,
    handing_over,
    mended,
    owned,
    seen,
    successions,
    successor,
    upgraded,
    waiting,
)

CARDS = every_card()
ERIN = "@erin:old.org"


def upgrade(here: object = None, **changes: object) -> str:
    """What is said when the room has to be upgraded."""
    card = waiting(Reason.UPGRADE, here or owned(**changes), None)  # type: ignore[arg-type]
    assert card is not None
    return card.text


def requests(text: str) -> list[tuple[list[str], dict[str, object]]]:
    """The requests in it as a shell reads them, with their bodies."""
    found = [shlex.split(line) for line in re.findall(r"curl .*?'\{.*?\}'", text)]
    return [(words, json.loads(words[-1])) for words in found]


def test_both_accounts_are_asked_and_the_bot_never_upgrades() -> None:
    card = waiting(Reason.UPGRADE, owned(), None)
    assert card is not None
    assert card.mentions == (CAST.old, CAST.new)
    assert card.fields == {"v": 1, "card": "progress", "migration": "7", "state": "running"}
    assert "the bot never does it" in card.text
    assert "/op @alice:new.org 150" in card.text
    assert "/upgraderoom 12" in card.text
    assert "/invite @bot:old.org" in card.text


def test_the_request_names_the_new_account_and_every_owner_who_is_to_stay() -> None:
    text = upgrade(others=(ERIN,))
    (old, by_old), (new, by_new) = requests(text)
    assert by_old == {"new_version": "12", "additional_creators": [CAST.new, ERIN]}
    assert by_new == {"new_version": "12", "additional_creators": [ERIN]}
    for words in (old, new):
        assert words[:3] == ["curl", "-X", "POST"]
        assert words[3] == f"https://HOMESERVER/_matrix/client/v3/rooms/{quote(ROOM_ID, safe='')}/upgrade"
        assert "Authorization: Bearer ACCESS_TOKEN" in words
    assert "1 other owner of that room would lose that" in text
    assert "2 other owners of that room would lose that" in upgrade(others=(ERIN, CAST.admin))


def test_the_new_account_needs_no_request_when_there_is_nobody_else_to_name() -> None:
    assert [body for _, body in requests(upgrade())] == [
        {"new_version": "12", "additional_creators": [CAST.new]}
    ]
    assert "would lose that" not in upgrade()


def test_too_many_owners_for_one_message_are_to_be_filled_in() -> None:
    many = tuple(f"@{number}:old.org" for number in range(4))
    assert [body.get("additional_creators") for _, body in requests(upgrade(others=many))] == [
        [CAST.new, "ALL_OTHER_OWNERS"],
        ["ALL_OTHER_OWNERS"],
    ]


def test_a_historical_id_does_not_break_out_of_the_request() -> None:
    hostile = "@a'; rm -rf ~; '\":old.org"
    (_, by_old), _ = requests(upgrade(others=(hostile,)))
    assert by_old["additional_creators"] == [hostile, CAST.new]


def test_a_new_account_that_may_upgrade_needs_no_level() -> None:
    text = upgrade(new=150)
    assert "/op" not in text
    assert "once it has" not in text


def test_an_old_account_that_has_left_is_not_told_to_do_anything() -> None:
    text = upgrade(owned(member(CAST.old, "leave")))
    assert "Somebody who can give that level has to write" in text
    assert "By the old account" not in text
    assert [body for _, body in requests(text)] == [{"new_version": "12"}]


def test_asked_elsewhere_the_room_is_named() -> None:
    wait = Wait(reason=Reason.UPGRADE, until=NOW)
    away = spot(ROOM_ID, "Garden", at="!chat:old.org")
    card = handover.waiting(migration(), handing_over(), owned(), None, wait, now=NOW, spot=away)
    assert card is not None
    assert "its place in the room Garden (!room:old.org)" in card.text
    assert "/upgraderoom 12 there" in card.text
    assert not re.search(r"\b(here|this room)\b", card.text)


def test_whoever_upgraded_is_asked_to_let_the_bot_in() -> None:
    card = waiting(Reason.ENTER, upgraded(by=CAST.new), seen(None))
    assert card is not None
    assert card.mentions == (CAST.new,)
    assert "Write /invite @bot:old.org there" in card.text
    assert "https://matrix.to/#/!next:old.org?via=new.org" in card.html


def test_the_new_account_is_only_asked_for_when_the_bot_could_not_invite_it() -> None:
    here, outside = upgraded(), seen(successor())
    card = waiting(Reason.HEIR, here, outside)
    assert card is not None
    assert card.mentions == (CAST.old, CAST.new)
    assert "Write /invite @alice:new.org there" in card.text
    invited = seen(successor(member(CAST.new, "invite", by=CAST.bot)))
    assert waiting(Reason.HEIR, here, invited) is None
    assert waiting(Reason.REPAIR, here, outside) is None


def test_a_public_room_asks_nobody_to_invite() -> None:
    open_to_all = seen(successor(event("m.room.join_rules", {"join_rule": "public"})))
    card = waiting(Reason.HEIR, upgraded(), open_to_all)
    assert card is not None
    assert "/invite" not in card.text
    assert "Join it with the new account" in card.text


def test_what_is_not_asked_for_is_not_told_of() -> None:
    plain = replace(handing_over(), options=Options())
    assert handover.facts(plain, owned()) is None


# ---- The request ------------------------------------------------------------------------------------------


def test_who_agrees_knows_what_will_be_done_in_the_new_room() -> None:
    text = CARDS["request: hand over"].text
    assert "makes a new one, of version 12" in text
    assert "never upgrades a room itself" in text
    assert "at most 100 people" in text
    assert "Ownership" not in CARDS["request: usual"].text


# ---- How it ended -----------------------------------------------------------------------------------------


def summary(name: str) -> Card:
    return CARDS[f"hand over: {name}"]


def left(card: Card) -> list[str]:
    (only,) = card.fields["rooms"]
    return list(only["left_to_do"])


LEFT = {
    "not upgraded": (["raise_level", "old_keeps_place", "hand_over"], "the room was not upgraded"),
    "may upgrade": (["old_keeps_place", "hand_over"], "/upgraderoom 12 here with the new account."),
    "not let in": (["hand_over"], "the bot was not let into the new room"),
    "nameless": (["hand_over"], "without naming a new room"),
    "by a stranger": (["hand_over"], "was upgraded by @eve:old.org, who has not agreed"),
    "other maker": (["hand_over"], "was not made by @alice:old.org"),
    "no predecessor": (["hand_over"], "does not say that it follows the old one"),
    "not a creator": (["hand_over"], "@alice:new.org is not an owner: the upgrade did not name it"),
    "outside": (["join_successor"], "once somebody has written /invite @alice:new.org there"),
    "invited": (["join_successor"], "Join the new room with the new account."),
    "whole": ([], "it goes on in the new room"),
    "one absent": (
        ["invite_members"],
        "1 of the old room cannot come into the new one without an invite, @carol:old.org.",
    ),
    "one address": (["move_address"], "still leads to the old room"),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_is_left_is_said_with_who_can_do_it(name: str) -> None:
    named, sentence = LEFT[name]
    assert left(summary(name)) == named
    assert sentence in summary(name).text


def test_every_way_in_which_it_may_go_is_told() -> None:
    assert set(LEFT) == {name for name, *_ in successions()}
    assert {flaw.value for flaw in Flaw} <= {name.replace(" ", "_") for name in LEFT}


@pytest.mark.parametrize(
    "name", ["nameless", "by a stranger", "other maker", "no predecessor", "not a creator"]
)
def test_nothing_good_is_said_of_a_room_that_is_not_what_was_agreed_to(name: str) -> None:
    assert "it goes on in the new room" not in summary(name).text
    assert "The bot did nothing in the new room." in summary(name).text


def test_the_owners_of_the_new_room_are_named() -> None:
    assert "Its owners (creators), for ever: @alice:new.org, @alice:old.org." in summary("whole").text
    sole = successor(member(CAST.new), by=CAST.new, owner=False)
    sole = replace(sole, power=replace(sole.power, creators=frozenset({CAST.new})))
    here = upgraded(by=CAST.new)
    card = cards.summary(migration(), handing_over(), here, ending(), succession=seen(sole))
    assert "Its only owner (creator), for ever: @alice:new.org." in card.text


def test_what_the_bot_has_mended_is_counted_and_the_rest_left_to_people() -> None:
    for card in (summary("mended"), CARDS["report"]):
        assert "invited 1 of those who are in the old room" in card.text
        assert "listed the new room in 1" in card.text
        assert "Addresses: the bot moved 1 to the new room" in card.text
        assert SPACE in card.text
        assert "#other:new.org" in card.text
    assert left(summary("mended")) == ["invite_members", "list_in_space", "move_address"]
    assert "Left to do" not in CARDS["report: nothing left"].text


def test_those_who_were_invited_are_not_called_absent() -> None:
    deeds = {(Step.INVITE_MEMBER, ERIN): Deed(done=True)}
    found = handover.facts(
        handing_over(), upgraded(), seen(successor(), absent=(ERIN, CAST.admin), deeds=deeds)
    )
    assert found is not None
    assert found.absent == (CAST.admin,)


def test_the_report_in_the_new_room_says_where_it_comes_from_and_pings_nobody() -> None:
    card = handover.report(migration(), handing_over(), upgraded(), mended())
    assert card.mentions == ()
    assert "follows the old one" in card.text
    assert f"https://matrix.to/#/{ROOM_ID}?via=old.org" in card.html


# ---- Upgraded by others -----------------------------------------------------------------------------------


def others_upgraded(to: str = NEXT) -> Card:
    here = room(event("m.room.tombstone", {"replacement_room": to}, sender=CAST.admin))
    end = ending(Outcome.REFUSED, Reason.ROOM_UPGRADED, by=CAST.admin)
    return cards.summary(migration(), move(room()), here, end, command="move-house")


def test_a_room_upgraded_by_others_goes_on_in_the_new_one_with_fresh_approval() -> None:
    card = others_upgraded()
    assert "upgraded by @carol:old.org" in card.text
    assert "write !move-house @alice:new.org there" in card.text
    assert "have to agree anew" in card.text
    assert "/invite @bot:old.org" in card.text
    assert "https://matrix.to/#/!next:old.org?via=old.org" in card.html


def test_an_upgrade_that_names_no_room_says_only_what_is_known() -> None:
    assert "Ask again in the new room." in others_upgraded("").text
    assert "matrix.to/#/?" not in others_upgraded("").html


def test_a_creator_who_moves_learns_what_a_level_is_not() -> None:
    text = CARDS["summary: creator, partial"].text
    assert "creators can lower it again, while nobody can lower a creator" in text
    assert "--hand-over" in text


def test_other_people_make_no_difference() -> None:
    cast = Cast(old="@a:x.org", new="@b:y.org", bot="@c:x.org", admin="@d:x.org")
    assert "@alice" not in "".join(
        card.text for card in every_card(cast).values() if "hand over" in card.text
    )
