# SPDX-License-Identifier: AGPL-3.0-or-later
"""Power levels that two change at once: the bot's one change, and whatever another admin wrote meanwhile.

A PUT has no compare-and-set: it silently undoes what was written since the bot looked. Synapse tells of each
state event which one it took the place of, across homeservers too, so this can be seen afterwards and mended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from migrationbot.core.move import RoomMove
from migrationbot.core.power import CREATOR
from migrationbot.core.power_change import merge_lost, with_integers
from migrationbot.core.room import RoomState, StateEvent, with_levels
from migrationbot.core.steps import Step
from migrationbot.matrix.errors import Forbidden, Rejected
from migrationbot.matrix.rooms import Rooms

POWER_LEVELS = "m.room.power_levels"

_MERGES = 3  # how often another admin's simultaneous change is put back before we say so
_FURTHEST = 50  # events that are looked through for our own

# Whether the change, to this level, is still right in such a room.
StillDue = Callable[[Step, int, RoomState], bool]


# Whose entry a step changes.
POWER_STEPS: Mapping[Step, Callable[[RoomMove], str]] = {
    Step.PROMOTE: lambda move: move.new,
    Step.STEP_DOWN: lambda move: move.old,
    Step.BOT_DOWN: lambda move: move.bot,
}


@dataclass(frozen=True, kw_only=True)
class PowerChange:
    """One change of the bot's to one entry."""

    step: Step
    user_id: str  # whose entry
    base: str | None  # the event that it was based on

    def stands_alone(self, shown: StateEvent | None, ours: str) -> bool:
        """Whether the bot's event `ours` is what the room shows, and took the place of none but its base.

        Not every homeserver tells what was replaced.
        """
        return shown is not None and shown.event_id == ours and shown.replaces_state in (self.base, None)

    @classmethod
    def of(cls, step: Step, move: RoomMove, base: str | None) -> PowerChange:
        """The change that the step makes."""
        return cls(step=step, user_id=POWER_STEPS[step](move), base=base)


class PowerChangeLost(Exception):
    """Another admin's change of power levels was overwritten and could not be put back."""

    def __init__(self, by: str) -> None:
        """`by` is that admin's user ID."""
        super().__init__("a change of power levels was overwritten")
        self.by = by


class Merging:
    """Looks at what became of the bot's changes of power levels."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def is_latest(self, room_id: str, base: str | None) -> bool:
        """Whether nobody has changed the power levels since that event."""
        event = await self._rooms.state_event(room_id, POWER_LEVELS, "")
        return (event.event_id if event else None) == base

    async def found(self, move: RoomMove, change: PowerChange) -> str | None:
        """The event with which the bot made the change, unless it took that back itself.

        It counts also when somebody else has changed the entry since.
        """
        found, before = None, _entry(await self._past(move.room_id, change.base), change.user_id)
        for event in reversed(await self._since(move.room_id, change.base)):
            after = _entry(event, change.user_id)
            if event.sender == move.bot and after != before:
                found = event.event_id if (after > before) is (change.step is Step.PROMOTE) else None
            before = after
        return found

    async def put_back(
        self, move: RoomMove, change: PowerChange, ours: str, still_due: StillDue, room: RoomState
    ) -> bool:
        """If the bot's event `ours` took the place of another one than its base, put that one's changes back.

        Where they make the change wrong, it is the change that is undone. Gives whether anything was written.
        Raises PowerChangeLost when somebody writes faster than the bot.
        """
        base = change.base
        before = await self._past(move.room_id, base)
        still_right = partial(_still_right, still_due, change, room, before)
        for turn in range(_MERGES + 1):
            since = await self._since(move.room_id, base)
            mine = next((event for event in since if event.event_id == ours), None)
            # Not every homeserver tells what was replaced.
            if mine is None or mine.replaces_state in (base, None):
                return turn > 0
            right = partial(still_right, _entry(mine, change.user_id))
            merged = await self._merged(move, base, mine, since[0], right)
            if merged == since[0].content:
                return turn > 0
            try:
                ours = await self._rooms.put_state(move.room_id, POWER_LEVELS, merged)
            except (Forbidden, Rejected):
                break  # it takes a higher level than the bot's
            base = since[0].event_id
        raise PowerChangeLost(await self._author(move, mine.replaces_state if mine else None))

    async def _merged(
        self,
        move: RoomMove,
        base: str | None,
        mine: StateEvent,
        latest: StateEvent,
        still_right: Callable[[Mapping[str, Any]], bool],
    ) -> Mapping[str, Any]:
        """What is in force now and what was lost; without the bot's change when the latter rules it out."""
        lost = await self._content(move, mine.replaces_state)
        if not still_right(lost):
            return with_integers(merge_lost(mine.content, latest.content, lost))
        based_on = await self._content(move, base)
        return with_integers(merge_lost(based_on, lost, latest.content))

    async def _since(self, room_id: str, base: str | None) -> Sequence[StateEvent]:
        """The power levels that followed `base`, the latest first, as far as the homeserver tells."""
        event, found = await self._rooms.state_event(room_id, POWER_LEVELS, ""), list[StateEvent]()
        while event is not None and event.event_id != base and len(found) < _FURTHEST:
            found.append(event)
            before = event.replaces_state
            event = await self._past(room_id, before) if before != base else None
        return found

    async def _past(self, room_id: str, event_id: str | None) -> StateEvent | None:
        return await self._rooms.past_state(room_id, event_id) if event_id else None

    async def _content(self, move: RoomMove, event_id: str | None) -> Mapping[str, Any]:
        """What that event says. Nothing is ever written that would rest on a guess about it."""
        event = await self._past(move.room_id, event_id)
        if event is None:
            raise PowerChangeLost(move.requester)
        return event.content

    async def _author(self, move: RoomMove, event_id: str | None) -> str:
        """Who wrote what was lost; the requester, where the homeserver does not tell."""
        lost = await self._past(move.room_id, event_id)
        return lost.sender if lost is not None else move.requester


def _entry(event: StateEvent | None, user_id: str) -> int:
    """The account's own entry as a number, lower than any when there is none."""
    users = event.content.get("users") if event is not None else None
    level = users.get(user_id) if isinstance(users, Mapping) else None
    return level if isinstance(level, int) else -CREATOR


def _still_right(
    still_due: StillDue,
    change: PowerChange,
    room: RoomState,
    before: StateEvent | None,
    level: int,
    content: Mapping[str, Any],
) -> bool:
    """Whether the change to `level` would be decided with these levels too, had the bot changed nothing yet.

    They may themselves be based on the bot's change, and then it would seem done already: so its entry is
    taken as it was `before`.
    """
    users, earlier = content.get("users"), before.content.get("users") if before else None
    others = {**users} if isinstance(users, dict) else {}
    others.pop(change.user_id, None)
    if isinstance(earlier, dict) and change.user_id in earlier:
        others[change.user_id] = earlier[change.user_id]
    judged = with_levels(room, {**content, "users": others})
    return still_due(change.step, level, judged)
