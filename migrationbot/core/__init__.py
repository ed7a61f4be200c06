# SPDX-License-Identifier: AGPL-3.0-or-later
"""Pure decisions: no I/O, no clock, no randomness."""
