# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a homeserver's answer means to us. No error carries content, only status and error code."""

from __future__ import annotations


class HomeserverError(Exception):
    """A request that did not give what was asked."""

    def __init__(self, status: int, errcode: str) -> None:
        super().__init__(f"{status} {errcode}")
        self.status = status
        self.errcode = errcode


class Forbidden(HomeserverError):
    """403: not allowed. Spec: client-server, standard error response."""


class NotFound(HomeserverError):
    """404: not there, or not for us to see."""


class Rejected(HomeserverError):
    """Any other 4xx: the request itself is not acceptable; repeating it changes nothing."""


class LoggedOut(HomeserverError):
    """401: the bot's access token is no longer valid; only the operator can mend it."""


class RemoteUnreachable(HomeserverError):
    """502 with a Matrix error: our server answers, the other server that it asked does not."""


class Unavailable(Exception):
    """Our own homeserver does not answer, or not sensibly; it may or may not have done what was asked."""


class TimedOut(Unavailable):
    """Our homeserver took the request and did not answer in time: of an invite, the other server is slow."""


class Limited(Exception):
    """429, now or a moment ago: too many requests; nothing was done."""

    def __init__(self, retry_after: float) -> None:
        """`retry_after` is in seconds."""
        super().__init__(f"rate-limited for {retry_after:.1f} s")
        self.retry_after = retry_after


class InviteLimited(Limited):
    """429 to an invite, about the one who is invited: nothing else has to wait for that."""


class Stopping(Exception):
    """The plugin is being stopped; the request was given up on."""
