# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the bot can do in a room, and the level that it lacks for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from .able import can_send, can_withdraw, worth
from .power import PowerLevels
from .room import RoomState

USUAL: Final = 100  # the level that the bot asks for when it comes into a room


class Deed(Enum):
    """What a move may need of the bot. The values stand in answers as `"lacks"`."""

    INVITE = "invite"  # let the new account in
    PROMOTE = "promote"  # give the new account its level
    OPEN_HISTORY = "open_history"  # open hidden history for the time of the move
    WITHDRAW_INVITE = "withdraw_invite"  # take an unanswered invite back


@dataclass(frozen=True, kw_only=True)
class Ability:
    """One deed, and whether the bot's level is enough for it."""

    deed: Deed
    can: bool
    asked: int  # the level that it takes


@dataclass(frozen=True, kw_only=True)
class Abilities:
    """All that the bot can and can't do in one room."""

    each: tuple[Ability, ...]
    has: int  # the bot's level
    highest: int  # the highest level that somebody holds here: the most that a move may have to give

    @property
    def lacking(self) -> tuple[Ability, ...]:
        """What the bot has no level for."""
        return tuple(each for each in self.each if not each.can)

    @property
    def needed(self) -> int:
        """The level with which the bot could do everything, for everyone."""
        return max(self.highest, *(each.asked for each in self.each))

    @property
    def enough(self) -> bool:
        """Whether the usual level of a bot would add nothing to what it can do here."""
        return not self.lacking and self.has >= min(self.needed, USUAL)


def abilities(room: RoomState, bot: str) -> Abilities:
    """Look at the bot's level in this room."""
    power, has = room.power, room.power.level_of(bot)
    history, levels = "m.room.history_visibility", "m.room.power_levels"
    return Abilities(
        each=(
            Ability(deed=Deed.INVITE, can=has >= power.invite, asked=power.invite),
            Ability(deed=Deed.PROMOTE, can=can_send(power, bot, levels), asked=power.to_send(levels)),
            Ability(deed=Deed.OPEN_HISTORY, can=can_send(power, bot, history), asked=power.to_send(history)),
            Ability(
                deed=Deed.WITHDRAW_INVITE,
                can=can_withdraw(power, sender=bot, target=""),  # whoever has no level of their own
                asked=max(power.kick, power.users_default + 1),
            ),
        ),
        has=has,
        highest=_highest(power, bot),
    )


def _highest(power: PowerLevels, bot: str) -> int:
    others = {*power.users, *power.creators} - {bot}
    return max((worth(power, user_id) for user_id in others), default=power.users_default)
