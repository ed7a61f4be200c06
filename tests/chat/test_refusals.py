# SPDX-License-Identifier: AGPL-3.0-or-later
"""Refusals: a sentence for each, that says what is wrong and who can mend it how."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from jinja2 import UndefinedError

from migrationbot.chat import cards
from migrationbot.chat.card import Card
from migrationbot.chat.commands import parse
from migrationbot.chat.mistakes import Problem
from migrationbot.core.errors import Code, Refused
from migrationbot.core.ids import UserId, check_not_lookalike, parse_user_id
from migrationbot.core.plan import Wish, check_possible, make_plan
from migrationbot.core.room import RoomState
from tests.chat.builders import CAST, event, member, room
from tests.chat.gallery import refusals

OTHER_ROOM = "!next:old.org"
NEED_NOTHING = {Code.USAGE, Code.ALREADY_MOVING, Code.ROOM_UPGRADED, Code.NO_SUCH_MIGRATION}


def answer(raising: Callable[[], object]) -> Card:
    """The answer to what is refused."""
    with pytest.raises(Refused) as raised:
        raising()
    return cards.refusal(raised.value, command="migrate")


def planned(state: RoomState) -> Card:
    """The answer to a move that this room does not allow."""

    def ask() -> None:
        wish = Wish(bot=CAST.bot, old=CAST.old, new=CAST.new)
        check_possible(wish, state, make_plan(wish, state))

    return answer(ask)


def test_every_code_has_its_sentence() -> None:
    assert {refused.code for _, refused in refusals()} == set(Code)
    answers = {cards.refusal(refused, command="migrate").text for _, refused in refusals()}
    assert len(answers) == len(list(refusals()))


@pytest.mark.parametrize(("name", "refused"), [*refusals()])
def test_programs_see_the_code_and_nobody_is_pinged(name: str, refused: Refused) -> None:
    card = cards.refusal(refused, command="migrate")
    assert card.fields == {"v": 1, "card": "answer", "error": refused.code.value}, name
    assert card.mentions == ()


@pytest.mark.parametrize("code", [code for code in Code if code not in NEED_NOTHING])
def test_a_detail_that_the_sentence_needs_is_not_left_out(code: Code) -> None:
    with pytest.raises((UndefinedError, TypeError)):
        cards.refusal(Refused(code), command="migrate")


# ---- What was typed --------------------------------------------------------------------------------------

ROOMS = "#a:b.c"
TYPED = [
    ("canel", Code.USAGE, Problem.UNKNOWN, "not know what canel means here. Did you mean !migrate cancel?"),
    ("operator", Code.USAGE, Problem.UNKNOWN, "The bot does not know what this means here."),
    ("in", Code.USAGE, Problem.NO_ROOM, "A room such as #room:server.org has to follow."),
    ("whereis", Code.USAGE, Problem.NO_ACCOUNT, "It is not said which account is meant."),
    ("@a:b.c @d:e.f @g:h.i", Code.USAGE, Problem.TOO_MANY_ACCOUNTS, "At most two accounts can be named"),
    ("list all", Code.USAGE, Problem.TOO_MANY_WORDS, "all is more than belongs here."),
    ("@a:b.c all space", Code.USAGE, Problem.TWO_SCOPES, "only one of in, space and all fits."),
    ("cancel seven", Code.USAGE, Problem.BAD_NUMBER, "seven is not the number of a request."),
    ("@a:b.c --dry-rum", Code.BAD_OPTION, Problem.UNKNOWN, "no option --dry-rum. Did you mean --dry-run?"),
    ("@a:b.c --zzz", Code.BAD_OPTION, Problem.UNKNOWN, "no option --zzz. !migrate help shows"),
    ("@a:b.c --only x", Code.BAD_OPTION, Problem.NO_ROOM, "After --only a room such as #room:server.org"),
    (f"@a:b.c all --only {ROOMS} --except {ROOMS}", Code.BAD_OPTION, Problem.MISFIT, "together with --only."),
    ("cancel --leave", Code.BAD_OPTION, Problem.MISFIT, "--leave does not fit together with cancel."),
    (f"@a:b.c --only {ROOMS}", Code.BAD_OPTION, Problem.MISFIT, "--only does not fit a move in one room."),
    (
        f"@a:b.c {'--address #a:b.c ' * 2}",
        Code.BAD_OPTION,
        Problem.TWICE,
        "--address can be given only once.",
    ),
]


@pytest.mark.parametrize(("words", "code", "problem", "sentence"), TYPED)
def test_a_typing_mistake_is_named_and_the_right_form_shown(
    words: str, code: Code, problem: Problem, sentence: str
) -> None:
    with pytest.raises(Refused) as raised:
        parse({"msgtype": "m.text", "body": f"!migrate {words}"})
    assert raised.value.details["problem"] == problem.value
    card = cards.refusal(raised.value, command="migrate")
    assert card.fields["error"] == code.value
    assert sentence in card.text
    assert "!migrate help shows" in card.text


def test_every_problem_has_its_sentence() -> None:
    assert {problem for *_, problem, _ in TYPED} == set(Problem)


@pytest.mark.parametrize(
    ("shown", "sentence"),
    [
        ("me:new.org", "it does not begin with @."),
        ("@" + "a" * 250 + ":new.org", "it is longer than 255 bytes."),
        ("@Me:new.org", "@Me:new.org cannot be the user ID of a new account: the name may hold only small"),
        ("@me:new_server", "what follows the colon is not the name of a server."),
    ],
)
def test_what_is_wrong_with_a_user_id_is_said(shown: str, sentence: str) -> None:
    card = answer(lambda: parse_user_id(shown))
    assert card.fields["error"] == "bad_user_id"
    assert sentence in card.text


@pytest.mark.parametrize(
    ("shown", "sentence"),
    [
        (
            "@\u202eme:new.org",
            "@\u2039U+202E\u203ame:new.org can be mistaken for something else: it holds a character",
        ),
        ("@m\u200be:new.org", "it holds a character that nobody sees."),
        ("@m\u0435:new.org", "it mixes letters of several scripts."),
        ("@\u0430\u0441\u0435:new.org", "its letters look like those of another script."),
    ],
)
def test_what_deceives_about_a_user_id_is_shown_by_its_code_point(shown: str, sentence: str) -> None:
    card = answer(lambda: parse_user_id(shown))
    assert card.fields["error"] == "lookalike"
    assert sentence in card.text
    assert "so that nobody is deceived" in card.text


def test_an_id_that_reads_like_the_old_one_is_shown_beside_it() -> None:
    card = answer(lambda: check_not_lookalike(UserId("a1ice", "old.org"), UserId("alice", "old.org")))
    assert "@a1ice:old.org can be mistaken" in card.text
    assert "it looks like the old account, @alice:old.org, and is another one." in card.text


# ---- What the room does not allow ------------------------------------------------------------------------


def test_a_ban_is_an_admins_to_lift() -> None:
    text = planned(room(member(CAST.new, "ban", by=CAST.admin))).text
    assert "@alice:new.org is banned from this room by @carol:old.org." in text
    assert "by writing /unban @alice:new.org here. Then ask again." in text


def test_a_server_that_is_shut_out_is_named() -> None:
    shut = room(event("m.room.server_acl", {"allow": ["*"], "deny": ["new.org"]}))
    assert "shuts out new.org, the server of @alice:new.org." in planned(shut).text


def test_a_room_for_one_server_says_which() -> None:
    alone = room(event("m.room.create", {"room_version": "11", "m.federate": False}))
    text = planned(alone).text
    assert "for accounts on old.org only, and that can never be changed." in text
    assert "@alice:new.org is on another server." in text


def test_an_upgraded_room_says_where_to_ask() -> None:
    text = planned(room(event("m.room.tombstone", {"replacement_room": OTHER_ROOM}))).text
    assert f"Ask again in the new room, {OTHER_ROOM}." in text
    assert "Which room comes after it is not said here" in planned(room(event("m.room.tombstone", {}))).text


def test_an_account_that_is_not_there_has_nothing_to_move() -> None:
    assert "@alice:old.org is not in this room" in planned(room(member(CAST.old, "leave"))).text
    equal = room(member(CAST.new), levels={CAST.new: 100})
    assert "There is nothing to do: @alice:new.org is in this room already" in planned(equal).text


@pytest.mark.parametrize(
    ("invite", "bot", "sentence"),
    [
        (60, 50, "may not invite here: that takes level 60, and the bot has level 50 (moderator)."),
        (
            0,
            0,
            "may not give that power level here: that takes level 50 (moderator), and the bot has level 0",
        ),
        (100, 0, "may not invite and give that power level here: that takes level 100 (admin)"),
    ],
)
def test_a_level_that_nobody_has_is_named(invite: int, bot: int, sentence: str) -> None:
    levels = {CAST.bot: bot, CAST.old: 40, CAST.admin: 40}
    text = planned(room(levels=levels, invite=invite)).text
    assert sentence in text
    assert text.endswith("Once somebody has it, ask again.")


# ---- Who and which ---------------------------------------------------------------------------------------


def test_a_request_that_is_open_already_is_named_with_the_way_to_end_it() -> None:
    text = cards.refusal(Refused(Code.ALREADY_MOVING, number="6"), command="umzug").text
    assert "moving in this room already, in request 6." in text
    assert "!umzug cancel in its thread" in text
    unknown = cards.refusal(Refused(Code.ALREADY_MOVING, number=""), command="umzug").text
    assert "request" not in unknown


def test_only_the_requester_cancels_and_only_the_old_account_asks() -> None:
    cancel = Refused(Code.NOT_YOURS, number="6", requester=CAST.old)
    assert "Only @alice:old.org can cancel request 6." in cards.refusal(cancel, command="migrate").text
    ask = cards.refusal(Refused(Code.NOT_YOURS, old=CAST.old), command="migrate").text
    assert "Only @alice:old.org itself can ask to be moved." in ask


def test_a_request_that_does_not_exist_is_told_where_to_look() -> None:
    numbered = cards.refusal(Refused(Code.NO_SUCH_MIGRATION, number="6"), command="migrate").text
    assert numbered == "There is no open request 6 that concerns you."
    threaded = cards.refusal(Refused(Code.NO_SUCH_MIGRATION, number=""), command="migrate").text
    assert threaded.startswith("There is no open request in this thread.")


def test_a_room_in_no_space_is_told_how_to_name_one() -> None:
    card = cards.refusal(Refused(Code.USAGE, problem="no_space"), command="migrate")
    assert "This room belongs to no space that the bot can see" in card.text
    assert "!migrate @you:new.server space #space:server.org" in card.text
