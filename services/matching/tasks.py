"""What a plan is made from: the people and what is known of them.

Read one after the other, not at one moment: `publish` looks once more at who was erased, withdrew or refused meanwhile, and
any other change counts from the next plan on.
"""

from collections.abc import Collection, Container, Mapping, Sequence, Set
from typing import Any, Final
from uuid import UUID

from services.matching.domain.lists import is_short, standing
from services.matching.domain.people import Person
from services.matching.domain.plan import Task
from services.matching.domain.seating_request import USUAL_TABLE
from services.matching.domain.timetable import sittings
from services.matching.domain.wishes import Pair, pair
from services.matching.guidance import draw, guidance
from services.matching.store import facts, live, matched, plans
from services.matching.store.live import Stay
from services.matching.store.matched import MatchedRow
from services.matching.store.plans import Plan
from shared.contracts.gathering import Gathering
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.platform.database import Connection

WORDS: Final = "name company region industry_text goal needs offers pitch talk_topics avoid".split()


async def task_of(connection: Connection, plan: Plan, gathering: Gathering, proposals: int) -> Task:
    """The task of a plan. A re-plan starts from the published seats and keeps every round that has begun."""
    gathering_id = gathering.gathering_id
    rounds = len(sittings(gathering))
    begun = plan.current_round or 0
    published = await matched.published(connection, gathering_id) if plan.current_round is not None else {}
    said = await guidance(connection, gathering.partner_id, gathering_id)
    await plans.note_learned(connection, plan.plan_id, said.version)
    stays = await live.stays(connection, gathering_id)
    attendees = [
        (registered, profile)
        for registered, profile in await facts.attendees(connection, gathering_id)
        if registered.registration_id not in said.apart.left_out
    ]
    present = presence(attendees, stays, rounds, plan.current_round, audited=plan.state == "done")
    seated = {key for key, row in published.items() if any(seat["round"] <= begun for seat in row.seats)}
    ever = frozenset().union(*present, seated)
    people = said.among([person_of(*each) for each in attendees if each[0].registration_id in ever])
    points = said.pair_points
    met: set[Pair] = set()
    if plan.current_round is not None:
        met = {pair(*each) for each in await live.met_here(connection, gathering_id)}
    for each in met:  # a pair that met tonight outside the tables need not be brought together again
        points[each] = points.get(each, 0.0) + said.weights.met_before
    here = {person.registration_id for person in people}
    pins = [
        each
        for each in await live.pins(connection, gathering_id)
        if each.round <= rounds and each.registration_id in here
    ]
    told = {seat["table"] for row in published.values() for seat in row.seats}
    numbers = _numbers([table.number for table in gathering.tables], told.union(each.table for each in pins))
    number = {each: at for at, each in enumerate(numbers)}
    tables = tuple(table.seats for table in gathering.tables)
    size = -(-len(people) // len(tables)) if tables else USUAL_TABLE
    for each in await draw(
        connection,
        gathering_id,
        [person.registration_id for person in people],
        rounds * (size - 1),
        said.weights.lot,
        keep=plan.state == "running",
    ):
        points[each] = points.get(each, 0.0) + said.weights.must_meet
    return Task(
        people=people,
        rounds=rounds,
        tables=tables,
        numbers=numbers,
        met_before=tuple(await facts.met_before(connection, gathering_id)),
        seed=plan.seed,
        proposals=proposals,
        weights=said.weights,
        present=present,
        reference={key: _seats(row, number) for key, row in published.items() if key in ever and row.seats},
        frozen=frozenset(range(1, begun + 1)),
        pins=tuple((each.round, each.registration_id, number[each.table]) for each in pins),
        closed=frozenset(
            (r, number[table])
            for table, first in (await live.closed_tables(connection, gathering_id)).items()
            if table in number
            for r in range(first, rounds + 1)
        ),
        blocks=said.blocks,
        pair_points=points,
        effects=said.effects,
        introductions=_lists_wanted(published, frozenset().union(*present[begun:]), begun, met, said.apart),
    )


def presence(
    attendees: Sequence[tuple[Registered, Profile | None]],
    stays: Mapping[UUID, Stay],
    rounds: int,
    current_round: int | None,
    *,
    audited: bool = False,
) -> tuple[frozenset[UUID], ...]:
    """Who is there, per round: accepted, not said to be away, and not gone home before it.

    An audit looks at the whole evening, often after it: everybody has gone home by then, from the seats that they had.
    """
    begun = current_round or 0
    gone = {each.registration_id for each, _ in attendees if each.attendance == "left" and not audited}
    said = {each.registration_id: _stay(each, stays, begun) for each, _ in attendees}
    return tuple(
        frozenset(key for key, stay in said.items() if stay.covers(number) and not (key in gone and number > begun))
        for number in range(1, rounds + 1)
    )


def _stay(registered: Registered, stays: Mapping[UUID, Stay], begun: int) -> Stay:
    """When somebody is there. Who checks in after being given up has come, for the rounds that are left."""
    stay = stays.get(registered.registration_id, Stay())
    return Stay(first=begun + 1) if stay.refuted(registered.checked_in_at) else stay


def _lists_wanted(
    published: Mapping[UUID, MatchedRow], coming: Set[UUID], begun: int, met: Collection[Pair], apart: Container[Pair]
) -> bool:
    """Whether anybody in the rounds ahead is without a list and a seat there, or too few are left of their list.

    An empty list beside a seat is meant so: who mainly sells is introduced to nobody.
    """
    for key in coming:
        row = published.get(key) or MatchedRow(key, [], [])
        if not row.introductions and not any(seat["round"] > begun for seat in row.seats):
            return True
        if is_short(row.introductions, standing(key, row.introductions, coming, met, apart)):
            return True
    return False


def _numbers(tables: Sequence[int], others: Set[int]) -> tuple[int, ...]:
    """The organiser's number of each table by its index. Tables that are there no more come last; without any, they count
    from 1."""
    if not tables:
        return tuple(range(1, max(others, default=0) + 1))
    return (*tables, *sorted(others - set(tables)))


def _seats(row: MatchedRow, number: Mapping[int, int]) -> tuple[tuple[int, int], ...]:
    return tuple((seat["round"], number[seat["table"]]) for seat in row.seats)


def person_of(registered: Registered, profile: Profile | None) -> Person:
    """An attendee as the domain sees them; without a profile only attributes and tags speak."""
    attributes = registered.attributes
    words: dict[str, Any] = {} if profile is None else {field: getattr(profile, field) or "" for field in WORDS}
    return Person(
        registration_id=registered.registration_id,
        person_id=registered.person_id,
        purpose=registered.purpose,
        industry=attributes.industry or "",
        company_size=attributes.company_size or "",
        role=attributes.role or "",
        phase=attributes.phase or "",
        need_tags=registered.need_tags,
        offer_tags=registered.offer_tags,
        times_attended=attributes.times_attended,
        small_groups=attributes.small_groups,
        **words,
    )
