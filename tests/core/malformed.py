# SPDX-License-Identifier: AGPL-3.0-or-later
"""Events, room states and syncs as no honest program makes them: right in most places, and wrong in some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, TypeAlias

from hypothesis import strategies as st

from tests.core.worlds import BOT, CAROL, DAVE, LEVELS, MEMBERS, NEW, OLD, ROOM

MALLORY = "@mallory:evil.org"  # says yes to everything, and is in no room

Json: TypeAlias = Any
Path: TypeAlias = tuple[str | int, ...]

NASTY = st.sampled_from(
    ["", "\ud800", "\x00", "$\x00", "x" * 70_000, "../../admin", "!migrate", "@:", "$e?x=1#y", "\u202e", "✅"]
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**53, -(2**70), 1e308, 0.5])
    | st.text(max_size=4)
    | NASTY,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=4) | NASTY | st.sampled_from(["event_id", "key", "users"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
COMMANDS = st.sampled_from(
    [
        *([f"!migrate {NEW}"] * 8),
        *(f"!migrate {OLD} {NEW}", "!migrate help", "!migrate status", "!migrate list"),
        *("!migrate approve", "!migrate refuse 1", "!migrate cancel", "!migrate retry 1", "!migrate check"),
        *("!migrate operator pause", "!migrate \x00", "!migrate \ud800", "> <@a:b> c\n\n!migrate"),
        *("!migrate status 99999999999999999999", "!migrate " + "x " * 5000),
    ]
)  # fmt: skip

CONTENTS: Mapping[str, Json] = {
    "m.room.create": {"room_version": "11", "m.federate": True},
    "m.room.power_levels": {**LEVELS, "events": {"m.room.power_levels": 100}, "users_default": 0},
    "m.room.history_visibility": {"history_visibility": "joined"},
    "m.room.server_acl": {"allow": ["*"], "deny": [], "allow_ip_literals": True},
    "m.room.join_rules": {"join_rule": "invite", "allow": [{"type": "m.room_membership", "room_id": ROOM}]},
    "m.room.name": {"name": "A room"},
}
REACTION: Json = {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$sent1", "key": "✅"}}
OTHERS: Mapping[str, Json] = {
    **CONTENTS,
    "m.reaction": REACTION,
    "m.room.member": {"membership": "join", "displayname": "Me"},
    "m.room.redaction": {"redacts": "$command", "reason": "none"},
    "m.room.tombstone": {"replacement_room": "!next:old.org", "body": "moved"},
    "m.room.encryption": {"algorithm": "m.megolm.v1.aes-sha2"},
    "m.room.encrypted": {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x", "session_id": "y"},
}


def event(kind: str, content: Json, *, sender: str = OLD, event_id: str = "$command") -> Json:
    """An event as a homeserver shows it."""
    unsigned = {"age": 1, "m.relations": {"m.replace": {"event_id": "$edit"}}} if kind == "m.reaction" else {}
    shown = {"type": kind, "event_id": event_id, "sender": sender, "room_id": ROOM, "content": content}
    state = {} if kind in ("m.room.message", "m.reaction", "m.room.encrypted") else {"state_key": ""}
    return {**shown, "origin_server_ts": 1, "unsigned": unsigned, **state}


def paths(value: Json, at: Path = ()) -> Iterator[Path]:
    """Every place in it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*at, key)
        yield from paths(each, (*at, key))


@st.composite
def spoiled(draw: st.DrawFn, whole: Json) -> Json:
    """The same with a few places wrong or missing, or none."""
    made = deepcopy(whole)
    for _ in range(draw(st.sampled_from([0, 0, 1, 2, 3]))):
        places = list(paths(made))
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        inner = made
        for key in way:
            inner = inner[key]
        if draw(st.booleans()) and isinstance(inner, dict):
            del inner[last]
        else:
            inner[last] = draw(VALUES)
    return made


@st.composite
def messages(draw: st.DrawFn) -> Json:
    """A message, most likely a command."""
    body = draw(COMMANDS)
    content = {
        "msgtype": "m.text",
        "body": body,
        "format": "org.matrix.custom.html",
        "formatted_body": body.replace(NEW, f'<a href="https://matrix.to/#/{NEW}">me</a>'),
        "m.relates_to": {"rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": {"event_id": "$r"}},
        "m.mentions": {"user_ids": [BOT]},
    }
    return draw(spoiled(event("m.room.message", content)))


@st.composite
def events(draw: st.DrawFn) -> Json:
    """Any event that the bot listens to; it keeps a type, or nobody would hand it on."""
    kind = draw(st.sampled_from(list(OTHERS)))
    sender = draw(st.sampled_from([OLD, NEW, CAROL, DAVE, BOT, MALLORY]))
    return {**draw(spoiled(event(kind, OTHERS[kind], sender=sender))), "type": kind}


@st.composite
def syncs(draw: st.DrawFn) -> Json:
    """What GET /sync might answer."""
    said = draw(st.lists(messages() | events() | VALUES, max_size=4))
    invite = event("m.room.member", {"membership": "invite"}, sender=MALLORY) | {"state_key": BOT}
    whole = {
        "next_batch": "s1",
        "rooms": {
            "join": {
                ROOM: {
                    "timeline": {"events": said, "limited": draw(st.booleans()), "prev_batch": "p1"},
                    "state": {"events": [event("m.room.name", {"name": "A room"})]},
                    "summary": {"m.joined_member_count": 2},
                },
            },
            "invite": {"!other:evil.org": {"invite_state": {"events": [invite]}}},
        },
        "net.maunium.mautrix": {"is_first": draw(st.booleans())},
    }
    return draw(spoiled(whole))


@st.composite
def rooms(draw: st.DrawFn) -> Mapping[str, Json]:
    """State events by type, and memberships by account; what is missing is not there."""
    shown = {kind: event(kind, content, sender=CAROL) for kind, content in CONTENTS.items()}
    people = {user: event("m.room.member", {"membership": known}) for user, known in MEMBERS.items()}
    return {"m.room.create": shown["m.room.create"], **draw(spoiled({**shown, **people}))}
