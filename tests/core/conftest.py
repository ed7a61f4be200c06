# SPDX-License-Identifier: AGPL-3.0-or-later
"""The pure tests give the same result each time and on any machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("pure", derandomize=True, deadline=None, print_blob=False)
settings.load_profile("pure")
