# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where people are served: a module for each kind of wish."""
