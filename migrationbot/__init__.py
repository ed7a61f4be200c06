# SPDX-License-Identifier: AGPL-3.0-or-later
"""migrationbot: moves a person's place in Matrix rooms from an old account to a new one."""

from .bot import MigrationBot

__all__ = ["MigrationBot"]
