"""Audits the plans for which it was asked, when no plan waits; a plan that comes meanwhile goes first, for a time."""

from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, Final

import asyncpg
import structlog

from services.matching.domain.audit import Audit, audit
from services.matching.domain.plan import Task
from services.matching.domain.seating_problem import NoPlan
from services.matching.embeddings import Vectors, extra_fit
from services.matching.settings import MatchingSettings
from services.matching.store import audits, facts, plans
from services.matching.store.plans import Plan
from services.matching.tasks import task_of
from services.matching.workers import Cancelled, NotBegun, Workers, tell
from shared.platform import clock
from shared.platform.database import Connection, Database, is_transient

log: Final = structlog.stdlib.get_logger(__name__)


async def audit_next(
    settings: MatchingSettings,
    database: Database,
    connection: Connection,
    workers: Workers,
    *,
    overdue: bool = False,
) -> bool:
    """Audit the plan that waits for it longest, or, with `overdue`, longer than its patience; False when none does, or
    when it gives way to a plan.

    Locks of gatherings live on `connection`.
    """
    now = clock.now()
    patience = timedelta(minutes=settings.audit_patience_minutes)
    plan = await audits.next_audit(connection, now - patience if overdue else now)
    if plan is None:
        return False
    try:
        return await _audit_or_fail(settings, database, workers, plan)
    finally:
        with suppress(asyncpg.InterfaceError):
            await plans.unlock(connection, plan.gathering_id)


async def _audit_or_fail(settings: MatchingSettings, database: Database, workers: Workers, plan: Plan) -> bool:
    """False when it gives way."""
    try:
        found = await _audit(settings, database, workers, plan)
        if found is not None:
            await _finish(database, plan, found)
        return found is not None
    except NotBegun:
        raise
    except Exception as error:
        if is_transient(error):
            raise
        # Another attempt would fail alike: one gathering's audit must not stop everybody else's plans.
        log.error("audit.broke", plan_id=str(plan.plan_id), exc_info=error)
        reason = f"it cannot be made ({type(error).__name__}); the operator's log says more"
        await _finish(database, plan, {"state": "failed", "reason": reason})
        if isinstance(error, BrokenProcessPool):  # its worker was killed, and the pool takes no more work
            raise
        return True


async def _finish(database: Database, plan: Plan, found: dict[str, Any]) -> None:
    async with database.transaction() as tx:
        await audits.finish(tx, plan.plan_id, found)


async def _audit(settings: MatchingSettings, database: Database, workers: Workers, plan: Plan) -> dict[str, Any] | None:
    """What the audit found, or why there is none; None when a plan goes first and it is tried again."""
    patience = timedelta(minutes=settings.audit_patience_minutes)

    async def watch(step: str | None, share: float) -> bool:
        overdue = plan.audit_asked_at is not None and clock.now() - plan.audit_asked_at >= patience
        async with database.connection() as connection:
            wanted = overdue or not await plans.any_waits(connection)
            await audits.show_progress(connection, plan.plan_id, *((step, share) if wanted else (None, None)))
        return wanted

    # Ahead of reading everybody: a plan that another replica has to make may wait for long.
    if not await watch(None, 0):
        return None
    async with database.connection() as connection:
        gathering = await facts.gathering(connection, plan.partner_id, plan.gathering_id)
        if gathering is None:
            return {"state": "failed", "reason": "the gathering is gone"}
        # As a re-plan before the first round: with the published seats to look at.
        task = await task_of(connection, replace(plan, current_round=0), gathering, proposals=0)
    fit = await extra_fit(settings, database, task.people, ask=False)
    try:
        found = await workers.run(watch, _work, task, fit)
    except Cancelled:
        return None
    except NoPlan as error:
        return {"state": "failed", "reason": str(error)}
    return _told(found)


def _work(task: Task, fit: Vectors | None) -> Audit:
    return audit(task, tell, fit)


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
