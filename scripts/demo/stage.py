# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the demo plays on: two homeservers that federate over loopback, the bot, and four accounts.

Everything is real, and in a temporary folder that goes with it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tests.support.api import client_path
from tests.support.bot import DISPLAYNAME, BotOptions, BotProcess
from tests.support.certificates import Certificate, make_certificate
from tests.support.homeserver import Homeserver, HomeserverPair
from tests.support.past import Past, Registration
from tests.support.person import Person
from tests.support.ports import HOST, free_port
from tests.support.processes import Process
from tests.support.synapse_config import ServerIdentity, ServerOptions

# The first, for federation, is part of the homeserver's name: easy to tell apart. The second is for clients.
OLD_PORTS, NEW_PORTS = (11111, 11110), (22222, 22220)

# Held while the demo has those ports: a second one at the same time takes others.
_DOOR = 11101

_NAMES = {"alice": "Alice", "new": "Alice (new)", "carol": "Carol", "dave": "Dave", "bot": DISPLAYNAME}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What is there when the curtain rises. Nobody is in any room."""

    homeservers: HomeserverPair
    bot: BotProcess  # on the old homeserver
    alice: Person  # the old account
    new: Person  # Alice's account on the new homeserver
    carol: Person  # on the old homeserver
    dave: Person  # on the old homeserver
    past: Past | None = None  # on homeservers that may be told when something was sent

    @property
    def roles(self) -> dict[str, str]:
        """User IDs by role, in the order in which people are told of."""
        return {
            "alice": self.alice.user_id,
            "new": self.new.user_id,
            "carol": self.carol.user_id,
            "dave": self.dave.user_id,
            "bot": self.bot.user_id,
        }

    @property
    def cast(self) -> dict[str, str]:
        """Display names by user ID."""
        return {user_id: _NAMES[role] for role, user_id in self.roles.items()}


SetUp: TypeAlias = Callable[[], AbstractAsyncContextManager[Stage]]
_Ports: TypeAlias = tuple[tuple[int, int], tuple[int, int]]


@asynccontextmanager
async def stage(*, with_past: bool = False, encryption: bool = False) -> AsyncIterator[Stage]:
    """A stage, with everything running; at the end nothing is left of it."""
    with tempfile.TemporaryDirectory(prefix="migrationbot-demo-") as name, _ports() as ports:
        folder, registration = Path(name), Registration()
        extra = registration.written_to(folder / "past.yaml") if with_past else {}
        async with (
            _homeservers(folder, ports, ServerOptions(extra=extra)) as pair,
            _bot(folder / "bot", pair.old, encryption=encryption) as bot,
            on_stage(pair, bot) as made,
        ):
            past = Past(homeservers=pair, token=registration.token)
            yield dataclasses.replace(made, past=past) if with_past else made


@contextmanager
def _ports() -> Iterator[_Ports]:
    """The ports for the two homeservers: the usual ones when they are free."""
    with socket.socket() as door:
        try:
            door.bind((HOST, _DOOR))
        except OSError:
            yield (free_port(), free_port()), (free_port(), free_port())
        else:
            old = tuple(map(_unless_taken, OLD_PORTS))
            new = tuple(map(_unless_taken, NEW_PORTS))
            yield (old[0], old[1]), (new[0], new[1])


def _unless_taken(port: int) -> int:
    with socket.socket() as candidate:
        # As the homeserver does, so that connections of an earlier run that linger are no obstacle.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((HOST, port))
        except OSError:
            return free_port()
    return port


@asynccontextmanager
async def _homeservers(folder: Path, ports: _Ports, options: ServerOptions) -> AsyncIterator[HomeserverPair]:
    certificate = make_certificate(folder)
    pair = HomeserverPair(
        _NamedHomeserver(folder / "old", options, certificate, *ports[0]),
        _NamedHomeserver(folder / "new", options, certificate, *ports[1]),
    )
    try:
        await asyncio.gather(pair.old.start(), pair.new.start())
        yield pair
    finally:
        await asyncio.gather(pair.old.kill(), pair.new.kill())


class _NamedHomeserver(Homeserver):
    """A homeserver on given ports."""

    def __init__(
        self, folder: Path, options: ServerOptions, certificate: Certificate, federation: int, clients: int
    ) -> None:
        super().__init__(folder, options, certificate)
        self.identity = ServerIdentity(federation_port=federation, client_port=clients)
        self.server_name = f"{self.options.host}:{federation}"
        self.url = f"http://{HOST}:{clients}"
        self.process = Process(dataclasses.replace(self.process.command, name=f"Synapse {self.server_name}"))


@asynccontextmanager
async def _bot(folder: Path, homeserver: Homeserver, *, encryption: bool) -> AsyncIterator[BotProcess]:
    """The bot as `make run` runs it, with the defaults of all settings, on SQLite."""
    account = await homeserver.register("migrationbot")
    database = f"sqlite:{folder / 'bot.db'}"
    bot = BotProcess(folder, BotOptions(account=account, database_url=database, encryption=encryption))
    try:
        await bot.start()
        yield bot
    finally:
        await bot.kill()


@asynccontextmanager
async def on_stage(
    pair: HomeserverPair, bot: BotProcess, *, localpart: Callable[[str], str] = str
) -> AsyncIterator[Stage]:
    """Alice, Carol and Dave on the old homeserver, and Alice on the new one; under the names of the cast.

    `localpart` makes the account's name of the person's.
    """
    places = (("alice", pair.old), ("carol", pair.old), ("dave", pair.old), ("alice", pair.new))
    accounts = await asyncio.gather(*(server.register(localpart(name)) for name, server in places))
    alice, carol, dave, new = people = [Person(account) for account in accounts]
    made = Stage(homeservers=pair, bot=bot, alice=alice, new=new, carol=carol, dave=dave)
    try:
        await asyncio.gather(*(_introduce(person, made.cast[person.user_id]) for person in people))
        yield made
    finally:
        await asyncio.gather(*(person.close() for person in people))


async def _introduce(person: Person, displayname: str) -> None:
    path = client_path("profile", person.user_id, "displayname")
    await person.api.request("PUT", path, {"displayname": displayname})
