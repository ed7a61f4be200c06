# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was seen as a page that looks like a client: the room to the left, the thread to the right.

The cards are the bot's own HTML.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from scripts.demo.live import clock
from scripts.demo.script import Take
from scripts.demo.teller import Entry, Place, edit_of
from scripts.picture.clean import clean
from tests.support.match import shown_content


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing on the page."""

    said: bool  # a message; otherwise something that was done
    in_thread: bool
    name: str
    role: str  # the class that colours the name
    time: str
    html: Markup
    reactions: Mapping[str, int]  # how many there are of each


def page(take: Take) -> str:
    """The page as HTML, with everything that it needs inside."""
    folder = Path(__file__).parent
    environment = Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)
    reactions = _reactions(take.entries)
    return environment.get_template("page.html").render(
        css=Markup((folder / "page.css").read_text()),  # noqa: S704 (our own)
        room=take.script.setting.name,
        visibility=take.before.visibility,
        items=[_item(entry, take.stage.cast, reactions) for entry in take.entries if _is_shown(entry, take)],
        old=take.stage.homeservers.old.server_name,
        new=take.stage.homeservers.new.server_name,
    )


def _is_shown(entry: Entry, take: Take) -> bool:
    """All but the reactions that the bot puts there for others to tap: the cards show those."""
    return entry.place is not Place.REACTION or entry.event["sender"] != take.stage.bot.user_id


def _item(entry: Entry, cast: Mapping[str, str], reactions: Mapping[str, Mapping[str, int]]) -> Item:
    event = entry.event
    roles = dict(zip(cast, ("alice", "new", "carol", "dave", "bot"), strict=True))
    said = event["type"] == "m.room.message" and edit_of(event) is None
    formatted = shown_content(event).get("formatted_body") if said else None
    return Item(
        said=said,
        in_thread=said and entry.place is Place.THREAD,
        name=cast[event["sender"]],
        role=roles[event["sender"]],
        time=clock(event)[: len("00:00")],
        # Of an edit, which comes when all is over, the first two lines tell enough.
        html=escape(" ".join(entry.text.splitlines()[:2])) if formatted is None else clean(formatted, cast),
        reactions=reactions.get(event["event_id"], {}),
    )


def _reactions(entries: Iterable[Entry]) -> dict[str, Counter[str]]:
    """How many there are of each reaction, by the event that they are to."""
    found: dict[str, Counter[str]] = {}
    for entry in entries:
        if entry.place is Place.REACTION:
            relation = entry.event["content"]["m.relates_to"]
            found.setdefault(relation["event_id"], Counter())[relation["key"]] += 1
    return found
