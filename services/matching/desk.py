"""The desk: what follows from the words of everybody in the room. Arithmetic before any transaction; nothing is changed."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import ParamSpec, TypeVar
from uuid import UUID

from services.matching import live
from services.matching.domain.desk import Candidate, candidates, introduction, kept_apart
from services.matching.domain.people import Person
from services.matching.domain.reasons import Words
from services.matching.domain.settings import Weights
from services.matching.domain.words import then_forget
from services.matching.guidance import guidance
from services.matching.store import evening, proposals
from services.matching.store.evening import Guest
from services.matching.tasks import person_of
from shared.platform.database import Connection, Database


@dataclass(frozen=True)
class Found:
    """A candidate with what may be shown of them."""

    guest: Guest
    candidate: Candidate


async def look(database: Database, seeker: Guest, text: str, now: datetime) -> list[Found]:
    """Candidates in the room now for what somebody asks: checked in, not gone, not met yet, nobody kept apart from them."""
    gathering = seeker.gathering
    async with database.connection() as connection:
        people = await evening.guests(connection, gathering.gathering_id)
        met = await evening.met_by(connection, seeker.id)
        gone = await live.gone(connection, gathering, people.values(), now)
        said = await guidance(connection, gathering.partner_id, gathering.gathering_id)
    passed_over = {seeker.id, *met, *gone}
    room = [
        guest
        for guest in people.values()
        if guest.registered.attendance == "checked_in" and guest.id not in passed_over
    ]
    among = said.among([person_of(guest.registered, guest.profile) for guest in (seeker, *room)])
    if not among or among[0].registration_id != seeker.id:
        return []  # the organiser keeps them from everybody
    found = await _aside(candidates, among[0], text, among[1:], said.weights, said.blocks)
    return [Found(people[each.registration_id], each) for each in found]


async def apart(database: Database, partner_id: UUID, one: UUID, other: UUID) -> bool:
    """Whether two of a partner's people must not meet by what they wrote; False where they are at no gathering together.

    Found before `introducing.propose`, because no transaction may stay open over a second of arithmetic.
    """
    async with database.connection() as connection:
        found = await evening.guest(connection, one)
        if found is None or found.registered.partner_id != partner_id:
            return False
        people = await _everybody(connection, partner_id, found.gathering.gathering_id)
    known = {person.registration_id for person in people}
    return {one, other} <= known and await _aside(kept_apart, people, one, other)


@dataclass(frozen=True)
class Prospect:
    """What there is to tell two who agree to meet."""

    words: tuple[Words, Words] | None
    """For a and for b of the proposal; None where one of them does not come any more, and where they must not meet."""
    kept_apart: bool


async def prospect(database: Database, reader: Guest, proposal_id: UUID) -> Prospect | None:
    """What to tell if the reader agrees now; None where that would not bring the two together yet.

    Found before `introducing.answer`, because no transaction may stay open over a second of arithmetic.
    """
    async with database.connection() as connection:
        proposal = await proposals.one(connection, proposal_id)
        if proposal is None or not proposal.would_agree(reader.id):
            return None
        people = await _everybody(connection, proposal.partner_id, proposal.gathering_id)
    if not {proposal.a, proposal.b} <= {person.registration_id for person in people}:
        return Prospect(None, kept_apart=False)
    words = await _aside(introduction, people, proposal.a, proposal.b, Weights())
    return Prospect(words, kept_apart=words is None)


async def _everybody(connection: Connection, partner_id: UUID, gathering_id: UUID) -> Sequence[Person]:
    """Everybody who takes part, with what a human found of them: what is rare among them tells who stands out."""
    people = await evening.guests(connection, gathering_id)
    said = await guidance(connection, partner_id, gathering_id)
    return said.among([person_of(guest.registered, guest.profile) for guest in people.values()])


ResultT = TypeVar("ResultT")
P = ParamSpec("P")


@cache
def _thread() -> ThreadPoolExecutor:
    """One thread, because the tokenizer serves one at a time."""
    return ThreadPoolExecutor(1, "desk")


async def _aside(work: Callable[P, ResultT], *given: P.args, **named: P.kwargs) -> ResultT:
    """A second of arithmetic at a thousand people: aside, so that other requests are answered meanwhile."""
    return await asyncio.get_running_loop().run_in_executor(_thread(), partial(then_forget, work, *given, **named))
