# SPDX-License-Identifier: AGPL-3.0-or-later
"""For those who run the bot: counting, looking in, holding back."""
