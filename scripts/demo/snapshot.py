# SPDX-License-Identifier: AGPL-3.0-or-later
"""A room before and after, side by side, as its homeserver shows it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tests.support.api import JsonObject
from tests.support.person import POWER_LEVELS
from tests.support.scene import HISTORY, Scene, State

_KNOWS_CREATORS = "12"  # the room version
_MEMBERSHIPS = {
    None: "not in the room",
    "join": "in the room",
    "invite": "invited",
    "leave": "not in the room",
}


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What a room looks like at one moment."""

    levels: JsonObject  # the content of m.room.power_levels
    memberships: Mapping[str, str]  # by user ID
    visibility: str  # the history visibility
    creators: Collection[str]  # who stands above every level, in rooms that know such
    state: State  # which event holds each piece of state


async def snapshot(scene: Scene) -> Snapshot:
    """The room of this moment, as Carol's homeserver answers."""
    return Snapshot(
        levels=await scene.carol.state(scene.room, POWER_LEVELS),
        memberships=await scene.carol.members(scene.room),
        visibility=(await scene.carol.state(scene.room, HISTORY))["history_visibility"],
        creators=await _creators(scene),
        state=await scene.state(),
    )


async def _creators(scene: Scene) -> Collection[str]:
    """Spec: room version 12."""
    created = await scene.carol.state_event(scene.room, "m.room.create")
    if created["content"].get("room_version") != _KNOWS_CREATORS:
        return ()
    return (created["sender"], *created["content"].get("additional_creators", ()))


def comparison(before: Snapshot, after: Snapshot, cast: Mapping[str, str]) -> list[tuple[str, ...]]:
    """A table: the heading, and a row for each thing; `cast` holds display names by user ID."""
    rows: list[tuple[str, ...]] = [("", "", "before", "after", "")]
    rows += _section("power level", cast, _levels(before, cast), _levels(after, cast))
    rows += _section("membership", cast, _memberships(before, cast), _memberships(after, cast))
    rows += [_row("history visibility", "", before.visibility, after.visibility)]
    return rows


def state_set(before: Snapshot, after: Snapshot) -> set[tuple[str, str]]:
    """The type and the state key of all state that was set in between."""
    return {key for key, event_id in after.state.items() if before.state.get(key) != event_id}


def _section(
    title: str, cast: Mapping[str, str], before: Sequence[str], after: Sequence[str]
) -> list[tuple[str, ...]]:
    titles = (title, *("" for _ in before[1:]))
    return [_row(*cells) for cells in zip(titles, cast.values(), before, after, strict=True)]


def _row(title: str, name: str, before: str, after: str) -> tuple[str, ...]:
    return title, name, before, after, "" if before == after else "changed"


def _levels(room: Snapshot, cast: Mapping[str, str]) -> list[str]:
    """Of those in the room: a level means something only there."""
    users, default = room.levels.get("users", {}), room.levels.get("users_default", 0)
    return ["creator" if user_id in room.creators else str(users.get(user_id, default)) for user_id in cast]


def _memberships(room: Snapshot, cast: Mapping[str, str]) -> list[str]:
    return [_MEMBERSHIPS.get(room.memberships.get(user_id), "banned") for user_id in cast]
