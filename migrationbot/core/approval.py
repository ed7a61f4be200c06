# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who is entitled to approve, and which evidence counts.

Evidence is what the homeserver answered a moment ago; nothing here remembers an earlier answer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from .move import RoomMove
from .power import PowerLevels
from .room import RoomState
from .steps import Step

_VARIATION_SELECTORS = frozenset("\ufe0e\ufe0f")
_SKIN_TONES = frozenset(chr(point) for point in range(0x1F3FB, 0x1F400))
_MEANT_AS_YES = frozenset({"👍", "👌", "✔", "☑", "🆗", "yes", "ok", "okay"})
_LONGEST_KEY = 32  # characters: no honest ✅ is longer


class Answer(Enum):
    """What a reaction says; every other key says nothing, and only the first two are consent."""

    YES = "✅"
    NO = "❌"
    SKIP = "⏭"  # the bot shall invite, rather than wait for the old account
    MEANT_YES = "👍"  # plainly meant as a yes, and yet none: worth a hint


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """One m.reaction on one of our cards. Spec: client-server, event annotations."""

    event_id: str
    sender: str
    answer: Answer


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What proves consent, as read back from the homeserver just now."""

    command_stands: bool  # the requester's message is there, unredacted
    cancelled_by: str  # who typed `!migrate cancel`; empty when nobody did
    card_stands: bool  # our request card is there, unredacted, as we wrote it
    reactions: tuple[Reaction, ...]  # under the request card
    confirm_stands: bool  # our confirm card is there, or was never posted
    confirmations: tuple[Reaction, ...]  # under the confirm card
    skips: tuple[Reaction, ...] = ()  # under the card that asks the old account to invite
    addresses: frozenset[str] = frozenset()  # of those in question: the ones that lead to the room now
    command_event: str = ""  # the message that asked, when it stands in the room itself
    # Of a lost account:
    able: int | None = None  # how many are entitled now; None when they were not counted
    old_seen_at: int | None = None  # when it was last active in the room; milliseconds since the epoch


NOTHING_YET: Final = Evidence(
    command_stands=True,
    cancelled_by="",
    card_stands=True,
    reactions=(),
    confirm_stands=True,
    confirmations=(),
)


@dataclass(frozen=True, kw_only=True)
class Consent:
    """What the reactions amount to at this moment."""

    approvers: tuple[str, ...] = ()  # entitled members whose ✅ stands, in a fixed order
    refused_by: str = ""  # an entitled member who said no
    cancelled_by: str = ""  # the requester, when it said no


def answer_of(key: object) -> Answer | None:
    """What a reaction key says, whatever variation selectors or skin tones a client added."""
    if not isinstance(key, str) or len(key) > _LONGEST_KEY:
        return None
    plain = "".join(
        c for c in unicodedata.normalize("NFC", key) if c not in _VARIATION_SELECTORS | _SKIN_TONES
    )
    if plain.strip().lower() in _MEANT_AS_YES:
        return Answer.MEANT_YES
    return next((each for each in Answer if each.value == plain), None)


def entitled(user_id: str, move: RoomMove, room: RoomState, asked: int) -> bool:
    """Whether this account's yes counts here and now."""
    if user_id in _barred(move):
        return False
    return room.holds(user_id, asked) or _stepped_down(user_id, move, room, asked)


def _stepped_down(user_id: str, move: RoomMove, room: RoomState, asked: int) -> bool:
    """Whether the old account could answer until it gave up its level, as it asked.

    That alone does not undo its yes to what else is to become of itself; nothing is given any more then.
    """
    if user_id != move.old or not move.options.step_down or not move.done(Step.PROMOTE):
        return False
    return room.joined(user_id) and (move.approved_level or 0) >= asked


def judge(move: RoomMove, room: RoomState, evidence: Evidence, asked: int) -> Consent:
    """Weigh the reactions under the request card. A no outweighs the same person's yes."""
    if not evidence.card_stands:
        return Consent()
    said_no = _senders(evidence.reactions, Answer.NO)
    said_yes = _senders(evidence.reactions, Answer.YES) - said_no
    refusers = sorted(user for user in said_no if entitled(user, move, room, asked))
    return Consent(
        approvers=tuple(sorted(user for user in said_yes if entitled(user, move, room, asked))),
        refused_by=next((user for user in refusers if user != move.requester), ""),
        cancelled_by=move.requester if move.requester in said_no else "",
    )


def needed(move: RoomMove, able: int | None) -> int:
    """How many have to agree, when so many are entitled; None when they were not counted.

    Where nobody vouches from the old account it takes more, or all that there are, but never less than usual.
    """
    usual, lost = move.rules.approvals_needed, move.rules.approvals_for_lost
    if not move.lost:
        return usual
    return max(usual, lost if able is None else min(lost, able))


def missing(move: RoomMove, evidence: Evidence, consent: Consent) -> int:
    """How many more have to agree. Whoever asks for a lost account is not enough alone."""
    short = max(0, needed(move, evidence.able) - len(consent.approvers))
    alone = move.lost and {*consent.approvers} <= {move.requester}
    return max(1, short) if alone else short


def confirmed(move: RoomMove, room: RoomState, evidence: Evidence) -> bool:
    """Whether the new account itself, being in the room, said yes on our card and did not take it back."""
    yes = _senders(evidence.confirmations, Answer.YES)
    return (
        evidence.confirm_stands and room.joined(move.new) and move.new in yes and not disowned(move, evidence)
    )


def skipped(move: RoomMove, room: RoomState, evidence: Evidence, asked: int) -> bool:
    """Whether somebody who may say so wants the bot to invite at once."""
    senders = _senders(evidence.skips, Answer.SKIP)
    own = senders & {move.requester, move.old}
    return bool(own) or any(entitled(user, move, room, asked) for user in senders)


def disowned(move: RoomMove, evidence: Evidence) -> bool:
    """Whether the new account said no, on either card."""
    return move.new in _senders((*evidence.reactions, *evidence.confirmations), Answer.NO)


def denied(move: RoomMove, evidence: Evidence) -> bool:
    """Whether an account that somebody else calls lost says no itself, by any of the ways to say it."""
    said_no = _senders((*evidence.reactions, *evidence.confirmations), Answer.NO)
    return move.lost and (move.old in said_no or evidence.cancelled_by == move.old)


class Hint(Enum):
    """What to tell somebody whose answer did not count. Each has its sentence in the templates."""

    WRONG_SIGN = "wrong_sign"  # may approve, and used another sign than ✅
    TOO_LOW = "too_low"  # said yes, and may not approve


def hint(move: RoomMove, room: RoomState, evidence: Evidence, asked: int) -> tuple[Hint, str] | None:
    """The first joined member who plainly meant to approve in vain, and why it was in vain."""
    if not evidence.card_stands:
        return None
    for user in sorted(_senders(evidence.reactions, Answer.MEANT_YES)):
        if entitled(user, move, room, asked):
            return Hint.WRONG_SIGN, user
    for user in sorted(_senders(evidence.reactions, Answer.YES) - {move.bot, move.new}):
        if room.joined(user) and room.power.level_of(user) < asked:
            return Hint.TOO_LOW, user
    return None


def _barred(move: RoomMove) -> set[str]:
    """Those whose yes never counts, whatever their level."""
    own = set() if move.rules.requester_may_approve else {move.requester, move.old}
    silent = {move.old} if move.lost else set()  # one that can answer is not lost
    return {move.bot, move.new} | own | silent


def _senders(reactions: Iterable[Reaction], answer: Answer) -> set[str]:
    return {reaction.sender for reaction in reactions if reaction.answer is answer}


def qualified(user_ids: Iterable[str], move: RoomMove, power: PowerLevels, asked: int) -> int:
    """How many of these accounts have the level and may speak, joined or not."""
    barred = _barred(move)
    return sum(user not in barred and power.level_of(user) >= asked for user in set(user_ids))


def who_may_approve(move: RoomMove, power: PowerLevels, asked: int) -> tuple[str, ...]:
    """The accounts whose level is enough, the most powerful first, joined or not."""
    known = {*power.users, *power.creators} - _barred(move)
    enough = (user for user in known if power.level_of(user) >= asked)
    return tuple(sorted(enough, key=lambda user: (-power.level_of(user), user)))
