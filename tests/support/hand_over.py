# SPDX-License-Identifier: AGPL-3.0-or-later
"""A hand-over on real homeservers, step by step."""

from __future__ import annotations

from collections.abc import Iterable

from tests.support import match
from tests.support.api import JsonObject, client_path
from tests.support.person import Person
from tests.support.scene import Scene


def entry(summary: JsonObject) -> JsonObject:
    """What the summary says of the only room, for other programs."""
    shown = match.card_of(summary)
    assert shown is not None
    (only,) = shown["rooms"]
    return dict(only)


async def upgrade(scene: Scene, by: Person, creators: Iterable[str] | None, *, to: str = "12") -> str:
    """A real upgrade; the room ID of what follows."""
    request: JsonObject = {"new_version": to}
    if creators is not None:
        request["additional_creators"] = list(creators)
    path = client_path("rooms", scene.room, "upgrade")
    return str((await by.api.request("POST", path, request))["replacement_room"])


async def asked(scene: Scene, *, approver: Person | None = None) -> JsonObject:
    """A hand-over that waits for the upgrade; the card that says how to do that."""
    await scene.ask("--hand-over")
    await scene.approve(approver or scene.alice)
    await scene.join_new()
    await scene.confirm()
    return await scene.in_thread(match.says("/upgraderoom 12"), "how to upgrade")


async def raise_new(scene: Scene) -> None:
    """Give the new account the level that an upgrade takes, as the bot asks for; its server has heard so."""
    raised = await scene.alice.set_power(scene.room, {scene.new.user_id: 150})
    await scene.new.wait_for(scene.room, match.event_id(raised), "its level")


async def let_in(scene: Scene, successor: str, by: Person) -> None:
    """Invite the bot into the new room, as it asks for."""
    await scene.in_thread(
        match.says("cannot come into the new room by itself"), "that the bot wants to be let in", seen_by=by
    )
    await by.invite(successor, scene.bot.user_id)
    await by.wait_for(successor, match.membership(scene.bot.user_id, "join"), "the bot in the new room")


async def reported(scene: Scene, successor: str, by: Person) -> JsonObject:
    """What the bot says in the new room when it is done with it."""
    return await by.wait_for(
        successor, match.says("This room follows the old one", sender=scene.bot.user_id), "the bot's report"
    )


async def heir_joins(scene: Scene, successor: str) -> None:
    """Be invited into the new room as the new account, seen on both sides, and join."""
    is_invite = match.membership(scene.new.user_id, "invite")
    await scene.alice.wait_for(successor, is_invite, "the invite of the heir")
    await scene.new.wait_for(successor, is_invite, "its invite")
    await scene.new.join(successor, via=[scene.homeservers.old.server_name])
