"""HTTP for partners while an evening runs: plan the rest anew, and see who stands alone."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.matching import live
from services.matching.api.body import Body
from services.matching.api.plans import plan_answer
from services.matching.live import Changes
from services.matching.settings import MatchingSettings
from services.matching.store import facts
from services.matching.store.live import Pin
from shared.platform import clock
from shared.platform.auth import Principal, requires
from shared.platform.database import Connection
from shared.platform.errors import NotFound
from shared.platform.http import Db, json_response
from shared.platform.idempotency import IdempotencyKey, once

router = APIRouter(prefix="/v1")

People = Annotated[tuple[UUID, ...], Field(max_length=5000)]
ByRound = Annotated[dict[UUID, Annotated[int, Field(ge=1, le=20)]], Field(max_length=5000)]
Tables = Annotated[tuple[Annotated[int, Field(ge=1, le=1000)], ...], Field(max_length=1000)]


class PinBody(Body):
    """Where somebody must sit in a round; without a table, anywhere again."""

    registration_id: UUID
    round: Annotated[int, Field(ge=1, le=20)]
    table: Annotated[int, Field(ge=1, le=1000)] | None = None


class ReplanBody(Body):
    """What has changed since the last plan. Everything stays known for later plans until it is taken back."""

    current_round: Annotated[int, Field(ge=0, le=20)] | None = None
    """The last round that must not change, 0 for none; by default the last that has begun by the timetable."""
    no_shows: People = ()
    left_early: ByRound = Field(default_factory=dict)
    """The first round without each."""
    late: ByRound = Field(default_factory=dict)
    """The first round with each."""
    returned: People = ()
    """There all evening after all."""
    closed_tables: Tables = ()
    opened_tables: Tables = ()
    pins: Annotated[tuple[PinBody, ...], Field(max_length=5000)] = ()
    only_checked_in: bool = False
    """Count those who are not checked in as missing, until they check in."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1

    def changes(self) -> Changes:
        """The same, in the service's words."""
        return Changes(
            self.no_shows,
            self.left_early,
            self.late,
            self.returned,
            self.closed_tables,
            self.opened_tables,
            [Pin(each.registration_id, each.round, each.table) for each in self.pins if each.table is not None],
            [(each.registration_id, each.round) for each in self.pins if each.table is None],
            self.only_checked_in,
        )


@router.post("/gatherings/{gathering_id}/replan", status_code=202)
async def replan(
    gathering_id: UUID,
    body: ReplanBody,
    request: Request,
    database: Db,
    caller: Annotated[Principal, requires("matching:write")],
    key: IdempotencyKey = None,
) -> Response:
    """Seat the coming rounds anew with as few changes as possible; people who newly registered are seated too.

    Only whose evening changes get a new `matched`. Follow `Location` for progress and proof.
    """

    async def operation(tx: Connection) -> Response:
        gathering = await facts.gathering(tx, caller.partner_id, gathering_id)
        if gathering is None:
            raise NotFound
        now = clock.now()
        plan = await live.replan(tx, gathering, body.current_round, body.seed, now)
        await live.change(tx, gathering, body.changes(), plan.current_round or 0, now)
        response = json_response(plan_answer(plan), 202)
        response.headers["Location"] = f"/v1/plans/{plan.plan_id}"
        return response

    return await once(request, database, caller, key, operation)


@router.get("/gatherings/{gathering_id}/alerts")
async def alerts(
    gathering_id: UUID, request: Request, database: Db, caller: Annotated[Principal, requires("matching:read")]
) -> dict[str, Any]:
    """Who is checked in and has had no recorded meeting for a while, the longest first: introduce them to somebody."""
    settings: MatchingSettings = request.app.state.settings
    async with database.connection() as connection:
        gathering = await facts.gathering(connection, caller.partner_id, gathering_id)
        if gathering is None:
            raise NotFound
        found = await live.alone(connection, gathering, settings.isolation_minutes, clock.now())
    return {
        "gathering_id": gathering_id,
        "minutes": settings.isolation_minutes,
        "alone": [{"registration_id": each.registration_id, "since": each.since} for each in found],
    }
