# SPDX-License-Identifier: AGPL-3.0-or-later
"""What each of the operator's settings may be, and what is said when it is something else."""

from __future__ import annotations

from dataclasses import fields

import pytest

from migrationbot.checks import AcceptInvites, BadSetting
from migrationbot.config import Settings
from tests.core.base_config import BASE, TOKEN, read_yaml

# ---- The values ------------------------------------------------------------------------------------------


def test_the_defaults_are_those_of_the_base_config() -> None:
    base = read_yaml(BASE)
    assert Settings.read(base) == Settings()
    assert Settings.read({}) == Settings()
    assert list(base) == [field.name for field in fields(Settings)]


def test_null_means_the_default() -> None:
    assert Settings.read(dict.fromkeys(read_yaml(BASE))) == Settings()


def test_every_setting_is_read() -> None:
    text = f"""
        approvals_needed: 2
        requester_may_approve: false
        open_history: false
        request_expires_hours: 24
        open_requests_per_person: 4
        give_up_after_hours: 5
        rooms_at_once: 6
        step_down_after: true
        wait_for_owner_invite_minutes: 0
        approvals_for_lost_accounts: 7
        lost_after_days: 8
        publish_record: true
        accept_invites: servers
        accept_invites_from_servers: [example.org, "localhost:8448"]
        operators: ["@me:example.org"]
        command: move-me
        web_token: {TOKEN}
    """
    assert Settings.read(read_yaml(text)) == Settings(
        approvals_needed=2,
        requester_may_approve=False,
        open_history=False,
        request_expires_hours=24,
        open_requests_per_person=4,
        give_up_after_hours=5,
        rooms_at_once=6,
        step_down_after=True,
        wait_for_owner_invite_minutes=0,
        approvals_for_lost_accounts=7,
        lost_after_days=8,
        publish_record=True,
        accept_invites=AcceptInvites.SERVERS,
        accept_invites_from_servers=("example.org", "localhost:8448"),
        operators=("@me:example.org",),
        command="move-me",
        web_token=TOKEN,
    )


@pytest.mark.parametrize(
    ("key", "least", "most"),
    [
        ("approvals_needed", 1, 20),
        ("request_expires_hours", 1, 8760),
        ("open_requests_per_person", 1, 100),
        ("give_up_after_hours", 1, 720),
        ("rooms_at_once", 1, 32),
        ("wait_for_owner_invite_minutes", 0, 1440),
        ("approvals_for_lost_accounts", 1, 20),
        ("lost_after_days", 1, 3650),
    ],
)
def test_a_number_has_its_bounds(key: str, least: int, most: int) -> None:
    for inside in (least, most):
        assert getattr(Settings.read({key: inside}), key) == inside
    for outside in (least - 1, most + 1, -(10**30)):
        with pytest.raises(BadSetting, match=rf"^{key} is .* a whole number from {least} to {most}"):
            Settings.read({key: outside})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("approvals_needed: '2'", "approvals_needed is '2'; it must be a whole number"),
        ("approvals_needed: true", "approvals_needed is true; it must be a whole number"),
        ("approvals_needed: &anchor true", "approvals_needed is true; it must be a whole number"),
        ("approvals_needed: 1.0", "approvals_needed is the number 1.0; it must be a whole number"),
        ("approvals_needed: .nan", "approvals_needed is something else; it must be a whole number"),
        ("approvals_needed: [1]", "approvals_needed is a list; it must be a whole number"),
        ("approvals_needed: {a: 1}", "approvals_needed is something else; it must be a whole number"),
        ("approvals_needed: 2001-01-01", "approvals_needed is something else; it must be a whole number"),
        ("open_history: 1", "open_history is the number 1; it must be true or false, without quotes."),
        ("open_history: yes", "open_history is 'yes'; it must be true or false, without quotes."),
        ("accept_invites: noone", "accept_invites is 'noone'; it must be anyone or servers or operators."),
        ("accept_invites: [anyone]", "accept_invites is a list; it must be anyone or servers or operators."),
        ("accept_invites: servers", "accept_invites_from_servers is empty; with accept_invites: servers it"),
        (
            "accept_invites_from_servers: a.org",
            "accept_invites_from_servers is 'a.org'; it must be a list of",
        ),
        (
            "accept_invites_from_servers: ['@a:b']",
            "accept_invites_from_servers holds '@a:b'; it must be a list",
        ),
        (
            "accept_invites_from_servers: [7]",
            "accept_invites_from_servers holds the number 7; it must be a list",
        ),
        ("operators: ['@Me:a.org']", "operators holds '@Me:a.org'; it must be a list of full user IDs"),
        ("operators: ['me']", "operators holds 'me'; it must be a list of full user IDs"),
        ("operators: [&here [*here]]", "operators holds a list; it must be a list of full user IDs"),
        ("operators: {'@me:a.org': 1}", "operators is something else; it must be a list of full user IDs"),
        ("operators: ['@\u202eme:a.org']", r"operators holds '@\\u202eme:a.org'; it must be a list"),
        ("command: Migrate", "command is 'Migrate'; it must be small letters, digits"),
        ("command: '!migrate'", "command is '!migrate'; it must be small letters, digits"),
        ("command: ''", "command is ''; it must be small letters, digits"),
        ("command: 'migrate\n\n'", r"command is 'migrate\\n'; it must be small letters, digits"),
        ("command: 7", "command is the number 7; it must be small letters, digits"),
        (f"command: {'a' * 32}", "command is 'a{32}'; it must be small letters"),
        (f"command: {'Z' * 999}", "command is 'Z{60}'; it must be small letters"),
    ],
)
def test_a_bad_value_is_refused_with_its_key_and_what_is_allowed(text: str, sentence: str) -> None:
    with pytest.raises(BadSetting, match=f"^{sentence}") as raised:
        Settings.read(read_yaml(text))
    assert raised.value.key == raised.value.sentence.split()[0]
    assert str(raised.value) == raised.value.sentence


def test_an_anchored_switch_is_a_switch() -> None:
    assert Settings.read(read_yaml("{step_down_after: &yes true, publish_record: *yes}")) == Settings(
        step_down_after=True, publish_record=True
    )


def test_the_longest_and_shortest_command() -> None:
    for command in ("m", "a" * 31, "a_-9"):
        assert Settings.read({"command": command}).command == command


@pytest.mark.parametrize(
    ("text", "key", "sentence"),
    [
        (
            "aprovals_needed: 1",
            "aprovals_needed",
            "There is no setting aprovals_needed. Did you mean approvals_needed?",
        ),
        ("Operators: []", "Operators", "There is no setting Operators. Did you mean operators?"),
        ("colour: red", "colour", "There is no setting colour."),
        ("7: 8", "", "There is no setting the number 7."),
        ("user.token: 8", "user", "There is no setting user...."),
    ],
)
def test_an_unknown_key_is_refused_and_the_nearest_named(text: str, key: str, sentence: str) -> None:
    with pytest.raises(BadSetting) as raised:
        Settings.read(read_yaml(text))
    assert (raised.value.key, raised.value.sentence) == (key, sentence)


# ---- The secret ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "token", ["short", "tab\tab-tab-tab-tab-tab", "sp ace-space-space-space", "\u20ac" * 16]
)
def test_a_bad_token_is_never_shown(token: str) -> None:
    with pytest.raises(BadSetting) as raised:
        Settings.read({"web_token": token})
    assert raised.value.key == "web_token"
    assert token not in raised.value.sentence


def test_a_token_that_is_a_number_is_refused_unseen() -> None:
    with pytest.raises(BadSetting) as raised:
        Settings.read(read_yaml("web_token: 1234567890123456"))
    assert "1234" not in raised.value.sentence


def test_a_token_that_lost_its_space_is_refused_unseen() -> None:
    with pytest.raises(BadSetting, match=r"^There is no setting web_token\.\.\.\. Did") as raised:
        Settings.read(read_yaml(f"{{web_token:{TOKEN}}}"))
    assert TOKEN not in str(raised.value)


def test_the_token_is_not_in_the_settings_repr() -> None:
    assert TOKEN not in repr(Settings.read({"web_token": TOKEN}))
