# SPDX-License-Identifier: AGPL-3.0-or-later
"""Putting the parts together that serve migrations in many rooms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from migrationbot.core.move import Migration
from migrationbot.desk.asking_many import AskingMany
from migrationbot.desk.gathering import Gathering
from migrationbot.desk.prospecting import Prospecting
from migrationbot.matrix.files import Files
from migrationbot.matrix.spaces import Spaces
from migrationbot.moves.board import Board
from migrationbot.moves.crowd import Crowd, CrowdParts
from migrationbot.moves.detours import Detours
from migrationbot.moves.herald import Herald
from migrationbot.moves.invites import Invites
from migrationbot.moves.latecomers import Latecomers
from migrationbot.moves.living import Living
from migrationbot.moves.many_request import ManyRequest
from migrationbot.moves.rules import rules_of
from migrationbot.store.openings import Openings
from migrationbot.store.roster import Rosters
from migrationbot.store.spendings import Spendings
from migrationbot.store.told import Told

from .tools import Tools


@dataclass(frozen=True, kw_only=True)
class Many:
    """What was put together."""

    crowd: Crowd
    invites: Invites
    rosters: Rosters
    asking: Callable[[Callable[[Migration, Sequence[str]], None]], AskingMany]  # given who is told of each


def many_rooms(tools: Tools) -> Many:
    """Wire it."""
    spaces, rosters = Spaces(tools.api), Rosters(tools.transactions)
    request = ManyRequest(tools.rooms, tools.store, rosters, tools.settings, tools.clock)
    invites = Invites(Spendings(tools.transactions), tools.clock)

    def asking(begun: Callable[[Migration, Sequence[str]], None]) -> AskingMany:
        return _asking(tools, spaces, request, begun)

    crowd = _crowd(tools, spaces, rosters, request, invites)
    return Many(crowd=crowd, invites=invites, rosters=rosters, asking=asking)


def _crowd(tools: Tools, spaces: Spaces, rosters: Rosters, request: ManyRequest, invites: Invites) -> Crowd:
    files, office = Files(tools.api, tools.sealing), tools.office
    herald = Herald(
        store=tools.store,
        voice=tools.voice,
        files=files,
        told=Told(tools.transactions),
        witness=tools.witness,
        spaces=spaces,
        settings=tools.settings,
        ended=lambda migration, ending: office.oversight.ended(migration, ending, now=tools.clock()),
        now=tools.clock,
    )
    return Crowd(
        CrowdParts(
            store=tools.store,
            rosters=rosters,
            rooms=tools.rooms,
            voice=tools.voice,
            files=files,
            request=request,
            board=Board(tools.messages, tools.rooms, tools.steps, bot=tools.bot),
            living=Living(tools.clock, tools.log),
            herald=herald,
            invites=invites,
            latecomers=Latecomers(
                store=tools.store,
                rosters=rosters,
                look=_prospecting(tools, spaces).again,
                rules=lambda: rules_of(tools.settings()),
                now=tools.clock,
                log=tools.log,
            ),
            detours=Detours(
                store=tools.store,
                rosters=rosters,
                rooms=tools.rooms,
                rules=lambda: rules_of(tools.settings()),
            ),
            waits=lambda: office.oversight.waits,
            send_time=office.pace.seconds_for,
            write_in_room=tools.announcing.write,
            settings=tools.settings,
            now=tools.clock,
        )
    )


def _prospecting(tools: Tools, spaces: Spaces) -> Prospecting:
    return Prospecting(
        bot=tools.bot,
        rooms=tools.rooms,
        spaces=spaces,
        store=tools.store,
        openings=Openings(tools.transactions),
        settings=tools.settings,
    )


def _asking(
    tools: Tools,
    spaces: Spaces,
    request: ManyRequest,
    begun: Callable[[Migration, Sequence[str]], None],
) -> AskingMany:
    return AskingMany(
        gathering=Gathering(bot=tools.office.bot, spaces=spaces),
        prospecting=_prospecting(tools, spaces),
        store=tools.store,
        request=request,
        settings=tools.settings,
        begun=begun,
        now=tools.clock,
    )
