# SPDX-License-Identifier: AGPL-3.0-or-later
"""`migrate`, with all that can stand beside it, becomes the right command or the right refusal."""

from __future__ import annotations

import pytest

from migrationbot.chat.wishes import Migrate, Scope
from migrationbot.core.errors import Code
from migrationbot.core.ids import UserId
from tests.chat.messages import NEW, OLD, V12_ROOM, refused, text, typed


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("@me:new.org", Migrate(new=NEW)),
        ("@me:old.org @me:new.org", Migrate(old=OLD, new=NEW)),
        ("@Me!:old.org @me:new.org", Migrate(old=UserId("Me!", "old.org"), new=NEW)),
        ("@me:Old.org @me:new.org", Migrate(old=UserId("me", "Old.org"), new=NEW)),
        ("@me:new.org --dry-run", Migrate(new=NEW, dry_run=True)),
        ("--Dry-Run @me:new.org --dry-run", Migrate(new=NEW, dry_run=True)),
        ("\u2014dry-run @me:new.org \u2013leave", Migrate(new=NEW, dry_run=True, leave=True)),
        ("@me:new.org --keep-history --step-down", Migrate(new=NEW, keep_history=True, step_down=True)),
        ("@me:new.org --hand-over", Migrate(new=NEW, hand_over=True)),
        ("@me:new.org --address #a:new.org", Migrate(new=NEW, address="#a:new.org")),
        ("@me:new.org in #a:b.org", Migrate(new=NEW, room="#a:b.org")),
        ("IN !a:b.org @me:new.org", Migrate(new=NEW, room="!a:b.org")),
        (f"@me:new.org in {V12_ROOM} --leave", Migrate(new=NEW, room=V12_ROOM, leave=True)),
        ("@me:new.org in --leave #a:b.org", Migrate(new=NEW, room="#a:b.org", leave=True)),
        ("@me:new.org space", Migrate(new=NEW, scope=Scope.SPACE)),
        ("space @me:new.org", Migrate(new=NEW, scope=Scope.SPACE)),
        ("@me:new.org Space #s:b.org", Migrate(new=NEW, scope=Scope.SPACE, space="#s:b.org")),
        ("@me:new.org all", Migrate(new=NEW, scope=Scope.ALL)),
        (
            "@me:new.org all --except #a:b.org --except !c:b.org",
            Migrate(new=NEW, scope=Scope.ALL, except_rooms=("#a:b.org", "!c:b.org")),
        ),
        (
            "--only #a:b.org @me:old.org @me:new.org space --only #c:b.org --dry-run",
            Migrate(old=OLD, new=NEW, scope=Scope.SPACE, only_rooms=("#a:b.org", "#c:b.org"), dry_run=True),
        ),
    ],
)
def test_moving(words: str, expected: Migrate) -> None:
    assert typed(f"!migrate {words}") == expected


@pytest.mark.parametrize(
    ("words", "code", "details"),
    [
        # Accounts
        ("--dry-run", Code.USAGE, {"problem": "no_account"}),
        ("space", Code.USAGE, {"problem": "no_account"}),
        ("@a:b.org @c:d.org @e:f.org", Code.USAGE, {"problem": "too_many_accounts"}),
        ("@Me:new.org", Code.BAD_USER_ID, {"shown": "@Me:new.org"}),
        ("@me:new.org.", Code.BAD_USER_ID, {"shown": "@me:new.org."}),
        ("@me:new.org,", Code.BAD_USER_ID, {"shown": "@me:new.org,"}),
        ("@me", Code.BAD_USER_ID, {"shown": "@me"}),
        ("Me", Code.BAD_USER_ID, {"shown": "Me", "reason": "no_sigil"}),
        ("me:new.org", Code.BAD_USER_ID, {"shown": "me:new.org", "reason": "no_sigil"}),
        ("@me:old.org me:new.org", Code.BAD_USER_ID, {"shown": "me:new.org", "reason": "no_sigil"}),
        ("@m\u0435:new.org", Code.LOOKALIKE, {"shown": "@m\u2039U+0435\u203a:new.org"}),
        ("@\u202eme:new.org", Code.LOOKALIKE, {"reason": "bidi"}),
        ("@M\u0435:old.org @me:new.org", Code.LOOKALIKE, {"shown": "@M\u2039U+0435\u203a:old.org"}),
        ("@Me:old..org @me:new.org", Code.BAD_USER_ID, {"shown": "@Me:old..org", "reason": "server"}),
        ("@Me:\u212aa.org @me:new.org", Code.LOOKALIKE, {"shown": "@Me:\u2039U+212A\u203aa.org"}),
        ("@:old.org @me:new.org", Code.BAD_USER_ID, {"shown": "@:old.org"}),
        (f"@{'M' * 255}:old.org @me:new.org", Code.BAD_USER_ID, {"reason": "too_long"}),
        # Words
        ("cancle", Code.USAGE, {"problem": "unknown", "word": "cancle", "nearest": "cancel"}),
        ("cancle 7", Code.USAGE, {"nearest": "cancel 7"}),
        ("HEPL", Code.USAGE, {"nearest": "help"}),
        ("@me:new.org spcae --dry-run", Code.USAGE, {"nearest": "@me:new.org space --dry-run"}),
        ("@me:new.org #a:b.org", Code.USAGE, {"nearest": "@me:new.org in #a:b.org"}),
        ("#a:b.org", Code.USAGE, {"nearest": "in #a:b.org"}),
        ("@me:new.org now", Code.USAGE, {"problem": "unknown", "word": "now"}),
        ("@me:new.org cancel", Code.USAGE, {"problem": "unknown", "word": "cancel"}),
        (f"@me:new.org {'x' * 41}", Code.USAGE, {"problem": "unknown", "word": "x" * 41}),
        # Rooms
        ("@me:new.org in", Code.USAGE, {"problem": "no_room"}),
        ("@me:new.org in room", Code.USAGE, {"problem": "no_room", "word": "room"}),
        ("@me:new.org in #room", Code.USAGE, {"problem": "no_room", "word": "#room"}),
        ("@me:new.org in #:b.org", Code.USAGE, {"problem": "no_room", "word": "#:b.org"}),
        ("@me:new.org in !", Code.USAGE, {"problem": "no_room", "word": "!"}),
        (
            "@me:new.org in #\u202ea:b.org",
            Code.USAGE,
            {"problem": "no_room", "word": "#\u2039U+202E\u203aa:b.org"},
        ),
        ("@me:new.org in #\ud800a:b.org", Code.USAGE, {"problem": "no_room"}),
        ("@me:new.org in #" + "\u00e4" * 127 + ":b.org", Code.USAGE, {"problem": "no_room"}),
        ("@me:new.org space #s", Code.USAGE, {"problem": "no_room", "word": "#s"}),
        ("@me:new.org in #a:b.org all", Code.USAGE, {"problem": "two_scopes", "word": "all"}),
        ("@me:new.org in #a:b.org in #a:b.org", Code.USAGE, {"problem": "two_scopes", "word": "in"}),
        ("@me:new.org space all", Code.USAGE, {"problem": "two_scopes", "word": "all"}),
        # Options
        (
            "@me:new.org --dryrun",
            Code.BAD_OPTION,
            {"problem": "unknown", "option": "--dryrun", "nearest": "--dry-run"},
        ),
        ("@me:new.org -dry-run", Code.BAD_OPTION, {"option": "-dry-run", "nearest": "--dry-run"}),
        ("--only=#a:b.org", Code.BAD_OPTION, {"option": "--only=#a:b.org", "nearest": "--only"}),
        ("@me:new.org --fast", Code.BAD_OPTION, {"problem": "unknown", "option": "--fast"}),
        ("@me:new.org \u2014", Code.BAD_OPTION, {"problem": "unknown", "option": "--"}),
        ("--l\u0435ave", Code.BAD_OPTION, {"option": "--l\u2039U+0435\u203aave", "nearest": "--leave"}),
        (
            "@me:new.org --address",
            Code.BAD_OPTION,
            {"problem": "no_room", "option": "--address", "nearest": "--address #room:server.org"},
        ),
        (
            "@me:new.org --address !a:b.org",
            Code.BAD_OPTION,
            {"word": "!a:b.org", "nearest": "--address #room:server.org"},
        ),
        (
            "@me:new.org all --only --leave",
            Code.BAD_OPTION,
            {"problem": "no_room", "nearest": "--only #room:server.org"},
        ),
        (
            "--address #a:b.org --address #c:d.org",
            Code.BAD_OPTION,
            {"problem": "twice", "option": "--address"},
        ),
        ("--only #a:b.org", Code.BAD_OPTION, {"problem": "misfit", "option": "--only", "other": "in"}),
        ("in #a:b.org --except #a:b.org", Code.BAD_OPTION, {"problem": "misfit", "option": "--except"}),
        ("all --only #a:b.org --except #c:b.org", Code.BAD_OPTION, {"option": "--except", "other": "--only"}),
        ("space --address #a:b.org", Code.BAD_OPTION, {"option": "--address", "other": "space"}),
        ("all --hand-over", Code.BAD_OPTION, {"option": "--hand-over", "other": "all"}),
        (
            "cancel --dry-run",
            Code.BAD_OPTION,
            {"problem": "misfit", "option": "--dry-run", "other": "cancel"},
        ),
    ],
)
def test_a_mistake_is_refused(words: str, code: Code, details: dict[str, str]) -> None:
    found, given_details = refused(text(f"!migrate {words}"))
    assert found is code
    assert given_details | details == given_details
    if "nearest" not in details:
        assert "nearest" not in given_details
