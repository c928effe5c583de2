"""HTTP for partners: ask for a plan, follow and cancel it, read introductions and seats."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.matching import live
from services.matching.api.body import Body
from services.matching.store import audits, facts, matched, plans
from services.matching.store.plans import Plan
from shared.platform import clock
from shared.platform.auth import Principal, requires
from shared.platform.database import Connection, Database
from shared.platform.errors import Conflict, NotFound
from shared.platform.http import Db, json_response
from shared.platform.idempotency import IdempotencyKey, once

router = APIRouter(prefix="/v1")


class PlanRequest(Body):
    """What to plan with. The same seed on the same people gives the same plan."""

    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1


@router.post("/gatherings/{gathering_id}/plans", status_code=202)
async def request_plan(
    gathering_id: UUID,
    body: PlanRequest,
    request: Request,
    database: Db,
    caller: Annotated[Principal, requires("matching:write")],
    key: IdempotencyKey = None,
) -> Response:
    """Ask for introductions and seats. The plan is made aside; follow `Location` for its progress and proof."""

    async def operation(tx: Connection) -> Response:
        gathering = await facts.gathering(tx, caller.partner_id, gathering_id)
        if gathering is None:
            raise NotFound
        plan = await live.plan(tx, gathering, body.seed)
        response = json_response(plan_answer(plan), 202)
        response.headers["Location"] = f"/v1/plans/{plan.plan_id}"
        return response

    return await once(request, database, caller, key, operation)


@router.get("/plans/{plan_id}")
async def read_plan(
    plan_id: UUID, database: Db, caller: Annotated[Principal, requires("matching:read")]
) -> dict[str, Any]:
    """The state of a plan; when done, its proof."""
    async with database.connection() as connection:
        plan = await plans.plan(connection, caller.partner_id, plan_id)
    if plan is None:
        raise NotFound
    return plan_answer(plan)


@router.post("/plans/{plan_id}/audit", status_code=202)
async def audit_plan(
    plan_id: UUID, database: Db, caller: Annotated[Principal, requires("matching:write")]
) -> dict[str, Any]:
    """Ask for a tight bound on what the published seats are worth, and for what each rule costs.

    Takes seconds at 200 people and minutes at 1,000, and waits while plans are made; read the plan again for `audit`.
    """
    ask = partial(audits.ask, now=clock.now())
    return await _changed(database, caller, plan_id, ask, "only the newest plan that is done can be audited")


@router.delete("/plans/{plan_id}")
async def cancel_plan(
    plan_id: UUID, database: Db, caller: Annotated[Principal, requires("matching:write")]
) -> dict[str, Any]:
    """Cancel a plan that is not finished."""
    return await _changed(database, caller, plan_id, plans.cancel_plan, "this plan is finished")


async def _changed(
    database: Database,
    caller: Principal,
    plan_id: UUID,
    change: Callable[[Connection, UUID], Awaitable[bool]],
    refusal: str,
) -> dict[str, Any]:
    """The partner's plan after a change that its state may not allow. Raises `NotFound` and `Conflict`."""
    async with database.transaction() as tx:
        if await plans.plan(tx, caller.partner_id, plan_id) is None:
            raise NotFound
        if not await change(tx, plan_id):
            raise Conflict(refusal)
        plan = await plans.plan(tx, caller.partner_id, plan_id)
    return plan_answer(plan) if plan else {}


@router.get("/registrations/{registration_id}/match")
async def read_match(
    registration_id: UUID, database: Db, caller: Annotated[Principal, requires("matching:read")]
) -> dict[str, Any]:
    """Whom this attendee should meet, why, what to ask first, and where they sit in each round."""
    async with database.connection() as connection:
        row = await matched.of(connection, caller.partner_id, registration_id)
    if row is None:
        raise NotFound
    return {"registration_id": row.registration_id, "introductions": row.introductions, "seats": row.seats}


def audit_state(plan: Plan) -> dict[str, Any] | None:
    """`waiting`, `running` with step and share, `failed` with the reason, or `done` with what was found; None: not asked."""
    if plan.audit is not None or plan.audit_asked_at is None:
        return plan.audit
    if plan.step is None:
        return {"state": "waiting"}
    return {"state": "running", "step": plan.step, "share": plan.share}


def plan_answer(plan: Plan) -> dict[str, Any]:
    """A plan as partners see it. `step` and `share` tell how far one in the making is. By its seed, its number of proposals
    and its learned weights it can be made again."""
    return {
        "plan_id": plan.plan_id,
        "gathering_id": plan.gathering_id,
        "state": plan.state,
        "seed": plan.seed,
        "proposals": plan.settings.get("proposals"),
        "learned_version": plan.settings.get("learned_version"),
        "current_round": plan.current_round,
        "step": plan.step if plan.state == "running" else None,
        "share": plan.share if plan.state == "running" else None,
        "reason": plan.reason,
        "proof": plan.proof,
        "audit": audit_state(plan),
        "requested_at": plan.requested_at,
        "started_at": plan.started_at,
        "finished_at": plan.finished_at,
    }
