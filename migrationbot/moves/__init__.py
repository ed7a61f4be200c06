# SPDX-License-Identifier: AGPL-3.0-or-later
"""Carrying a move on: look, decide, write down, act, look again; and say it in the thread."""
