"""Attendees ask the desk, bring two others together, and answer what was proposed to them."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Response

from services.matching import desk, introducing, live
from services.matching.pages.visits import Visit, Visitor, by_name, fellow, near, unwanted
from services.matching.store import evening
from services.matching.store.evening import Guest
from shared.platform.database import Connection
from shared.platform.errors import Conflict, NotFound
from shared.platform.http import Db
from shared.platform.pages import PersonsRoute, back

router = APIRouter(prefix="/e", include_in_schema=False, route_class=PersonsRoute)

ASKED: Final = 300  # characters of what one looks for
Asked = Annotated[str, Form(max_length=ASKED)]


@router.get("/{token}/desk")
async def ask_desk(visit: Visitor) -> Response:
    """The question."""
    return visit.pages.render("desk.html", visit.locale, visit=visit, text="", found=None)


@router.post("/{token}/desk")
async def look(visit: Visitor, database: Db, text: Asked = "") -> Response:
    """The answer. It changes nothing; it is a POST so that the words are in no address."""
    wanted = " ".join(text.replace("\0", "").split())
    found = await desk.look(database, visit.guest, wanted, visit.now) if wanted else None
    return visit.pages.render("desk.html", visit.locale, visit=visit, text=wanted, found=found)


@router.post("/{token}/ask")
async def ask_to_meet(visit: Visitor, database: Db, other: Annotated[UUID, Form()]) -> Response:
    """Tell somebody who is here that one would like to talk."""
    kept_apart = await desk.apart(database, visit.gathering.partner_id, visit.guest.id, other)
    async with database.transaction() as tx:
        guest = await fellow(tx, visit, other)
        here = guest.registered.attendance == "checked_in"
        if not here or await live.gone(tx, visit.gathering, [guest], visit.now):
            raise NotFound
        done = await introducing.propose(tx, visit.guest, guest, None, "self", visit.now, kept_apart=kept_apart)
    return back(visit.base, "asked" if done else "enough", visit.locale)


@router.get("/{token}/introduce")
async def choose_two(visit: Visitor, database: Db) -> Response:
    """Two whom one knows tonight."""
    async with database.connection() as connection:
        known, hidden = await _known(connection, visit), await unwanted(connection, visit)
    offered = by_name(each for key, each in known.items() if key not in hidden)
    return visit.pages.render("introduce.html", visit.locale, visit=visit, known=offered)


@router.post("/{token}/introduce")
async def introduce(
    visit: Visitor, database: Db, one: Annotated[UUID, Form()], other: Annotated[UUID, Form()]
) -> Response:
    """Ask both."""
    kept_apart = await desk.apart(database, visit.gathering.partner_id, one, other)
    async with database.transaction() as tx:
        known = await _known(tx, visit)
        if one not in known or other not in known:
            raise NotFound
        # From a page that is older than a refusal: like one that was never answered, or this would tell of it.
        held = kept_apart or not {one, other}.isdisjoint(await unwanted(tx, visit))
        done = await introducing.propose(
            tx, known[one], known[other], visit.guest, "introducer", visit.now, kept_apart=held
        )
    return back(visit.base, "asked" if done else "enough", visit.locale)


@router.post("/{token}/proposals/{proposal_id}")
async def answer(visit: Visitor, database: Db, proposal_id: UUID, yes: Annotated[bool, Form()]) -> Response:
    """Yes, or not this time."""

    async def take() -> None:
        found = await desk.prospect(database, visit.guest, proposal_id) if yes else None
        async with database.transaction() as tx:
            await introducing.answer(tx, visit.guest, proposal_id, yes, visit.now, found)

    try:
        await take()
    except Conflict:  # the other agreed between the two steps, and does so only once
        await take()
    return back(visit.base, "answered", visit.locale)


async def _known(connection: Connection, visit: Visit) -> dict[UUID, Guest]:
    """Who is on one's own page and still here."""
    people = await evening.guests(connection, visit.gathering.gathering_id, sorted(await near(connection, visit)))
    gone = await live.gone(connection, visit.gathering, people.values(), visit.now)
    return {key: each for key, each in people.items() if key not in gone}
