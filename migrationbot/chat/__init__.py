# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people type and what they read."""
