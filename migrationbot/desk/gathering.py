# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which rooms are meant by `space`, `all`, `--only` and `--except`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from migrationbot.chat.wishes import Migrate, Scope
from migrationbot.core.community import picked
from migrationbot.core.errors import Code, Refused
from migrationbot.matrix.errors import Forbidden, NotFound
from migrationbot.matrix.spaces import Place, Spaces, Tree


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The rooms, and the space that was named."""

    places: tuple[Place, ...]
    space: Place | None
    whole: bool  # False: the space holds more than the bot looks at


@dataclass(frozen=True, kw_only=True)
class Gathering:
    """Looks them up. Changes nothing."""

    bot: str  # the bot's own user ID
    spaces: Spaces

    async def gather(self, command: Migrate, home_room: str, old: str) -> Gathered:
        """The rooms of that command. Raises Refused NO_SUCH_ROOM and BOT_NOT_JOINED."""
        if command.scope is Scope.SPACE:
            return await self._of_space(command, await self._space(command, home_room))
        only, but = await self._rooms_of(command.only_rooms), await self._rooms_of(command.except_rooms)
        shared = await self.spaces.shared_with(old)
        # Whoever names a room wants to read of it, even when it can't move.
        named = [room_id for room_id in only if room_id not in shared]
        rooms = [*picked(shared, only=only, but=but), *named]
        kinds = await self.spaces.each(rooms, self._is_space)
        places = [
            Place(room_id=room_id, name="", is_space=is_space)
            for room_id, is_space in zip(rooms, kinds, strict=True)
        ]
        return Gathered(places=tuple(places), space=None, whole=True)

    async def _of_space(self, command: Migrate, space_id: str) -> Gathered:
        try:
            tree = await self.spaces.tree(space_id)
        except (Forbidden, NotFound):
            raise Refused(Code.BOT_NOT_JOINED, room=command.space or space_id, bot=self.bot) from None
        only = _below(tree, await self._rooms_of(command.only_rooms))
        but = _below(tree, await self._rooms_of(command.except_rooms))
        rooms = picked([*tree.places, *tree.hidden], only=only, but=but)
        if not rooms:
            raise Refused(Code.NO_SUCH_ROOM, room=(command.only_rooms or (space_id,))[0])
        return Gathered(
            places=tuple(tree.places.get(each) or _hidden(each) for each in rooms),
            space=tree.places.get(space_id) or _hidden(space_id),
            whole=tree.whole,
        )

    async def _space(self, command: Migrate, home_room: str) -> str:
        if command.space is not None:
            return await self._room_of(command.space)
        if await self.spaces.is_space(home_room):
            return home_room
        found = await self.spaces.space_of(home_room)
        if found is None:
            raise Refused(Code.USAGE, problem="no_space")
        return found

    async def _rooms_of(self, names: Iterable[str]) -> list[str]:
        return [await self._room_of(name) for name in names]

    async def _room_of(self, name: str) -> str:
        found = await self.spaces.room_of(name)
        if found is None:
            raise Refused(Code.NO_SUCH_ROOM, room=name)
        return found

    async def _is_space(self, room_id: str) -> bool:
        try:
            return await self.spaces.is_space(room_id)
        except (Forbidden, NotFound):
            return False


def _below(tree: Tree, rooms: Iterable[str]) -> frozenset[str]:
    """These rooms, and what is in those of them that are spaces."""
    return frozenset(each for room_id in rooms for each in tree.below(room_id))


def _hidden(room_id: str) -> Place:
    return Place(room_id=room_id, name="", is_space=False)
