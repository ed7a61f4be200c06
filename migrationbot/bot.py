# SPDX-License-Identifier: AGPL-3.0-or-later
"""The maubot plugin: lifecycle, events in, wiring. It decides nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from maubot.plugin_base import Plugin
from mautrix.client import InternalEventType
from mautrix.client.syncer import EventHandler
from mautrix.types import Event, EventType
from mautrix.util.async_db import Database, UpgradeTable
from mautrix.util.config import BaseProxyConfig

from migrationbot.checks import BadSetting
from migrationbot.config import Config, Settings, load_checked
from migrationbot.house import House
from migrationbot.matrix.raw import as_id
from migrationbot.store.schema import upgrades
from migrationbot.wiring import build

_SERVER_ACL = EventType.find("m.room.server_acl", t_class=EventType.Class.STATE)


class MigrationBot(Plugin):
    """What maubot loads."""

    _house: House
    _settings: Settings

    @classmethod
    def get_config_class(cls) -> type[BaseProxyConfig]:
        """Where the settings are read."""
        return Config

    @classmethod
    def get_db_upgrade_table(cls) -> UpgradeTable:
        """The tables, which maubot brings up to date before the plugin starts."""
        return upgrades

    async def pre_start(self) -> None:
        """Whatever can fail: a `start()` that raises would leave the handlers live."""
        if not isinstance(self.config, Config) or not isinstance(self.database, Database):
            raise TypeError("maubot.yaml promises settings and a database")
        self._settings = load_checked(self.config)
        self._house = build(
            client=self.client,
            database=self.database,
            settings=lambda: self._settings,
            clock=lambda: int(time.time() * 1000),
            log=self.log,
        )

    async def start(self) -> None:
        """Listen, and begin to look at what happened while the bot was away."""
        for event_type, handler in self._handlers().items():
            self.client.add_event_handler(event_type, handler)
        self.client.add_event_handler(InternalEventType.SYNC_SUCCESSFUL, self._on_sync)
        if self.webapp is not None:
            self._house.web.add_to(self.webapp)
        self._house.open()

    async def stop(self) -> None:
        """Listen no more, and finish what is under way."""
        for event_type, handler in self._handlers().items():
            self.client.remove_event_handler(event_type, handler)
        self.client.remove_event_handler(InternalEventType.SYNC_SUCCESSFUL, self._on_sync)
        await self._house.close()

    def on_external_config_update(self) -> None:
        """Take new settings over; bad ones are refused and the running ones stay."""
        if not isinstance(self.config, Config):
            return
        try:
            self._settings = load_checked(self.config)
        except BadSetting as bad:
            self.log.error("The new settings are refused, the old ones stay: %s", bad.sentence)

    def _handlers(self) -> dict[EventType, EventHandler]:
        return {
            EventType.ROOM_MESSAGE: self._on_message,
            EventType.ROOM_ENCRYPTED: self._on_sealed,
            EventType.REACTION: self._on_reaction,
            EventType.ROOM_MEMBER: self._on_member,
            EventType.ROOM_REDACTION: self._on_room_change,
            EventType.ROOM_POWER_LEVELS: self._on_room_change,
            EventType.ROOM_HISTORY_VISIBILITY: self._on_room_change,
            EventType.ROOM_JOIN_RULES: self._on_room_change,
            EventType.ROOM_CANONICAL_ALIAS: self._on_room_change,
            EventType.ROOM_TOMBSTONE: self._on_room_change,
            _SERVER_ACL: self._on_room_change,
        }

    async def _on_sync(self, event: Mapping[str, Any]) -> None:
        """A sync has come, perhaps one of which maubot passes nothing on."""
        self._house.synced(event["data"])

    async def _on_message(self, evt: Event) -> None:
        """A message: perhaps a command."""
        self._house.spoke(as_id(evt.room_id), as_id(evt.sender))
        if evt.sender != self.client.mxid and self._house.may_be_command(evt.content):
            self._house.letter(as_id(evt.room_id), as_id(evt.event_id))

    async def _on_sealed(self, evt: Event) -> None:
        """An encrypted message, whatever it says."""
        self._house.spoke(as_id(evt.room_id), as_id(evt.sender))

    async def _on_reaction(self, evt: Event) -> None:
        """A reaction: perhaps under one of our cards."""
        self._house.spoke(as_id(evt.room_id), as_id(evt.sender))
        if evt.sender != self.client.mxid:
            self._house.touched(getattr(getattr(evt.content, "relates_to", None), "event_id", None))

    async def _on_member(self, evt: Event) -> None:
        """Somebody came or went: perhaps one of ours."""
        who = as_id(getattr(evt, "state_key", None))
        self._house.member_changed(as_id(evt.room_id), who, self._if_own(evt))

    async def _on_room_change(self, evt: Event) -> None:
        """Something that a move depends on was set, or something was redacted: perhaps a yes."""
        self._house.room_changed(as_id(evt.room_id), self._if_own(evt))

    def _if_own(self, evt: Event) -> str | None:
        return as_id(evt.event_id) if evt.sender == self.client.mxid else None
