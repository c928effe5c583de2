"""Badges and table sheets to print, for the organiser by the board's link and for partners by key."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.matching import printer, prints
from services.matching.domain.timetable import sittings
from services.matching.links import Links
from services.matching.pages.visits import Organiser, by_name, local_time
from services.matching.prints import Sitting
from services.matching.settings import MatchingSettings
from services.matching.store import evening, facts
from services.matching.store.evening import Guest
from shared.contracts.gathering import Gathering
from shared.platform.auth import Principal, requires
from shared.platform.database import Database
from shared.platform.errors import NotFound
from shared.platform.http import Db
from shared.platform.pages import Locale, Pages, PersonsRoute

router = APIRouter()
pages = APIRouter(prefix="/b", include_in_schema=False, route_class=PersonsRoute)
api = APIRouter(prefix="/v1")

PDF = "application/pdf"
AS_PDF: dict[int | str, dict[str, Any]] = {200: {"content": {PDF: {"schema": {"type": "string", "format": "binary"}}}}}
Round = Annotated[int | None, Query(ge=1, le=20)]
Reader = Annotated[Principal, requires("matching:read")]


@pages.get("/{token}/badges.pdf")
async def badges_page(visit: Organiser, request: Request, database: Db) -> Response:
    """Name badges of everybody who is accepted."""
    return await _badges(request, database, visit.gathering, visit.locale)


@pages.get("/{token}/tables.pdf")
async def tables_page(visit: Organiser, request: Request, database: Db, round: Round = None) -> Response:
    """Table sheets of all rounds, or of one."""
    return await _tables(request, database, visit.gathering, visit.locale, round)


@api.get("/gatherings/{gathering_id}/badges.pdf", response_class=Response, responses=AS_PDF)
async def badges(gathering_id: UUID, request: Request, database: Db, caller: Reader, locale: Locale) -> Response:
    """Name badges of everybody who is accepted, ten to a page of A4: purpose, one line, name, and a code to scan."""
    return await _badges(request, database, await _gathering(database, caller, gathering_id), locale)


@api.get("/gatherings/{gathering_id}/tables.pdf", response_class=Response, responses=AS_PDF)
async def tables(
    gathering_id: UUID, request: Request, database: Db, caller: Reader, locale: Locale, round: Round = None
) -> Response:
    """A sheet for every table of every round, or of one, two to a page of A4."""
    return await _tables(request, database, await _gathering(database, caller, gathering_id), locale, round)


router.include_router(pages)
router.include_router(api)


async def _gathering(database: Database, caller: Principal, gathering_id: UUID) -> Gathering:
    async with database.connection() as connection:
        gathering = await facts.gathering(connection, caller.partner_id, gathering_id)
    if gathering is None:
        raise NotFound
    return gathering


async def _badges(request: Request, database: Database, gathering: Gathering, locale: str) -> Response:
    state = request.app.state
    links: Links = state.links
    people = await _people(database, gathering)
    # Seconds of drawing at a thousand people: aside, so that other requests are answered meanwhile.
    content = await asyncio.to_thread(
        prints.badges,
        gathering.title,
        people,
        lambda guest: links.badge_url(guest.id),
        _font(state),
        _words(state, locale),
    )
    return _file(state, content, "badges.pdf")


async def _tables(
    request: Request, database: Database, gathering: Gathering, locale: str, round: int | None
) -> Response:
    state = request.app.state
    people = await _people(database, gathering)
    labels = {table.number: table.label for table in gathering.tables}
    found = []
    for each in sittings(gathering):
        if round not in (None, each.number):
            continue
        seated: dict[int, list[Guest]] = {}
        for guest in people:
            if table := guest.seats.get(each.number):
                seated.setdefault(table, []).append(guest)
        from_to = f"{local_time(gathering, each.starts_at)}-{local_time(gathering, each.ends_at)}"
        found += [Sitting(each.number, from_to, table, labels.get(table), seated[table]) for table in sorted(seated)]
    content = await asyncio.to_thread(prints.table_sheets, gathering.title, found, _font(state), _words(state, locale))
    return _file(state, content, "tables.pdf")


async def _people(database: Database, gathering: Gathering) -> list[Guest]:
    async with database.connection() as connection:
        return by_name((await evening.guests(connection, gathering.gathering_id)).values())


def _font(state: Any) -> str:
    settings: MatchingSettings = state.settings
    return printer.font_of(settings.print_font)


def _words(state: Any, locale: str) -> printer.Words:
    known: Pages = state.pages
    words: printer.Words = known.words[locale]
    return words


def _file(state: Any, content: bytes, name: str) -> Response:
    known: Pages = state.pages
    return known.file(content, PDF, name, show=True)
