# SPDX-License-Identifier: AGPL-3.0-or-later
"""What real homeservers do that surprises, and what the bot is built on. A failure here says: think again."""

from __future__ import annotations

import pytest

from tests.conftest import People
from tests.support.api import MatrixError, client_path
from tests.support.homeserver import HomeserverPair
from tests.support.match import CARD, event_id, membership, reaction
from tests.support.person import POWER_LEVELS, Person

HISTORY = "m.room.history_visibility"


async def _room_of_two(people: People) -> tuple[Person, Person, str]:
    """Alice's room of version 11, with Carol at 100 too."""
    alice, carol = await people("alice"), await people("carol")
    levels = {"users": {alice.user_id: 100, carol.user_id: 100}}
    room = await alice.create_room(version="11", power_levels=levels, invite=[carol.user_id])
    await carol.join(room)
    return alice, carol, room


# Power levels


async def test_the_same_content_again_is_accepted_without_the_power_to_send_it(people: People) -> None:
    alice, carol, room = await _room_of_two(people)
    sent = await alice.set_power(room, {carol.user_id: 100, alice.user_id: 0})
    content = await alice.state(room, POWER_LEVELS)
    assert await alice.set_state(room, POWER_LEVELS, content) == sent
    with pytest.raises(MatrixError) as refused:
        await alice.set_state(room, POWER_LEVELS, {**content, "invite": 7})
    assert (refused.value.status, refused.value.errcode) == (403, "M_FORBIDDEN")


async def test_a_stale_write_undoes_anothers_change_and_replaces_state_tells(people: People) -> None:
    alice, carol, room = await _room_of_two(people)
    stale = await alice.state_event(room, POWER_LEVELS)
    changed = await carol.set_power(room, {"@someone:else.org": 50})
    written = await alice.set_state(room, POWER_LEVELS, {**stale["content"], "invite": 7})
    now = await alice.state_event(room, POWER_LEVELS)
    assert now["event_id"] == written
    assert "@someone:else.org" not in now["content"]["users"]
    assert now["unsigned"]["replaces_state"] == changed != stale["event_id"]


async def test_an_equal_may_be_raised_to_but_not_lowered_or_removed(people: People) -> None:
    alice, carol, room = await _room_of_two(people)
    await alice.set_power(room, {"@not.here.yet:else.org": 100})
    with pytest.raises(MatrixError, match="403"):
        await alice.set_power(room, {carol.user_id: 50})
    with pytest.raises(MatrixError, match="403"):
        await alice.kick(room, carol.user_id)
    await carol.set_power(room, {carol.user_id: 50})


async def test_version_12_is_the_default_and_keeps_creators_out_of_the_power_levels(people: People) -> None:
    alice = await people("alice")
    room = await alice.create_room()
    assert (await alice.state(room, "m.room.create"))["room_version"] == "12"
    assert ":" not in room
    with pytest.raises(MatrixError) as refused:
        await alice.set_power(room, {alice.user_id: 100})
    assert (refused.value.status, refused.value.errcode) == (400, "M_UNKNOWN")


# Sending


async def test_a_state_key_that_is_anothers_user_id_is_refused_and_without_the_sign_it_is_not(
    people: People,
) -> None:
    alice, carol, room = await _room_of_two(people)
    with pytest.raises(MatrixError) as refused:
        await carol.set_state(room, "org.example.kind", {"a": 1}, alice.user_id)
    assert (refused.value.status, refused.value.errcode) == (403, "M_FORBIDDEN")
    await carol.set_state(room, "org.example.kind", {"a": 1}, alice.user_id.removeprefix("@"))


async def test_an_alias_that_does_not_lead_to_the_room_can_neither_be_its_main_one_nor_another(
    people: People,
) -> None:
    alice, _, room = await _room_of_two(people)
    missing = f"#missing-{room[1:9].lower()}:{alice.user_id.partition(':')[2]}"
    for content in ({"alias": missing}, {"alt_aliases": [missing]}):
        with pytest.raises(MatrixError) as refused:
            await alice.set_state(room, "m.room.canonical_alias", content)
        assert (refused.value.status, refused.value.errcode) == (400, "M_BAD_ALIAS")


async def test_a_used_transaction_id_sends_nothing_again(people: People) -> None:
    alice = await people("alice")
    room = await alice.create_room()
    first = await alice.send(room, "m.room.message", {"msgtype": "m.text", "body": "1"}, transaction_id="t")
    second = await alice.send(room, "m.room.message", {"msgtype": "m.text", "body": "2"}, transaction_id="t")
    assert first == second
    assert [event["content"].get("body") for event in await alice.messages(room)].count("2") == 0


async def test_custom_keys_of_a_message_arrive_over_federation(
    homeservers: HomeserverPair, people: People
) -> None:
    alice, bob = await people("alice"), await people("bob", homeservers.new)
    room = await alice.create_room(invite=[bob.user_id])
    await bob.join(room, via=[homeservers.old.server_name])
    content = {"msgtype": "m.text", "body": "a card", CARD: {"v": 1, "card": "request"}}
    sent = await alice.send(room, "m.room.message", content)
    seen = await bob.wait_for(room, event_id(sent), "the card")
    assert seen["content"][CARD] == {"v": 1, "card": "request"}


# Reactions


async def test_reactions_are_told_apart_by_variation_selectors_and_vanish_when_redacted(
    people: People,
) -> None:
    alice = await people("alice")
    room = await alice.create_room()
    asked = await alice.say(room, "yes?")
    plain = await alice.react(room, asked, "👍")
    await alice.react(room, asked, "👍\ufe0f")
    with pytest.raises(MatrixError) as refused:
        await alice.react(room, asked, "👍")
    assert (refused.value.status, refused.value.errcode) == (400, "M_DUPLICATE_ANNOTATION")
    await alice.redact(room, plain)
    path = client_path("rooms", room, "relations", asked, "m.annotation", "m.reaction", version="v1")
    keys = [event["content"]["m.relates_to"]["key"] for event in (await alice.api.get(path))["chunk"]]
    assert keys == ["👍\ufe0f"]


async def test_a_redacted_message_still_takes_reactions(people: People) -> None:
    alice = await people("alice")
    room = await alice.create_room()
    asked = await alice.say(room, "yes?")
    await alice.redact(room, asked)
    await alice.react(room, asked, "✅")
    await alice.wait_for(room, reaction(asked, "✅"), "the reaction")


# Inviting and joining


async def test_what_an_invite_answers(people: People, homeservers: HomeserverPair) -> None:
    alice, carol, room = await _room_of_two(people)
    bob = await people("bob", homeservers.new)
    with pytest.raises(MatrixError) as joined:
        await alice.invite(room, carol.user_id)
    assert (joined.value.status, joined.value.errcode) == (403, "M_FORBIDDEN")
    await alice.invite(room, bob.user_id)
    await alice.invite(room, bob.user_id)
    await alice.ban(room, bob.user_id)
    with pytest.raises(MatrixError) as banned:
        await alice.invite(room, bob.user_id)
    assert (banned.value.status, banned.value.errcode) == (403, "M_BAD_STATE")


async def test_accounts_that_do_not_exist_can_be_invited(people: People, homeservers: HomeserverPair) -> None:
    alice = await people("alice")
    room = await alice.create_room()
    for server in (homeservers.old, homeservers.new):
        await alice.invite(room, f"@nobody:{server.server_name}")
        with pytest.raises(MatrixError) as missing:
            await alice.profile(f"@nobody:{server.server_name}")
        assert missing.value.status == 404


async def test_a_denied_server_is_invited_but_cannot_join(
    people: People, homeservers: HomeserverPair
) -> None:
    alice, bob = await people("alice"), await people("bob", homeservers.new)
    host = homeservers.new.server_name.partition(":")[0]
    acl = {"type": "m.room.server_acl", "state_key": "", "content": {"allow": ["*"], "deny": [host]}}
    room = await alice.create_room(state=[acl])
    await alice.invite(room, bob.user_id)
    await bob.wait_for(room, membership(bob.user_id, "invite"), "his invite")
    with pytest.raises(MatrixError, match="403"):
        await bob.join(room, via=[homeservers.old.server_name])


async def test_a_room_closed_to_federation_refuses_the_invite(
    people: People, homeservers: HomeserverPair
) -> None:
    alice, bob = await people("alice"), await people("bob", homeservers.new)
    room = await alice.create_room(creation_content={"m.federate": False})
    with pytest.raises(MatrixError, match="403"):
        await alice.invite(room, bob.user_id)


# History


async def test_opening_the_history_reveals_nothing_that_was_sent_before(
    people: People, homeservers: HomeserverPair
) -> None:
    alice, bob = await people("alice"), await people("bob", homeservers.new)
    closed = {"type": HISTORY, "state_key": "", "content": {"history_visibility": "joined"}}
    room = await alice.create_room(state=[closed])
    hidden = await alice.say(room, "while closed")
    await alice.set_state(room, HISTORY, {"history_visibility": "shared"})
    shown = await alice.say(room, "while open")
    await alice.invite(room, bob.user_id)
    await bob.join(room, via=[homeservers.old.server_name])
    await bob.wait_for(room, membership(bob.user_id, "join"), "his own join")
    readable = {event["event_id"] for event in await bob.messages(room)}
    assert shown in readable
    assert hidden not in readable
