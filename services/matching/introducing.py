"""Bringing two people together: proposals with the consent of both, and what follows when both say yes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from services.matching import unlisting
from services.matching.desk import Prospect
from services.matching.domain.lists import MOST, Entry, entry, ranked, unquoted, without
from services.matching.domain.proposals import Proposal
from services.matching.domain.reasons import Words
from services.matching.domain.wishes import pair
from services.matching.guidance import refusals
from services.matching.publishing import announce
from services.matching.store import facts, matched, proposals
from services.matching.store.evening import Guest
from services.matching.store.matched import MatchedRow
from shared.platform.database import Connection
from shared.platform.errors import Conflict, NotFound
from shared.platform.ids import derived

MOST_ASKED: Final = 10
"""Proposals that one attendee can make at a gathering: enough to be kind, too few to canvass."""


async def propose(
    tx: Connection,
    one: Guest,
    other: Guest,
    introducer: Guest | None,
    asked_by: str,
    now: datetime,
    *,
    kept_apart: bool,
) -> bool:
    """Ask both whether they would like to meet; False when their asker has asked enough.

    Two who must not meet, by what was said or by what they wrote (`kept_apart`, see `desk.apart`), are not asked, and nobody
    learns that: it looks like a proposal that was never answered.
    """
    if one.id == other.id:
        raise NotFound
    gathering_id = one.gathering.gathering_id
    asker = introducer or (one if asked_by == "self" else None)
    if asker is not None and await proposals.count_by(tx, gathering_id, asker.id) >= MOST_ASKED:
        return False
    held = kept_apart or pair(one.id, other.id) in await refusals(tx, gathering_id)
    named = [one.id, other.id, *([introducer.id] if introducer else [])]
    if len(await facts.hold_registrations(tx, one.gathering.partner_id, named)) < len(named):
        raise NotFound  # somebody was erased meanwhile
    await proposals.insert(
        tx,
        Proposal(
            proposal_id=derived("proposal", *sorted((one.id, other.id))),
            gathering_id=gathering_id,
            partner_id=one.gathering.partner_id,
            a=one.id,
            b=other.id,
            introducer=introducer.id if introducer else None,
            asked_by=asked_by,
            held=held,
            a_answer=True if asked_by == "self" else None,
            b_answer=None,
            created_at=now,
        ),
    )
    await unlisting.tell(tx, [one.id, other.id], now)
    return True


async def answer(
    tx: Connection, reader: Guest, proposal_id: UUID, yes: bool, now: datetime, found: Prospect | None
) -> None:
    """One side's answer. When both agree, each is introduced to the other by what was `found`, with who brought them
    together; unless one of them has come to want the other no more, and then it looks as if nobody had answered.

    Raises `Conflict` when the other agreed since `desk.prospect` looked: ask it again.
    """
    sides = await proposals.sides(tx, proposal_id)
    # Before the proposal, as an erasure does.
    await facts.hold_registrations(tx, reader.gathering.partner_id, sides)
    quotable = await facts.hold_profiles(tx, sides)
    proposal = await proposals.answer(tx, proposal_id, reader.id, yes)
    if proposal is None:
        before = await proposals.one(tx, proposal_id)
        if yes and before is not None and before.agreed and reader.id in (before.a, before.b):
            return  # the same yes once more, by a button that was pressed twice
        raise NotFound
    if not proposal.agreed:
        await unlisting.tell(tx, [proposal.a, proposal.b], now)
        return
    if found is None:
        raise Conflict("both answered at the same moment; answer once more")
    # From here on nobody else changes lists, so a refusal at this moment either is seen here or takes back what is done.
    await matched.hold_matched(tx, proposal.gathering_id)
    if found.kept_apart or pair(proposal.a, proposal.b) in await refusals(tx, proposal.gathering_id):
        await proposals.hold_back(tx, proposal_id)
    elif found.words is not None:
        await _introduce(tx, proposal, found.words, {proposal.a, proposal.b} - quotable, now)


async def take_back(tx: Connection, registration_ids: Sequence[UUID], now: datetime) -> None:
    """After something was said that keeps these people apart from others: what they had agreed on with those is off both
    lists and both pages, as if it had never been. The author's refusal must be written, and their registration held.
    """
    for gathering_id in await proposals.gatherings_of(tx, registration_ids):
        await matched.hold_matched(tx, gathering_id)
        apart = await refusals(tx, gathering_id)
        for proposal in await proposals.agreed(tx, gathering_id):
            if pair(proposal.a, proposal.b) in apart:
                await proposals.take_back(tx, proposal.proposal_id)
                for reader in (proposal.a, proposal.b):
                    row = await matched.of(tx, proposal.partner_id, reader)
                    if row is not None:
                        await _rewrite(tx, proposal, row, without(row.introductions, proposal.other_of(reader)), now)


async def _introduce(
    tx: Connection, proposal: Proposal, words: tuple[Words, Words], withdrawn: set[UUID], now: datetime
) -> None:
    for reader, partner, said in ((proposal.a, proposal.b, words[0]), (proposal.b, proposal.a, words[1])):
        row = await matched.of(tx, proposal.partner_id, reader)
        if row is None:
            continue  # without a plan there is nothing to add to; the proposal itself is on the page
        new = unquoted(reader, [entry(partner, said, proposal.introducer)], withdrawn)
        await _rewrite(tx, proposal, row, [*without(row.introductions, partner)[: MOST - 1], *new], now)


async def _rewrite(
    tx: Connection, proposal: Proposal, row: MatchedRow, entries: Sequence[Entry], now: datetime
) -> None:
    """Write and announce one reader's list. The gathering's lists must be held."""
    rows = [MatchedRow(row.registration_id, ranked(entries), row.seats)]
    plan_id = await matched.plan_of(tx, row.registration_id)
    written = await matched.replace_matched(tx, proposal.gathering_id, plan_id, rows, only_changed=True)
    await announce(tx, proposal.gathering_id, plan_id, rows, written, now)
