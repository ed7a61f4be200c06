# SPDX-License-Identifier: AGPL-3.0-or-later
"""First contact: following invites, and saying in each room once what the bot does and needs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from logging import Logger

from migrationbot.chat import notices
from migrationbot.checks import AcceptInvites
from migrationbot.config import Settings
from migrationbot.core.ability import abilities
from migrationbot.core.ids import server_of
from migrationbot.matrix.comings import Invite
from migrationbot.matrix.doors import Doors
from migrationbot.matrix.errors import HomeserverError, LoggedOut
from migrationbot.matrix.messages import Messages, content_of
from migrationbot.matrix.rooms import Rooms
from migrationbot.matrix.sealing import NoEncryption
from migrationbot.store.arrivals import Arrivals

# Another server may tell of an invite before it has stored it, and knows nothing of it for a moment.
_PAUSES = (1.0, 5.0, 30.0, 120.0)  # seconds between tries to join; that server may also be down
_MANNERS = 3.0  # seconds before its invite is declined: else that server may never hear of it


@dataclass(frozen=True, kw_only=True)
class GreeterParts:
    """What the greeter works with."""

    bot: str  # the bot's own user ID
    doors: Doors
    messages: Messages
    rooms: Rooms
    arrivals: Arrivals
    expects: Callable[[str], bool]  # whether a move goes on in that room: then every invite is followed
    settings: Callable[[], Settings]
    log: Logger


class Greeter:
    """Answers invites. The caller sees to it that a room's events come one after the other."""

    def __init__(self, parts: GreeterParts) -> None:
        self._with = parts
        self._declined: set[str] = set()  # room IDs

    async def invited(self, invite: Invite) -> None:
        """Follow the invite and introduce the bot; decline it when the settings say so.

        Declined and not left lying: whoever sent it is told, and no sync brings it again.
        """
        if self._with.expects(invite.room_id) or accepts(self._with.settings(), invite.senders):
            self._declined.discard(invite.room_id)
            await self._with.arrivals.expected(invite.room_id)
            await self.follow(invite.room_id)
        else:
            self._declined.add(invite.room_id)
            if any(server_of(each) != server_of(self._with.bot) for each in invite.senders):
                await self._with.doors.pause(_MANNERS)
            await self._leave(invite.room_id)

    async def follow(self, room_id: str) -> None:
        """Join, and introduce the bot. Maubot may have joined already."""
        if await self._join(room_id):
            await self._greet(room_id)
        else:
            await self._with.arrivals.over(room_id)

    async def joined(self, room_id: str) -> None:
        """The bot has come in, by whatever way: introduce it, or go when the invite had been declined.

        Maubot's own `autojoin` follows every invite.
        """
        if room_id in self._declined:
            await self._leave(room_id)
        else:
            await self._greet(room_id)

    async def _join(self, room_id: str) -> bool:
        for pause in (*_PAUSES, None):
            try:
                await self._with.doors.join(room_id)
                self._with.log.info("joined %s", room_id)
                return True
            except LoggedOut:
                raise
            except HomeserverError as error:
                self._with.log.info("the invite to %s can't be followed yet: %d", room_id, error.status)
            if pause is not None:
                await self._with.doors.pause(pause)
        self._with.log.warning("the invite to %s can't be followed", room_id)
        return False

    async def _leave(self, room_id: str) -> None:
        try:
            await self._with.doors.leave(room_id)
        except LoggedOut:
            raise
        except HomeserverError:
            return  # outside already
        self._with.log.info("declined the invite to %s", room_id)

    async def _greet(self, room_id: str) -> None:
        if await self._with.arrivals.is_greeted(room_id):
            await self._with.arrivals.over(room_id)
            return
        try:
            able = await self._is_able(room_id)
            card = notices.greeting(command=self._with.settings().command, bot=self._with.bot, able=able)
            await self._with.messages.post(room_id, content_of(card), _transaction(room_id))
            self._with.log.info("introduced the bot in %s", room_id)
        except NoEncryption:
            self._with.log.info("%s is encrypted and the bot can't encrypt: it says nothing there", room_id)
        except LoggedOut:
            raise
        except HomeserverError as error:
            self._with.log.info("may not speak in %s: %d", room_id, error.status)
        await self._with.arrivals.greeted(room_id)

    async def _is_able(self, room_id: str) -> bool:
        """Whether it has the level that it needs already: after an upgrade, or where its invite came late."""
        room = await self._with.rooms.read(room_id, (self._with.bot,))
        return abilities(room, self._with.bot).enough


def accepts(settings: Settings, senders: Iterable[str]) -> bool:
    """Whether an invite by these accounts is followed. Of several, none may be a stranger."""
    inviters = tuple(senders)
    if settings.accept_invites is AcceptInvites.ANYONE:
        return True
    if settings.accept_invites is AcceptInvites.SERVERS:
        servers = settings.accept_invites_from_servers
        return bool(inviters) and all(server_of(each) in servers for each in inviters)
    return bool(inviters) and all(each in settings.operators for each in inviters)


def _transaction(room_id: str) -> str:
    """One for each room: a greeting that is sent again after a crash does not come twice."""
    return "migrationbot-" + hashlib.sha256(f"{room_id}\ngreeting".encode()).hexdigest()[:32]
