"""The organiser's seating board, by signed link: tables by round, pins, who is missing, and who needs help."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Response

from services.matching import live
from services.matching.domain.complaints import complainants, is_open
from services.matching.domain.timetable import begun, showing, sittings
from services.matching.live import Changes
from services.matching.pages.proof import published
from services.matching.pages.visits import BoardVisit, Organiser, by_name
from services.matching.store import evening, feedback, plans
from services.matching.store import live as store
from services.matching.store.evening import Guest
from services.matching.store.live import Pin, Stay
from shared.platform.database import Connection, Database
from shared.platform.http import Db
from shared.platform.pages import PersonsRoute, back

router = APIRouter(prefix="/b", include_in_schema=False, route_class=PersonsRoute)

Number = Annotated[int, Form(ge=1, le=1000)]
Person = Annotated[UUID, Form()]


@dataclass(frozen=True)
class Chair:
    """One person at a table of the board."""

    guest: Guest
    pinned: bool
    away: bool
    """Known not to be there in this round; the published plan does not know it yet."""


@dataclass(frozen=True)
class Table:
    """One table of a round."""

    number: int
    label: str | None
    seats: int | None
    closed: bool
    chairs: tuple[Chair, ...]


@router.get("/{token}")
async def board(visit: Organiser, database: Db, round: int | None = None, said: str | None = None) -> Response:
    """One round, and what the organiser should know now."""
    gathering = visit.gathering
    rounds = sittings(gathering)
    shown = showing(gathering, visit.now) or rounds[-1]
    at = next((each for each in rounds if each.number == round), shown)
    async with database.connection() as connection:
        people = await evening.guests(connection, gathering.gathering_id)
        said_away = await store.stays(connection, gathering.gathering_id)
        pins = await store.pins(connection, gathering.gathering_id)
        closed = await store.closed_tables(connection, gathering.gathering_id)
        making = await plans.in_the_making(connection, gathering.gathering_id)
        newest = await plans.newest_plan(connection, gathering.gathering_id)
        done = await published(connection, gathering.gathering_id)
        alone = await live.alone(connection, gathering, visit.settings.isolation_minutes, visit.now)
        marked = await flagged(connection, visit, people)
    stays = {
        key: each
        for key, each in said_away.items()
        if key in people and not each.refuted(people[key].registered.checked_in_at)
    }
    return await visit.page(
        "board.html",
        said=said,
        rounds=rounds,
        at=at,
        frozen=at.number <= begun(gathering, visit.now),
        left=len(rounds) > begun(gathering, visit.now),
        tables=_tables(visit, at.number, people, stays, pins, closed),
        unseated=by_name(each for each in people.values() if at.number not in each.seats),
        people=by_name(people.values()),
        away=[(each, stays[each.id]) for each in by_name(people[key] for key in stays)],
        pins=[(people[each.registration_id], each) for each in pins if each.registration_id in people],
        numbers=[table.number for table in gathering.tables],
        closed=closed,
        making=making,
        newest=newest,
        done=done,
        alone=[(people[each.registration_id], each) for each in alone if each.registration_id in people],
        flagged=marked,
    )


def _tables(
    visit: BoardVisit,
    number: int,
    people: Mapping[UUID, Guest],
    stays: Mapping[UUID, Stay],
    pins: list[Pin],
    closed: Mapping[int, int],
) -> list[Table]:
    pinned = {each.registration_id for each in pins if each.round == number}
    seated: dict[int, list[Chair]] = defaultdict(list)
    for guest in by_name(people.values()):
        if table := guest.seats.get(number):
            away = not stays.get(guest.id, Stay()).covers(number) or guest.registered.attendance == "left"
            seated[table].append(Chair(guest, guest.id in pinned, away))
    known = {table.number: table for table in visit.gathering.tables}
    return [
        Table(
            each,
            known[each].label if each in known else None,
            known[each].seats if each in known else None,
            closed.get(each, number + 1) <= number,
            tuple(seated.get(each, ())),
        )
        for each in sorted({*known, *seated})
    ]


async def flagged(connection: Connection, visit: BoardVisit, people: Mapping[UUID, Guest]) -> list[Guest]:
    """Who is here and of whom several people complained since a human last looked. Never what was said, or by whom."""
    reports = await feedback.complaints(connection, visit.gathering.partner_id)
    reviews = await feedback.reviews(connection, visit.gathering.partner_id)

    def is_flagged(person_id: UUID) -> bool:
        review = reviews.get(person_id)
        return is_open(complainants(reports.get(person_id, ())), review.complaints if review else None)

    return [each for each in by_name(people.values()) if is_flagged(each.registered.person_id)]


@router.post("/{token}/pin")
async def pin(visit: Organiser, database: Db, person: Person, table: Number, round: Number) -> Response:
    """Sit somebody at a table in a round."""
    return await _change(visit, database, Changes(pins=[Pin(person, round, table)]), round)


@router.post("/{token}/unpin")
async def unpin(visit: Organiser, database: Db, person: Person, round: Number) -> Response:
    """Let them sit anywhere."""
    return await _change(visit, database, Changes(unpinned=[(person, round)]), round)


@router.post("/{token}/absent")
async def absent(visit: Organiser, database: Db, person: Person, round: Annotated[int, Form(ge=0, le=20)]) -> Response:
    """Did not come (round 0), or is gone from this round on."""
    gone = Changes(no_shows=[person]) if round == 0 else Changes(left_early={person: round})
    return await _change(visit, database, gone, None)


@router.post("/{token}/late")
async def late(visit: Organiser, database: Db, person: Person, round: Number) -> Response:
    """Comes for this round."""
    return await _change(visit, database, Changes(late={person: round}), None)


@router.post("/{token}/here")
async def here(visit: Organiser, database: Db, person: Person) -> Response:
    """Is there all evening after all."""
    return await _change(visit, database, Changes(returned=[person]), None)


@router.post("/{token}/close")
async def close_table(visit: Organiser, database: Db, table: Number) -> Response:
    """Nobody sits there in the coming rounds."""
    return await _change(visit, database, Changes(closed_tables=[table]), None)


@router.post("/{token}/open")
async def open_table(visit: Organiser, database: Db, table: Number) -> Response:
    """It can be used again."""
    return await _change(visit, database, Changes(opened_tables=[table]), None)


@router.post("/{token}/plan")
async def plan(visit: Organiser, database: Db) -> Response:
    """Plan the evening, or, once it was planned, what is left of it."""
    gathering = visit.gathering
    async with database.transaction() as tx:
        if await plans.newest_plan(tx, gathering.gathering_id, "done"):
            await live.replan(tx, gathering, None, 1, visit.now)
        else:
            await live.plan(tx, gathering, 1)
    return back(visit.base, "planning", visit.locale)


@router.post("/{token}/cancel")
async def cancel(visit: Organiser, database: Db) -> Response:
    """Stop the plan that is being made, and those that wait behind it: what is published stays."""
    async with database.transaction() as tx:
        await plans.cancel_all(tx, visit.gathering.gathering_id)
    return back(visit.base, "cancelled", visit.locale)


async def _change(visit: BoardVisit, database: Database, changes: Changes, round: int | None) -> Response:
    gathering = visit.gathering
    async with database.transaction() as tx:
        await live.change(tx, gathering, changes, begun(gathering, visit.now), visit.now)
    answer = back(visit.base, "kept", visit.locale)
    if round is not None:
        answer.headers["location"] += f"&round={round}"
    return answer
