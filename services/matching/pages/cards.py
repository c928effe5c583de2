"""One's own card app's export as a record of the evening, from one's own page."""

from fastapi import APIRouter, Response, UploadFile

from services.matching import sightings
from services.matching.domain.cards import NotCards
from services.matching.pages.visits import Visitor
from shared.platform.http import Db
from shared.platform.pages import PersonsRoute

router = APIRouter(prefix="/e", include_in_schema=False, route_class=PersonsRoute)


@router.get("/{token}/cards")
async def ask_for_cards(visit: Visitor) -> Response:
    """The form."""
    return visit.pages.render("cards.html", visit.locale, visit=visit, verdicts=None, reason=None)


@router.post("/{token}/cards/bulk")
async def take_cards(visit: Visitor, database: Db, file: UploadFile) -> Response:
    """Take the file; the same file again changes nothing. The file itself is not kept."""
    content = await file.read()
    try:
        async with database.transaction() as tx:
            verdicts = await sightings.cards(tx, visit.guest, content, visit.now)
    except NotCards as error:
        return visit.pages.render("cards.html", visit.locale, 422, visit=visit, verdicts=None, reason=str(error))
    return await visit.page("cards.html", verdicts=verdicts, reason=None)
