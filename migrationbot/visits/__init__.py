# SPDX-License-Identifier: AGPL-3.0-or-later
"""Coming into rooms and leaving them, and missing nothing that was said meanwhile."""
