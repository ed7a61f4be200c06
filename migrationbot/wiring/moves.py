# SPDX-License-Identifier: AGPL-3.0-or-later
"""Putting the parts together that carry moves on."""

from __future__ import annotations

from migrationbot.moves.acts import Acts
from migrationbot.moves.board import Board
from migrationbot.moves.checklist import Checklist
from migrationbot.moves.following import Following
from migrationbot.moves.lanes import Lanes
from migrationbot.moves.parts import Parts
from migrationbot.moves.runner import Runner
from migrationbot.moves.setbacks import Setbacks
from migrationbot.moves.tell import Tell
from migrationbot.store.told import Told

from .many import Many
from .tools import Tools


def make_runner(tools: Tools, many: Many) -> Runner:
    """Wire it."""
    tell = Tell(tools.voice, Told(tools.transactions), tools.steps)
    board = Board(tools.messages, tools.rooms, tools.steps, bot=tools.bot)
    return Runner(
        Parts(
            store=tools.store,
            witness=tools.witness,
            acts=Acts(tools.rooms, tools.steps, lost=tell.power_change_lost),
            following=_following(tools),
            voice=tools.voice,
            announcing=tools.announcing,
            crowd=many.crowd,
            lanes=Lanes(lambda: tools.settings().rooms_at_once),
            invites=many.invites,
            stated=tools.stated,
            tell=tell,
            checklist=Checklist(board, tools.rooms),
            setbacks=Setbacks(tools.store, tools.steps),
            steps=tools.steps,
            watch=tools.watch,
            oversight=tools.office.oversight,
            settings=tools.settings,
            log=tools.log,
        )
    )


def _following(tools: Tools) -> Following:
    return Following(
        rooms=tools.rooms,
        passage=tools.passage,
        doors=tools.office.doors,
        messages=tools.messages,
        witness=tools.witness,
        deeds=tools.deeds,
        done=tools.office.metrics.act,
        now=tools.clock,
    )
