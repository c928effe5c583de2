"""One tap after a round, and wishes, from one's own evening page. A form each, so that it works without scripts."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Response

from services.matching import feedback
from services.matching.domain.learning import Tap
from services.matching.domain.timetable import begun
from services.matching.domain.wishes import Wish
from services.matching.pages.visits import Visit, Visitor
from services.matching.store import evening
from shared.platform.database import Connection
from shared.platform.errors import Invalid, NotFound
from shared.platform.http import Db
from shared.platform.pages import PersonsRoute, back

router = APIRouter(prefix="/e", include_in_schema=False, route_class=PersonsRoute)


@router.post("/{token}/tap")
async def tap(
    visit: Visitor,
    database: Db,
    other: Annotated[UUID, Form()],
    verdict: Annotated[Literal["glad", "ordinary", "not_for_me", "none"], Form()],
) -> Response:
    """Glad to have met, ordinary, not for me, or none of it after all: about somebody whom one has met."""
    async with database.transaction() as tx:
        if other not in await _met(tx, visit):
            raise NotFound
        said = Tap(visit.guest.id, other, verdict, visit.now)
        _raise(await feedback.tap(tx, visit.guest.registered.partner_id, [said], visit.now))
    return back(visit.base, "tapped", visit.locale)


@router.post("/{token}/wish")
async def wish(
    visit: Visitor,
    database: Db,
    other: Annotated[UUID, Form()],
    kind: Annotated[Literal["must_meet", "would_like", "no_thanks", "none"], Form()],
) -> Response:
    """Must meet, would like, no thanks, or nothing of the kind after all."""
    async with database.transaction() as tx:
        said = Wish(visit.guest.id, other, kind)
        _raise(await feedback.wish(tx, visit.guest.registered.partner_id, [said], visit.now))
    return back(visit.base, "wished", visit.locale)


async def _met(tx: Connection, visit: Visit) -> set[UUID]:
    """Everybody of one's tables of rounds that have begun, and those whom one recorded."""
    until = begun(visit.gathering, visit.now)
    mates = await evening.tablemates(tx, visit.guest)
    recorded = await evening.met_by(tx, visit.guest.id)
    return {*recorded, *(mate for number, found in mates.items() if number <= until for mate in found)}


def _raise(problems: list[str | None]) -> None:
    if problems[0] is not None:
        raise Invalid(problems[0])
