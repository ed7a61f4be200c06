# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the database has said, kept until something is written about the same: nobody else writes to it."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, LiteralString, TypeAlias, TypeVar

from .database import Table, Transactions

WHOLE = ""  # in place of a room ID: the migration as a whole
ANY = 0  # in place of a migration's number: all of them
Place: TypeAlias = tuple[int, str]  # a migration's number and a room ID

_Answer = TypeVar("_Answer")


class Memory:
    """Answers by what they are about, a place, and by what was asked about it.

    An answer is kept only if no write about its place has begun or ended while it was on its way.
    """

    def __init__(self) -> None:
        self._known: defaultdict[Place, dict[str, Any]] = defaultdict(dict)
        self._changes: Counter[Place] = Counter()  # how many writes have begun and ended

    async def of(self, place: Place, question: str, read: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """The answer, read only if it is not known."""

        async def read_one() -> Mapping[Place, _Answer]:
            return {place: await read()}

        return (await self.of_all((place,), question, read_one))[0]

    async def of_all(
        self,
        places: Sequence[Place],
        question: str,
        read: Callable[[], Awaitable[Mapping[Place, _Answer]]],
    ) -> list[_Answer]:
        """The answers about each place; all of them read if one is not known."""
        if not all(question in self._known.get(place, ()) for place in places):
            before = {place: self._changes[place] for place in places}
            found = await read()
            for place in places:
                if self._changes[place] == before[place]:
                    self._known[place][question] = found[place]
            return [found[place] for place in places]
        return [self._known[place][question] for place in places]

    async def changing(self, places: Iterable[Place], write: Coroutine[Any, Any, _Answer]) -> _Answer:
        """Write something about these places: what is known of them counts no more, whatever comes of it.

        Like every write it is carried to its end even when the caller is cancelled.
        """
        changed = tuple(places)
        self.forget(changed)
        task = asyncio.ensure_future(write)
        task.add_done_callback(lambda _: self.forget(changed))
        return await asyncio.shield(task)

    def forget(self, places: Iterable[Place]) -> None:
        """Read about these places anew the next time."""
        for place in places:
            self._changes[place] += 1
            self._known.pop(place, None)

    def drop(self, number: int) -> None:
        """Keep nothing more about a migration."""
        for place in [each for each in self._changes.keys() | self._known.keys() if each[0] == number]:
            self._known.pop(place, None)
            del self._changes[place]


class RememberedTable(Table):
    """A table of which the answers are kept. The tables about migrations share one memory."""

    def __init__(self, transactions: Transactions) -> None:
        super().__init__(transactions)
        self._memory = Memory()

    async def _write_about(self, places: Iterable[Place], query: LiteralString, *values: object) -> None:
        """Change what the query names, which is about these places."""
        await self._memory.changing(places, self._write(query, *values))
