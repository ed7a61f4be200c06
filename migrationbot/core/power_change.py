# SPDX-License-Identifier: AGPL-3.0-or-later
"""Changing raw power levels: one entry and nothing else, and giving back what a change has undone.

Spec: client-server, m.room.power_levels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from enum import Enum
from typing import Any, Final, TypeAlias

from .power import DEFAULTS, HIGHEST, MAPS, Level, as_mapping, number_in

_Path: TypeAlias = tuple[str, ...]  # a key, or a key and the key below it


class Missing(Enum):
    """Stands in a difference for a key that is not there."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


def with_level(content: Mapping[str, Any] | None, user_id: str, level: Level) -> dict[str, Any]:
    """The raw content with one user's entry set; all else as it was, and the input untouched.

    Raises ValueError when one entry can't say it: `users` is malformed, or the level is not a valid one, or
    there is no content (with only this entry the creator would fall to 0: start from `implied_content`).
    """
    if content is None:
        raise ValueError("without m.room.power_levels, start from implied_content")
    if abs(level) > HIGHEST:
        raise ValueError(f"{level} is no power level")
    users = content.get("users", {})
    if not isinstance(users, Mapping):
        raise ValueError("users in m.room.power_levels is not an object")
    return deepcopy({**content, "users": {**users, user_id: level}})


def with_integers(content: Mapping[str, Any]) -> dict[str, Any]:
    """The raw content with each level as the integer that it means.

    Old rooms may hold "100"; Synapse refuses to send that again, whatever the room version.
    """
    whole = _copy(content)
    for name in DEFAULTS.keys() & whole.keys():
        whole[name] = _or_same(whole[name])
    for name in MAPS:
        if isinstance(whole.get(name), dict):
            whole[name] = {key: _or_same(value) for key, value in whole[name].items()}
    return whole


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What changed, as dotted path → (old, new), with `MISSING` for what is not there.

    Paths are at most two keys long, so only a dot or backslash in the first key needs a backslash
    (Spec: appendices, "Dot-separated property paths"): `users.@a:b`, `events.m.room.name`, `ban`.
    """
    return {
        ".".join((path[0].replace("\\", "\\\\").replace(".", "\\."), *path[1:])): change
        for path, change in _changes(before, after)
    }


def merge_lost(
    based_on: Mapping[str, Any], lost: Mapping[str, Any], ours: Mapping[str, Any]
) -> dict[str, Any]:
    """`ours` with every change put back that `lost` had made to `based_on`, and that writing `ours` undid.

    Where both changed the very same key, ours stands, unless the lost change had set it higher.
    """
    merged = _copy(ours)
    for path, (old, new) in _changes(based_on, lost):
        holder = merged if len(path) == 1 else merged.get(path[0], {})
        if not isinstance(holder, dict):
            continue  # ours put something else where the map was
        mine = holder.get(path[-1], MISSING)
        if not (_means(mine, old) or _is_higher(new, mine)):
            continue
        if new is MISSING:
            holder.pop(path[-1], None)
        elif len(path) == 1:
            merged[path[0]] = deepcopy(new)
        else:
            merged[path[0]] = {**holder, path[-1]: deepcopy(new)}
    return merged


def _or_same(value: object) -> object:
    level = number_in(value)
    return value if level is None else level


def _copy(content: Mapping[str, Any]) -> dict[str, Any]:
    copied = deepcopy(dict(content))
    return {key: dict(value) if isinstance(value, Mapping) else value for key, value in copied.items()}


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[_Path, tuple[Any, Any]]]:
    for key in {**before, **after}:
        old, new = before.get(key, MISSING), after.get(key, MISSING)
        below = {**as_mapping(old), **as_mapping(new)}
        if below and all(each is MISSING or isinstance(each, Mapping) for each in (old, new)):
            for name in below:
                pair = as_mapping(old).get(name, MISSING), as_mapping(new).get(name, MISSING)
                if not _is_same(*pair):
                    yield (key, name), pair
        elif not _is_same(old, new):
            yield (key,), (old, new)


def _is_same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other  # to Python, 1 and true are equal too


def _means(one: object, other: object) -> bool:
    """Whether two raw values are the same, or the same level: 50 and "50"."""
    level = number_in(one)
    return _is_same(one, other) or (level is not None and level == number_in(other))


def _is_higher(one: object, other: object) -> bool:
    level, than = number_in(one), number_in(other)
    return level is not None and than is not None and level > than
