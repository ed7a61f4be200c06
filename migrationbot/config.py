# SPDX-License-Identifier: AGPL-3.0-or-later
"""The operator's settings, checked when they are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mautrix.util.config import BaseProxyConfig, ConfigUpdateHelper
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from .checks import CHECKS, AcceptInvites, BadSetting, unknown


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the operator decided.

    The defaults are those of base-config.yaml, which maubot's standalone mode never reads.
    """

    approvals_needed: int = 1  # people who have to agree, 1 to 20
    requester_may_approve: bool = True  # the requester counts, when entitled
    open_history: bool = True  # open hidden history while the new account comes in
    request_expires_hours: int = 168  # hours until an unanswered request lapses, 1 to 8760
    open_requests_per_person: int = 3  # open at a time, 1 to 100
    give_up_after_hours: int = 48  # hours of trying to reach a homeserver, 1 to 720
    rooms_at_once: int = 8  # rooms of one migration side by side, 1 to 32
    step_down_after: bool = False  # the bot lowers its own level when done
    wait_for_owner_invite_minutes: int = 10  # minutes, in encrypted rooms, 0 to 1440
    approvals_for_lost_accounts: int = 2  # people, when nobody vouches from the old side, 1 to 20
    lost_after_days: int = 30  # days of silence, 1 to 3650
    publish_record: bool = False  # write io.github.migrationbot.moved into the room
    accept_invites: AcceptInvites = AcceptInvites.ANYONE  # whose invites are accepted
    accept_invites_from_servers: tuple[str, ...] = ()  # server names, for AcceptInvites.SERVERS
    operators: tuple[str, ...] = ()  # user IDs
    command: str = "migrate"  # the word after the exclamation mark
    web_token: str = field(default="", repr=False)  # empty: /metrics and /health are off

    @classmethod
    def read(cls, mapping: Mapping[str, Any]) -> Settings:
        """Check the operator's settings; what is missing or null has its default. Raises BadSetting."""
        for key in mapping:
            if key not in CHECKS:
                raise unknown(key)
        settings = cls(
            **{key: CHECKS[key](key, found) for key, found in mapping.items() if found is not None}
        )
        if settings.accept_invites is AcceptInvites.SERVERS and not settings.accept_invites_from_servers:
            raise BadSetting(
                "accept_invites_from_servers",
                "accept_invites_from_servers is empty; with accept_invites: servers it must name one.",
            )
        return settings


class Config(BaseProxyConfig):
    """The settings as maubot keeps them; only good ones come in by `load_and_update`."""

    @property
    def settings(self) -> Settings:
        """The settings now loaded. Raises BadSetting when `load` was called without `update`."""
        return Settings.read(self._data)

    def load_and_update(self) -> None:
        """Take what maubot has stored, and defaults for the rest. Raises BadSetting: what ran stays.

        They are also saved again: maubot keeps the refused text, would take it without a word when it is sent
        once more, and load it at the next start. At the first start nothing runs, and the text is left alone.
        """
        running = self._data
        try:
            super().load_and_update()
        except BadSetting:
            self._data = running
            if running:
                self.save()
            raise

    def load(self) -> None:
        """Take what maubot has stored. Raises BadSetting when that is no set of settings at all."""
        try:
            super().load()
        except (YAMLError, ValueError) as error:
            # The parser's own message quotes lines of the file, and with them perhaps the token.
            raise BadSetting("", f"The settings are not valid YAML{_line(error)}.") from None
        if not isinstance(self._data, Mapping):
            raise BadSetting("", "The settings must be lines of `key: value`.")

    def do_update(self, helper: ConfigUpdateHelper) -> None:
        """Put the operator's values into the base config. Raises BadSetting before anything is dropped."""
        Settings.read(self._data)
        if not helper.base._data:
            # Standalone mode has no base config: keep the operator's own text.
            helper.base._data = self._data
            return
        for key in CHECKS:
            helper.copy(key)


def load_checked(config: Config) -> Settings:
    """Load what maubot now holds, for `on_external_config_update`. Raises BadSetting: nothing has changed."""
    config.load_and_update()
    return config.settings


def _line(error: Exception) -> str:
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    return f" (near line {mark.line + 1})" if mark else ""
