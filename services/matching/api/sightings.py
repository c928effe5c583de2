"""HTTP for partners: meetings from card exports and from sensors."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.matching import sightings
from services.matching.api.body import Body
from services.matching.domain.cards import NotCards
from services.matching.domain.contacts import step
from services.matching.settings import MatchingSettings
from services.matching.sightings import Seen
from services.matching.store import evening, facts
from shared.contracts.contract import Instant
from shared.platform import bulk, clock, openapi
from shared.platform.auth import Principal, requires
from shared.platform.bulk import Verdict, Verdicts
from shared.platform.errors import Invalid, NotFound
from shared.platform.http import Db, json_response

router = APIRouter(prefix="/v1")


class Contact(Body):
    """A sensor's row: at time `t` two registrations have faced each other for twenty seconds."""

    t: Annotated[int, Field(ge=1_000_000_000, le=10_000_000_000)] | Instant
    """Seconds since 1970, or a time with an offset."""
    i: UUID
    j: UUID

    def seen(self, row: int) -> Seen:
        """The same, on the grid of steps."""
        at = datetime.fromtimestamp(self.t, UTC) if isinstance(self.t, int) else self.t
        return Seen(row, self.i, self.j, step(self.i, self.j, at))


@router.post(
    "/registrations/{registration_id}/cards/bulk",
    response_model=Verdicts,
    openapi_extra=openapi.body({"text/csv": "A card app's export, with the column 名刺交換日."}),
)
async def import_cards(
    registration_id: UUID, request: Request, database: Db, caller: Annotated[Principal, requires("meetings:write")]
) -> Response:
    """Record whom an attendee exchanged cards with on the day: a card app's CSV, such as Eight's export.

    Cards are compared by name and company with the people of the same gathering. Every row gets a verdict.
    """
    content = await request.body()
    async with database.transaction() as tx:
        owner = await evening.guest(tx, registration_id)
        if owner is None or owner.registered.partner_id != caller.partner_id:
            raise NotFound
        try:
            verdicts = await sightings.cards(tx, owner, content, clock.now())
        except NotCards as error:
            raise Invalid(str(error)) from None
    return bulk.answer(verdicts)


@router.post(
    "/gatherings/{gathering_id}/contacts/bulk",
    openapi_extra=openapi.body(
        {bulk.NDJSON: 'One a line: `{"t": 1770000000, "i": "…", "j": "…"}`, two registrations and a time.'}
    ),
)
async def take_contacts(
    gathering_id: UUID, request: Request, database: Db, caller: Annotated[Principal, requires("meetings:write")]
) -> Response:
    """Fold a sensor stream into meetings with the time talked: one `{"t", "i", "j"}` a line, in any order, repeatable.

    Contacts of less than a minute in all are kept but are no meeting yet.
    """
    rows = await bulk.read_rows(request, Contact)
    good = await asyncio.to_thread(lambda: [body.seen(row) for row, body in rows if isinstance(body, Contact)])
    settings: MatchingSettings = request.app.state.settings
    async with database.transaction() as tx:
        gathering = await facts.gathering(tx, caller.partner_id, gathering_id)
        if gathering is None:
            raise NotFound
        verdicts, changed = await sightings.sensed(tx, gathering, good, settings.sensor_least_seconds, clock.now())
    bad = [body for _, body in rows if isinstance(body, Verdict)]
    refused = sorted([*bad, *(each for each in verdicts if each.status == "rejected")], key=lambda each: each.row)
    content: dict[str, Any] = {
        "accepted": len(rows) - len(refused),
        "rejected": len(refused),
        "meetings": changed,
        "rows": [each.model_dump() for each in refused],
    }
    return json_response(content, 422 if refused and len(refused) == len(rows) else 200)
