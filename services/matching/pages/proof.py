"""The proof of the published plan, by the board's link: how good it is, for whom it could do no more, what each rule costs."""

from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response

from services.matching.api.plans import audit_state
from services.matching.domain.effects import CHANCE
from services.matching.pages.visits import Organiser
from services.matching.store import audits, evening, plans
from services.matching.store.plans import Plan
from shared.platform.database import Connection
from shared.platform.errors import Conflict
from shared.platform.http import Db
from shared.platform.pages import PersonsRoute, back

router = APIRouter(prefix="/b", include_in_schema=False, route_class=PersonsRoute)

DONE: Final = "done"
UNSAID: Final[dict[str, Any]] = {
    "people": "–",
    "value": None,
    "bound": None,
    "share_of_bound": None,
    "violations": (),
    "good_meetings": {},
    "unattainable": "–",
    "avoidable": 0,
    "resting": 0,
    "causes": (),
}
"""What a page shows for a field that the proof of an older plan does not have."""
UNSAID_OF_AUDIT: Final[dict[str, Any]] = {"value": 0, "bound": None, "share_of_bound": None, "effects": ()}


def shown(plan: Plan) -> Plan:
    """A plan that is done with every field that the pages look at: versions before this one stored fewer."""
    audit = plan.audit
    if audit is not None and audit["state"] == DONE:
        audit = {**UNSAID_OF_AUDIT, **audit}
    return replace(plan, proof={**UNSAID, **(plan.proof or {})}, audit=audit)


async def published(connection: Connection, gathering_id: UUID) -> Plan | None:
    """The newest plan that is done, as pages show it."""
    done = await plans.newest_plan(connection, gathering_id, DONE)
    return None if done is None else shown(done)


@router.get("/{token}/proof")
async def proof(visit: Organiser, database: Db, said: str | None = None) -> Response:
    """What is known now; how far the rest is, where it was asked for."""
    gathering_id = visit.gathering.gathering_id
    async with database.connection() as connection:
        done = await published(connection, gathering_id)
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
