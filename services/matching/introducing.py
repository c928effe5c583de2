"""Bringing two people together: proposals with the consent of both, and what follows when both say yes."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Final, ParamSpec, TypeVar
from uuid import UUID

from services.matching.domain import desk
from services.matching.domain.desk import Candidate
from services.matching.domain.lists import MOST, Entry, entry, ranked, unquoted, without
from services.matching.domain.people import Person
from services.matching.domain.proposals import Proposal
from services.matching.domain.reasons import Words
from services.matching.domain.settings import Weights
from services.matching.domain.wishes import pair
from services.matching.domain.words import then_forget
from services.matching.guidance import guidance, refusals
from services.matching.publishing import announce
from services.matching.store import evening, facts, matched, proposals
from services.matching.store.evening import Guest
from services.matching.store.matched import MatchedRow
from services.matching.tasks import person_of
from shared.platform.database import Connection, Database
from shared.platform.errors import Conflict, NotFound
from shared.platform.ids import derived

MOST_ASKED: Final = 10
"""Proposals that one attendee can make at a gathering: enough to be kind, too few to canvass."""


@dataclass(frozen=True)
class Found:
    """A candidate with what may be shown of them."""

    guest: Guest
    candidate: Candidate


async def look(database: Database, seeker: Guest, text: str) -> list[Found]:
    """Candidates in the room now for what somebody asks: checked in, not met yet, nobody kept apart from them."""
    gathering = seeker.gathering
    async with database.connection() as connection:
        people = await evening.guests(connection, gathering.gathering_id)
        met = await evening.met_by(connection, seeker.id)
        said = await guidance(connection, gathering.partner_id, gathering.gathering_id)
    room = [
        guest
        for guest in people.values()
        if guest.registered.attendance == "checked_in" and guest.id != seeker.id and guest.id not in met
    ]
    me = person_of(seeker.registered, seeker.profile)
    them = said.among([person_of(guest.registered, guest.profile) for guest in room])
    found = await _aside(desk.candidates, me, text, them, said.weights, said.blocks)
    return [Found(people[each.registration_id], each) for each in found]


async def apart(database: Database, partner_id: UUID, one: UUID, other: UUID) -> bool:
    """Whether two of a partner's people must not meet by what they wrote; False where they are at no gathering together.

    Found before `propose`, because no transaction may stay open over a second of arithmetic.
    """
    async with database.connection() as connection:
        found = await evening.guest(connection, one)
        if found is None or found.registered.partner_id != partner_id:
            return False
        people = await _everybody(connection, found.gathering.gathering_id)
    known = {person.registration_id for person in people}
    return {one, other} <= known and await _aside(desk.kept_apart, people, one, other)


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

    Two who must not meet, by what was said or by what they wrote (`kept_apart`, see `apart`), are not asked, and nobody
    learns that: it looks like a proposal that was never answered.
    """
    if one.id == other.id:
        raise NotFound
    asker = introducer or (one if asked_by == "self" else None)
    if asker is not None and await proposals.count_by(tx, asker.id) >= MOST_ASKED:
        return False
    gathering_id = one.gathering.gathering_id
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
    return True


@dataclass(frozen=True)
class Prospect:
    """What there is to tell two who agree to meet."""

    words: tuple[Words, Words] | None
    """For a and for b of the proposal; None where one of them does not come any more, and where they must not meet."""
    kept_apart: bool


async def prospect(database: Database, reader: Guest, proposal_id: UUID) -> Prospect | None:
    """What to tell if the reader agrees now; None where that would not bring the two together yet.

    Found before `answer`, because no transaction may stay open over a second of arithmetic.
    """
    async with database.connection() as connection:
        proposal = await proposals.one(connection, proposal_id)
        if proposal is None or not proposal.would_agree(reader.id):
            return None
        people = await _everybody(connection, proposal.gathering_id)
    if not {proposal.a, proposal.b} <= {person.registration_id for person in people}:
        return Prospect(None, kept_apart=False)
    words = await _aside(desk.introduction, people, proposal.a, proposal.b, Weights())
    return Prospect(words, kept_apart=words is None)


async def answer(
    tx: Connection, reader: Guest, proposal_id: UUID, yes: bool, now: datetime, found: Prospect | None
) -> None:
    """One side's answer. When both agree, each is introduced to the other by what was `found`, with who brought them
    together; unless one of them has come to want the other no more, and then it looks as if nobody had answered.

    Raises `Conflict` when the other agreed since `prospect` looked: ask it again.
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


async def _everybody(connection: Connection, gathering_id: UUID) -> list[Person]:
    """Everybody who is accepted: what is rare among them tells who stands out."""
    people = await evening.guests(connection, gathering_id)
    return [person_of(guest.registered, guest.profile) for guest in people.values()]


ResultT = TypeVar("ResultT")
P = ParamSpec("P")


@cache
def _thread() -> ThreadPoolExecutor:
    """One thread, because the tokenizer serves one at a time."""
    return ThreadPoolExecutor(1, "desk")


async def _aside(work: Callable[P, ResultT], *given: P.args, **named: P.kwargs) -> ResultT:
    """A second of arithmetic at a thousand people: aside, so that other requests are answered meanwhile."""
    return await asyncio.get_running_loop().run_in_executor(_thread(), partial(then_forget, work, *given, **named))
