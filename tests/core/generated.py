# SPDX-License-Identifier: AGPL-3.0-or-later
"""Worlds of every kind, for rules that must hold in all of them.

Each is a move at some stage where all is well, in which then a few things are otherwise than they should be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from hypothesis import strategies as st

from migrationbot.core.history import Visibility
from migrationbot.core.move import Rules
from migrationbot.core.reasons import Reason, Trouble
from migrationbot.core.room import RoomState
from migrationbot.core.steps import Step
from migrationbot.core.ways import Way
from tests.core.drafts import OPENED, STAGES, Draft, World, confirmed
from tests.core.worlds import BOT, CAROL, ERIN, EVERYONE, HOUR, NEW, NOW, OLD, done, member, state

USERS = st.sampled_from(EVERYONE)
LEVELS = st.sampled_from([100, 60, 50, 0, 49, 99, 101, 1, -1])
TIMES = st.sampled_from([NOW - 49 * HOUR, NOW - 1, NOW, NOW + 1, NOW + HOUR])

Change: TypeAlias = Callable[[Draft], None]
Drawn: TypeAlias = st.SearchStrategy[Change]


def set_level(user: str, level: int, draft: Draft) -> None:
    draft.users[user] = level


def drop_level(user: str, draft: Draft) -> None:
    draft.users.pop(user, None)


def ask_level(key: str, level: int, draft: Draft) -> None:
    if draft.levels is not None:
        draft.levels[key] = level


def ask_for_event(kind: str, level: int, draft: Draft) -> None:
    if draft.levels is not None:
        draft.levels["events"] = {**draft.levels.get("events", {}), kind: level}


def drop_power_event(draft: Draft) -> None:
    draft.levels = None


def set_version(version: str, creators: tuple[str, ...], draft: Draft) -> None:
    draft.version, draft.creators = version, creators


def set_member(user: str, membership: str, by: str, draft: Draft) -> None:
    draft.members[user] = member(user, membership, by="" if membership in ("join", "knock") else by)


def set_history(history: tuple[str, str, str], draft: Draft) -> None:
    draft.history = history


def close_door(kind: str, content: dict[str, Any], draft: Draft) -> None:
    draft.doors[kind] = state(kind, content)


def set_answer(card: str, user: str, stands: bool, draft: Draft) -> None:
    kept = draft.answers.get(card, set()) - {user}
    draft.answers[card] = kept | {user} if stands else kept


def set_flag(flag: str, value: bool | str | int, draft: Draft) -> None:
    draft.flags[flag] = value


def set_record(step: Step, is_done: bool | None, attempt: int, draft: Draft) -> None:
    draft.records.pop(step, None)
    if is_done is not None:
        kept = done(step, attempt=attempt)
        draft.records[step] = replace(kept, done=is_done, event_id=kept.event_id if is_done else None)


def set_plan(name: str, value: Any, draft: Draft) -> None:
    draft.plan = replace(draft.plan, **{name: value})


def set_fact(name: str, value: Any, draft: Draft) -> None:
    draft.facts[name] = value


def set_trouble(step: Step, since: int, retry_at: int, draft: Draft) -> None:
    draft.facts["trouble"] = Trouble(
        step=step, reason=Reason.NOT_ALLOWED, since=since, attempts=1, retry_at=retry_at
    )


def change(kind: Callable[..., None], *arguments: st.SearchStrategy[Any]) -> Drawn:
    return st.builds(partial, st.just(kind), *arguments)


STEPS = st.sampled_from(Step)
KEYS = st.sampled_from(["invite", "kick", "ban", "state_default", "users_default"])
KINDS = st.sampled_from(["m.room.power_levels", "m.room.history_visibility", "m.room.tombstone"])
CREATORS = st.lists(st.sampled_from([ERIN, CAROL, OLD, BOT, NEW]), min_size=1, max_size=2, unique=True)
SETTINGS = st.sampled_from([each.value for each in Visibility])
DOORS = st.sampled_from(
    [{"join_rule": "public"}, {"join_rule": "restricted", "allow": []}, {"join_rule": "knock"}]
)
RULES = st.builds(Rules, approvals_needed=st.integers(1, 2), requester_may_approve=st.booleans())

ROOM_CHANGES = (
    change(set_level, USERS, LEVELS),
    change(set_level, USERS, LEVELS),
    change(drop_level, USERS),
    change(ask_level, KEYS, LEVELS),
    change(ask_for_event, KINDS, LEVELS),
    change(drop_power_event),
    change(set_version, st.integers(1, 12).map(str), CREATORS.map(tuple)),
    change(set_version, st.just("12"), CREATORS.map(tuple)),
    change(set_member, USERS, st.sampled_from(["join", "invite", "knock", "leave", "ban"]), USERS),
    change(set_history, st.just(OPENED) | st.tuples(SETTINGS, USERS, st.just("$other"))),
    change(close_door, st.just("m.room.tombstone"), st.just({})),
    change(close_door, st.just("m.room.server_acl"), st.just({"allow": ["old.org"]})),
)
OTHER_CHANGES = (
    change(set_answer, st.sampled_from(["yes", "no", "confirm", "deny"]), USERS, st.booleans()),
    change(set_answer, st.sampled_from(["yes", "yes", "confirm"]), USERS, st.booleans()),
    change(set_flag, st.sampled_from(["command_stands", "card_stands", "confirm_stands"]), st.just(False)),
    change(set_flag, st.just("cancelled_by"), st.just(OLD)),
    change(set_record, STEPS, st.sampled_from([None, False, True]), st.integers(1, 2)),
    change(set_plan, st.just("level"), LEVELS),
    change(set_plan, st.just("way"), st.sampled_from(Way)),
    change(set_plan, st.just("open_from"), st.sampled_from([None, Visibility.INVITED, Visibility.JOINED])),
    change(set_fact, st.just("approved_level"), LEVELS),
    change(set_fact, st.just("expires_at"), TIMES),
    change(set_fact, st.just("rules"), RULES),
    change(set_fact, st.just("requester"), st.sampled_from([ERIN, CAROL, NEW])),
    change(set_flag, st.just("able"), st.integers(0, 3)),
    change(set_flag, st.just("old_seen_at"), TIMES | st.just(NOW - 721 * HOUR)),
    change(set_trouble, STEPS, TIMES, TIMES),
)

DOOR_CHANGES = (
    change(close_door, st.just("m.room.join_rules"), DOORS),
    change(close_door, st.just("m.room.encryption"), st.just({"algorithm": "m.megolm.v1.aes-sha2"})),
    change(set_fact, st.just("rules"), st.just(Rules(wait_for_owner_invite=HOUR))),
    change(set_plan, st.just("way"), st.sampled_from(Way)),
)


@st.composite
def drawn(
    draw: st.DrawFn,
    stages: Sequence[Callable[[], Draft]],
    changes: Sequence[Drawn],
    often: Sequence[Drawn] = (),
) -> World:
    draft = draw(st.sampled_from(stages))()
    for change_often in often:
        if draw(st.booleans()):
            draw(change_often)(draft)
    for apply in draw(st.lists(st.one_of(changes), max_size=4)):
        apply(draft)
    return draft.world()


def worlds() -> st.SearchStrategy[World]:
    """A move in any phase but the last, in a room of any version."""
    return drawn(STAGES, (*ROOM_CHANGES, *OTHER_CHANGES))


def at_the_door() -> st.SearchStrategy[World]:
    """The same, mostly where it matters how one comes in."""
    return drawn(STAGES, (*ROOM_CHANGES, *OTHER_CHANGES), DOOR_CHANGES)


def about_to_promote() -> st.SearchStrategy[World]:
    """A move that has everything for the promotion, but for a few changes."""
    return drawn((confirmed,), (*ROOM_CHANGES, *OTHER_CHANGES))


def rooms() -> st.SearchStrategy[RoomState]:
    """A room of any version."""
    return drawn((Draft,), ROOM_CHANGES).map(lambda world: world.room)
