"""HTTP for partners: gatherings."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Response

from services.registration import operations
from services.registration.api.bodies import Limit, next_after
from services.registration.domain.gathering import ExternalId, GatheringBody, PhaseBody
from services.registration.store import gatherings
from services.registration.store.gatherings import StoredGathering
from shared.platform import clock
from shared.platform.auth import Principal, requires
from shared.platform.errors import NotFound
from shared.platform.http import Db, json_response

router = APIRouter(prefix="/v1")

Write = Annotated[Principal, requires("gatherings:write")]
Read = Annotated[Principal, requires("gatherings:read")]


@router.put("/gatherings/{gathering}")
async def put_gathering(
    external_id: Annotated[ExternalId, Path(alias="gathering", description="Your own id of it.")],
    body: GatheringBody,
    database: Db,
    caller: Write,
) -> Response:
    """Create or update a gathering under the partner's own id. Sending the same again changes nothing."""
    async with database.transaction() as tx:
        gathering, status = await operations.define_gathering(tx, caller.partner_id, external_id, body, clock.now())
    return json_response(_gathering(gathering), 201 if status == "created" else 200)


@router.get("/gatherings")
async def list_gatherings(database: Db, caller: Read, after: UUID | None = None, limit: Limit = 100) -> dict[str, Any]:
    """The partner's gatherings, oldest first; `next` is the `after` of the next page."""
    async with database.connection() as connection:
        found = await gatherings.gatherings(connection, caller.partner_id, after=after, limit=limit)
    return {"items": [_gathering(each) for each in found], "next": next_after(found, limit, "gathering_id")}


@router.get("/gatherings/{gathering}")
async def read_gathering(
    gathering_id: Annotated[UUID, Path(alias="gathering", description="Our id: `gathering_id` of every answer.")],
    database: Db,
    caller: Read,
) -> dict[str, Any]:
    """One gathering as it is now."""
    async with database.connection() as connection:
        found = await gatherings.gathering(connection, caller.partner_id, gathering_id)
    if found is None:
        raise NotFound
    return _gathering(found)


@router.post("/gatherings/{gathering_id}/phase")
async def change_phase(gathering_id: UUID, body: PhaseBody, database: Db, caller: Write) -> dict[str, Any]:
    """Close, run, end, cancel or reopen a gathering."""
    async with database.transaction() as tx:
        return _gathering(await operations.change_phase(tx, caller.partner_id, gathering_id, body.phase, clock.now()))


def _gathering(gathering: StoredGathering) -> dict[str, Any]:
    return {
        "gathering_id": gathering.gathering_id,
        "external_id": gathering.external_id,
        "revision": gathering.revision,
        "phase": gathering.phase,
        **gathering.definition.model_dump(mode="json"),
    }
