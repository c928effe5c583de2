"""HTTP for partners: the links of an evening, to send to attendees and to the organiser."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request

from services.matching.links import Links
from services.matching.store import evening, facts
from shared.platform.auth import Principal, requires
from shared.platform.errors import NotFound
from shared.platform.http import Db

router = APIRouter(prefix="/v1")


@router.get("/registrations/{registration_id}/links")
async def personal_links(
    registration_id: UUID, request: Request, database: Db, caller: Annotated[Principal, requires("matching:read")]
) -> dict[str, Any]:
    """Signed links of one attendee: their evening, for them alone, and what the QR code on their badge says."""
    async with database.connection() as connection:
        guest = await evening.guest(connection, registration_id)
    if guest is None or guest.registered.partner_id != caller.partner_id:
        raise NotFound
    return _personal(request.app.state.links, registration_id)


@router.get("/gatherings/{gathering_id}/links")
async def gathering_links(
    gathering_id: UUID, request: Request, database: Db, caller: Annotated[Principal, requires("matching:read")]
) -> dict[str, Any]:
    """The organiser's board, and the links of everybody who is accepted now."""
    links: Links = request.app.state.links
    async with database.connection() as connection:
        if await facts.gathering(connection, caller.partner_id, gathering_id) is None:
            raise NotFound
        people = await evening.guests(connection, gathering_id)
    # Signing takes 0.2 s at 2,000 people: aside, so that other requests are answered meanwhile.
    signed = await asyncio.to_thread(lambda: [_personal(links, each) for each in people])
    return {"board": links.board_url(gathering_id), "people": signed}


def _personal(links: Links, registration_id: UUID) -> dict[str, Any]:
    return {
        "registration_id": registration_id,
        "evening": links.evening_url(registration_id),
        "badge": links.badge_url(registration_id),
    }
