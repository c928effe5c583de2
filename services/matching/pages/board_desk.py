"""The desk at the door: staff look for somebody on an attendee's behalf, and ask two people whether they would meet."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Response

from services.matching import desk, introducing
from services.matching.desk import Found
from services.matching.pages.board import flagged
from services.matching.pages.desk import Asked
from services.matching.pages.visits import BoardVisit, Organiser, by_name
from services.matching.store import evening
from services.matching.store.evening import Guest
from shared.platform.database import Connection, Database
from shared.platform.errors import NotFound
from shared.platform.http import Db
from shared.platform.pages import PersonsRoute, back

router = APIRouter(prefix="/b", include_in_schema=False, route_class=PersonsRoute)


@router.get("/{token}/desk")
async def ask(visit: Organiser, database: Db, person: UUID | None = None) -> Response:
    """Who looks for whom."""
    return await _page(visit, database, person, "", None)


@router.post("/{token}/desk")
async def look(visit: Organiser, database: Db, person: Annotated[UUID, Form()], text: Asked = "") -> Response:
    """Candidates in the room. It changes nothing; it is a POST so that the words are in no address."""
    async with database.connection() as connection:
        (seeker,) = await _guests(connection, visit, person)
    wanted = " ".join(text.replace("\0", "").split())
    found = await desk.look(database, seeker, wanted, visit.now) if wanted else None
    return await _page(visit, database, person, wanted, found)


@router.post("/{token}/propose")
async def propose(
    visit: Organiser, database: Db, person: Annotated[UUID, Form()], other: Annotated[UUID, Form()]
) -> Response:
    """Ask both."""
    kept_apart = await desk.apart(database, visit.gathering.partner_id, person, other)
    async with database.transaction() as tx:
        one, two = await _guests(tx, visit, person, other)
        await introducing.propose(tx, one, two, None, "desk", visit.now, kept_apart=kept_apart)
    return back(visit.base, "asked", visit.locale)


async def _page(
    visit: BoardVisit, database: Database, person: UUID | None, text: str, found: list[Found] | None
) -> Response:
    async with database.connection() as connection:
        people = await evening.guests(connection, visit.gathering.gathering_id)
        named = {person, *(each.guest.id for each in found or ())}
        marked = await flagged(connection, visit, {key: each for key, each in people.items() if key in named})
    here = by_name(each for each in people.values() if each.registered.attendance == "checked_in")
    return await visit.page(
        "board_desk.html", people=here, person=person, text=text, found=found, marked={each.id for each in marked}
    )


async def _guests(connection: Connection, visit: BoardVisit, *wanted: UUID) -> list[Guest]:
    """People of this gathering, in the order asked for. Raises `NotFound`."""
    people = await evening.guests(connection, visit.gathering.gathering_id, wanted)
    if people.keys() != set(wanted):
        raise NotFound
    return [people[each] for each in wanted]
