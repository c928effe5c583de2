"""Audits the plans for which it was asked, when no plan waits; a plan that comes meanwhile goes first."""

import asyncio
from dataclasses import asdict, replace
from typing import Any, Final

import structlog

from services.matching.domain.audit import Audit, audit
from services.matching.domain.plan import Task
from services.matching.domain.seating_problem import NoPlan
from services.matching.store import facts, plans
from services.matching.store.plans import Plan
from services.matching.tasks import task_of
from services.matching.workers import Cancelled, Workers, tell
from shared.platform.database import Connection, Database, is_transient

log: Final = structlog.stdlib.get_logger(__name__)

WATCH_EVERY: Final = 0.25  # seconds between looks for a plan that waits


async def audit_next(database: Database, connection: Connection, workers: Workers) -> bool:
    """Audit the plan that waits for it longest; False when none does. Locks of gatherings live on `connection`."""
    plan = await plans.next_audit(connection)
    if plan is None:
        return False
    try:
        if (found := await _audit(database, workers, plan)) is not None:
            async with database.transaction() as tx:
                await plans.finish_audit(tx, plan.plan_id, found)
    finally:
        await plans.unlock(connection, plan.gathering_id)
    return True


async def _audit(database: Database, workers: Workers, plan: Plan) -> dict[str, Any] | None:
    """What the audit found, or why there is none; None when a plan goes first and it is tried again."""
    async with database.connection() as connection:
        gathering = await facts.gathering(connection, plan.partner_id, plan.gathering_id)
        if gathering is None:
            return {"state": "failed", "reason": "the gathering is gone"}
        # As a re-plan before the first round: with the published seats to look at.
        task = await task_of(connection, replace(plan, current_round=0), gathering, proposals=0)
    workers.slate.cancelled.value = 0
    working = asyncio.get_running_loop().run_in_executor(workers.pool, _work, task)
    while not (await asyncio.wait([working], timeout=WATCH_EVERY))[0]:
        async with database.connection() as connection:
            if await plans.any_waits(connection):
                workers.slate.cancelled.value = 1
    try:
        found = working.result()
    except Cancelled:
        return None
    except NoPlan as error:
        return {"state": "failed", "reason": str(error)}
    except Exception as error:
        if is_transient(error):
            raise
        log.error("audit.broke", plan_id=str(plan.plan_id), exc_info=error)
        return {
            "state": "failed",
            "reason": f"it cannot be made ({type(error).__name__}); the operator's log says more",
        }
    return _told(found)


def _work(task: Task) -> Audit:
    return audit(task, tell)


def _told(found: Audit) -> dict[str, Any]:
    return {
        "state": "done",
        "value": round(found.value, 1),
        "bound": None if found.bound is None else round(found.bound, 1),
        "share_of_bound": round(found.value / found.bound, 4) if found.bound else None,
        "effects": [
            {**asdict(each), "value": round(each.value, 1), "share": round(each.share, 4)} for each in found.effects
        ],
    }
