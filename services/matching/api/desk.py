"""HTTP for partners: the desk in a partner's own app, and proposals that two people should meet."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.matching import desk, introducing
from services.matching.api.body import Body
from services.matching.store import evening
from services.matching.store.evening import Guest
from shared.contracts.vocabulary import ShortText
from shared.platform import clock
from shared.platform.auth import Principal, requires
from shared.platform.database import Connection
from shared.platform.errors import Conflict, NotFound
from shared.platform.http import Db, json_response
from shared.platform.idempotency import IdempotencyKey, once

router = APIRouter(prefix="/v1")


class Question(Body):
    """Whom somebody looks for, in a sentence. It is not kept."""

    text: Annotated[ShortText, Field(examples=["工場で短い動画を撮れる人"])]


class ProposalBody(Body):
    """Two registrations who should meet; `introducer` is a third who thought of it, else the desk did."""

    a: UUID
    b: UUID
    introducer: UUID | None = None


@router.post("/registrations/{registration_id}/desk")
async def look(
    registration_id: UUID, body: Question, database: Db, caller: Annotated[Principal, requires("matching:read")]
) -> dict[str, Any]:
    """Who in the room can help: here, not met yet, the best first, each with the reasons in words. Changes nothing."""
    async with database.connection() as connection:
        (seeker,) = await _guests(connection, caller, registration_id)
    found = await desk.look(database, seeker, body.text, clock.now())
    return {
        "candidates": [{"registration_id": each.guest.id, "reasons": each.candidate.words.reasons} for each in found]
    }


@router.post("/proposals", status_code=202)
async def propose(
    body: ProposalBody,
    request: Request,
    database: Db,
    caller: Annotated[Principal, requires("matching:write")],
    key: IdempotencyKey = None,
) -> Response:
    """Ask both on their own pages. When both agree, each is introduced to the other in `matched`, with the introducer.

    The answer is the same whatever comes of it: a refusal stays unseen.
    """

    kept_apart = await desk.apart(database, caller.partner_id, body.a, body.b)

    async def operation(tx: Connection) -> Response:
        named = [body.a, body.b, *([body.introducer] if body.introducer else [])]
        one, other, *third = await _guests(tx, caller, *named)
        if len({guest.gathering.gathering_id for guest in (one, other, *third)}) > 1 or len(set(named)) < len(named):
            raise NotFound
        introducer = third[0] if third else None
        asked_by = "introducer" if introducer else "desk"
        done = await introducing.propose(tx, one, other, introducer, asked_by, clock.now(), kept_apart=kept_apart)
        if not done:
            raise Conflict("this attendee has asked for as many as one person can")
        return json_response({"status": "asked"}, 202)

    return await once(request, database, caller, key, operation)


async def _guests(connection: Connection, caller: Principal, *wanted: UUID) -> list[Guest]:
    """The partner's accepted people. Raises `NotFound`."""
    found = [await evening.guest(connection, each) for each in wanted]
    known = [guest for guest in found if guest and guest.registered.partner_id == caller.partner_id]
    if len(known) < len(wanted):
        raise NotFound
    return known
