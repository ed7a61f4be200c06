# SPDX-License-Identifier: AGPL-3.0-or-later
"""What each card says. The wording is in templates/; which facts it is filled with is decided here."""

from .asking import Approvers, Asking, Venue, request
from .ending import closed, summary
from .facts import NAMED_APPROVERS
from .on_the_way import checklist, hint, mishap, progress
from .questions import ask_old, confirm
from .refusing import refusal, usage

__all__ = [
    "NAMED_APPROVERS",
    "Approvers",
    "Asking",
    "Venue",
    "ask_old",
    "checklist",
    "closed",
    "confirm",
    "hint",
    "mishap",
    "progress",
    "refusal",
    "request",
    "summary",
    "usage",
]
