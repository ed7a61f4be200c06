# SPDX-License-Identifier: AGPL-3.0-or-later
"""A room in memory that applies Matrix's rules to whoever acts in it.

Spec: room versions, authorisation rules. Only what the tests need of them, and as plainly as possible.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrationbot.core.room import Membership, RoomState, StateEvent, read_room
from tests.core.worlds import BOT, ROOM


class Denied(Exception):
    """The rules of the room forbid it."""


class FakeRoom:
    """The state of one room, and everything that ever changed it."""

    def __init__(self, *first: StateEvent) -> None:
        self._state: dict[tuple[str, str], StateEvent] = {}
        self._last_seen: dict[tuple[str, str], StateEvent] = {}
        self.events: list[StateEvent] = []
        for event in first:
            self._put(event.sender, event.type, event.content, event.state_key)

    @property
    def now(self) -> RoomState:
        """The room as it is."""
        return read_room(ROOM, self._state.values())

    @property
    def as_shown(self) -> RoomState | None:
        """The room as the bot's homeserver shows it: frozen at a kick, and not at all to the banned."""
        membership = self.now.membership(BOT)
        if membership is Membership.JOIN:
            return self.now
        return read_room(ROOM, self._last_seen.values()) if membership is Membership.LEAVE else None

    def state_event(self, kind: str, key: str) -> StateEvent | None:
        """The event that is in force."""
        return self._state.get((kind, key))

    def has_been(self, user: str, *memberships: str, since: int = 0) -> bool:
        """Whether the account was that at any time since that many events, or at that moment."""
        told = [event for event in self.events if event.type == "m.room.member" and event.state_key == user]
        before = [event for event in told if event in self.events[:since]][-1:]
        after = [event for event in told if event not in self.events[:since]]
        return any(event.content["membership"] in memberships for event in before + after)

    def send(self, sender: str, kind: str, content: Mapping[str, Any]) -> StateEvent:
        """Set state that is neither a membership nor power levels."""
        _demand(self.now.holds(sender, self.now.power.to_send(kind)))
        return self._put(sender, kind, content)

    def send_levels(self, sender: str, content: Mapping[str, Any]) -> StateEvent:
        """Set the power levels of users; what the room asks for never changes here."""
        room, users = self.now, content.get("users", {})
        has = room.power.level_of(sender)
        _demand(room.holds(sender, room.power.to_send("m.room.power_levels")))
        for user in {*room.power.users, *users}:
            before, after = room.power.explicit(user), users.get(user)
            if before != after:
                _demand(user == sender or before is None or before < has)
                _demand(after is None or after <= has)
        _demand(not room.power.creators & users.keys())
        return self._put(sender, "m.room.power_levels", content)

    def invite(self, sender: str, user: str) -> StateEvent:
        outside = self.now.membership(user) not in (Membership.JOIN, Membership.BAN)
        _demand(self.now.holds(sender, self.now.power.invite) and outside)
        return self._member(sender, user, "invite")

    def join(self, user: str) -> StateEvent:
        public = self._state[("m.room.join_rules", "")].content["join_rule"] == "public"
        known = self.now.membership(user)
        _demand(known is Membership.INVITE or (public and known is not Membership.BAN))
        _demand(self.now.admits_server_of(user))
        return self._member(user, user, "join")

    def knock(self, user: str) -> StateEvent:
        rule = self._state[("m.room.join_rules", "")].content["join_rule"]
        _demand(rule == "knock" and self.now.membership(user) is Membership.LEAVE)
        return self._member(user, user, "knock")

    def leave(self, user: str) -> StateEvent:
        _demand(self.now.membership(user) not in (Membership.LEAVE, Membership.BAN))
        return self._member(user, user, "leave")

    def kick(self, sender: str, user: str) -> StateEvent:
        """Also what takes an invite or a ban back."""
        power, known = self.now.power, self.now.membership(user)
        asked = max(power.kick, power.ban) if known is Membership.BAN else power.kick
        _demand(self.now.holds(sender, asked) and sender != user and known is not Membership.LEAVE)
        _demand(power.level_of(sender) > power.level_of(user))
        return self._member(sender, user, "leave")

    def ban(self, sender: str, user: str) -> StateEvent:
        power = self.now.power
        _demand(self.now.holds(sender, power.ban) and power.level_of(sender) > power.level_of(user))
        return self._member(sender, user, "ban")

    def _member(self, sender: str, user: str, membership: str) -> StateEvent:
        event = self._put(sender, "m.room.member", {"membership": membership}, user)
        if user == BOT:
            self._last_seen = dict(self._state)
        return event

    def _put(self, sender: str, kind: str, content: Mapping[str, Any], key: str = "") -> StateEvent:
        before = self._state.get((kind, key))
        event = StateEvent(
            type=kind,
            state_key=key,
            content=content,
            sender=sender,
            event_id=f"${len(self.events)}",
            replaces_state=before.event_id if before else None,
        )
        self._state[kind, key] = event
        self.events.append(event)
        return event


def _demand(allowed: bool) -> None:
    if not allowed:
        raise Denied
