# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether mautrix will get through a sync.

One event that it does not expect (a message that is a reply and whose body is a list, say) ends its handling
of the whole sync: what comes after that event reaches no plugin, and anybody in any room can send such a one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, NoReturn, cast

from mautrix.client.state_store import MemorySyncStore
from mautrix.client.syncer import Syncer
from mautrix.types import UserID
from mautrix.util.logging import TraceLogger

_SILENT = cast(TraceLogger, logging.getLogger(f"{__name__}.silent"))
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


class Rehearsal(Syncer):
    """mautrix's own handling of a sync, with nobody listening."""

    def __init__(self, mxid: str) -> None:
        super().__init__(MemorySyncStore())
        self.mxid = UserID(mxid)
        self.log = _SILENT  # mautrix tells of each event that it can't read, with its content

    def fails(self, answer: Mapping[str, Any]) -> bool:
        """Whether what this sync brought will not be handed out to its end."""
        try:
            self.handle_sync(cast(Any, deepcopy(answer)))
        except Exception:  # it raises whatever it stumbles over
            return True
        return False

    async def create_filter(self, *_: object) -> NoReturn:
        """Nothing is asked of a homeserver here."""
        raise NotImplementedError

    async def sync(self, *_: object, **__: object) -> NoReturn:
        """Nothing is asked of a homeserver here."""
        raise NotImplementedError
