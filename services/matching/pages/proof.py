"""The proof of the published plan, by the board's link: how good it is, for whom it could do no more, what each rule costs."""

from typing import Final

from fastapi import APIRouter, Response

from services.matching.api.plans import audit_state
from services.matching.domain.effects import CHANCE
from services.matching.pages.visits import Organiser
from services.matching.store import audits, evening, plans
from shared.platform.errors import Conflict
from shared.platform.http import Db
from shared.platform.pages import PersonsRoute, back

router = APIRouter(prefix="/b", include_in_schema=False, route_class=PersonsRoute)

DONE: Final = "done"


@router.get("/{token}/proof")
async def proof(visit: Organiser, database: Db, said: str | None = None) -> Response:
    """What is known now; how far the rest is, where it was asked for."""
    gathering_id = visit.gathering.gathering_id
    async with database.connection() as connection:
        done = await plans.newest_plan(connection, gathering_id, DONE)
        beyond = await plans.unattainable(connection, done.plan_id) if done else []
        people = await evening.guests(connection, gathering_id, [key for key, _, _ in beyond])
    return await visit.page(
        "proof.html",
        said=said,
        plan=done,
        audit=audit_state(done) if done else None,
        beyond=[(people[key], possible, reason) for key, possible, reason in beyond if key in people],
        chance=CHANCE,
    )


@router.post("/{token}/audit")
async def compute(visit: Organiser, database: Db) -> Response:
    """Ask for the bound over whole tables and for what each rule costs, of the seats that are published."""
    async with database.transaction() as tx:
        done = await plans.newest_plan(tx, visit.gathering.gathering_id, DONE)
        if done is None or not await audits.ask(tx, done.plan_id, visit.now):
            raise Conflict("there is no plan to compute it for")
    return back(f"{visit.base}/proof", "computing", visit.locale)
