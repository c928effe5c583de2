"""Makes the plans that were asked for, one gathering at a time, away from the event loop."""

import asyncio
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from typing import Final

import asyncpg
import structlog

from services.matching import live
from services.matching.auditor import audit_next
from services.matching.domain import seating
from services.matching.domain.people import Person
from services.matching.domain.plan import Result, Task, make_plan
from services.matching.domain.scoring import score
from services.matching.domain.seating_problem import NoPlan
from services.matching.domain.settings import Weights
from services.matching.embeddings import Vectors, extra_fit
from services.matching.publishing import publish
from services.matching.settings import MatchingSettings
from services.matching.store import facts, plans
from services.matching.store.plans import Plan
from services.matching.tasks import task_of
from services.matching.workers import Cancelled, NotBegun, Workers, open_workers, tell
from shared.platform import clock, ids, metrics
from shared.platform.database import COMMAND_TIMEOUT, Connection, Database, is_transient, prepare, retried
from shared.platform.errors import Conflict

log: Final = structlog.stdlib.get_logger(__name__)

LOOK_EVERY: Final = 0.25  # seconds between looks for a plan that was asked for


def _work(task: Task, fit: Vectors | None) -> Result:
    if fit is None:
        return make_plan(task, tell)
    tell("scoring", 0)
    return make_plan(
        task,
        tell,
        score(task.people, task.weights, blocks=task.blocks, met_before=task.met_before, extra_fit=fit),
    )


def _warm() -> None:
    """Compile and load, ahead of the first plan, what takes seconds."""
    seating.warm()
    somebody = Person(ids.uuid7(), ids.uuid7(), "information", needs="縁", offers="縁")
    score([somebody, replace(somebody, registration_id=ids.uuid7())], Weights())


async def run(settings: MatchingSettings, database: Database) -> None:
    """Make plans for ever. Raises when PostgreSQL goes away; a plan in the making is then taken up again."""
    # The locks of gatherings live on this connection, so that a planner that dies lets go of them.
    connection = await asyncpg.connect(settings.database_url, command_timeout=COMMAND_TIMEOUT)
    try:
        await prepare(connection)
        while True:
            with suppress(BrokenProcessPool, NotBegun), open_workers() as workers:
                await _serve(settings, database, connection, workers)
            # By the system, for want of memory. A plan or audit in the making is told as failed; one that had not begun
            # still waits.
            log.error("planner.worker_killed")
            await asyncio.sleep(LOOK_EVERY)
    finally:
        connection.terminate()


async def _serve(settings: MatchingSettings, database: Database, connection: Connection, workers: Workers) -> None:
    """Make plans and audits for as long as the worker lives. Raises `BrokenProcessPool` or `NotBegun` when it is killed."""
    warm = asyncio.get_running_loop().run_in_executor(workers.pool, _warm)
    while True:
        # Plans come first. An audit that has lost its patience has a turn between two of them.
        audited = await audit_next(settings, database, connection, workers, overdue=True)
        plan = await plans.next_plan(connection)
        if plan is None:
            if not audited and not await audit_next(settings, database, connection, workers):
                await asyncio.sleep(LOOK_EVERY)
            continue
        try:
            await warm
            await _make_or_fail(settings, database, workers, plan)
        finally:
            with suppress(asyncpg.InterfaceError):
                await plans.unlock(connection, plan.gathering_id)


async def _make_or_fail(settings: MatchingSettings, database: Database, workers: Workers, plan: Plan) -> None:
    try:
        await _make(settings, database, workers, plan)
    except NotBegun:
        raise
    except (NoPlan, Conflict) as error:
        await _fail(database, plan, str(error))
    except Exception as error:
        if is_transient(error):
            raise
        # Another attempt would fail alike: one gathering's plan must not stop everybody else's.
        log.error("plan.broke", plan_id=str(plan.plan_id), exc_info=error)
        await _fail(database, plan, f"this plan cannot be made ({type(error).__name__}); the operator's log says more")
        if isinstance(error, BrokenProcessPool):  # its worker was killed, and the pool takes no more work
            raise


async def _make(settings: MatchingSettings, database: Database, workers: Workers, plan: Plan) -> None:
    proposals = settings.plan_proposals if plan.current_round is None else settings.replan_proposals
    async with database.connection() as connection:
        gathering = await facts.gathering(connection, plan.partner_id, plan.gathering_id)
        if gathering is None:
            raise NoPlan("the gathering is gone")
        plan = replace(plan, current_round=live.fixed_rounds(gathering, plan, clock.now()))
        await plans.note_search(connection, plan.plan_id, plan.current_round, proposals)
        task = await task_of(connection, plan, gathering, proposals)
    fit = await extra_fit(settings, database, task.people, ask=plan.current_round is None)

    async def watch(step: str | None, share: float) -> bool:
        async with database.connection() as connection:
            if step is not None:
                await plans.show_progress(connection, plan.plan_id, step, share)
            return not await plans.is_cancelled(connection, plan.plan_id)

    try:
        result = await workers.run(watch, _work, task, fit)
    except Cancelled:
        log.info("plan.cancelled", plan_id=str(plan.plan_id), gathering_id=str(plan.gathering_id))
        return
    now = clock.now()

    async def write() -> int | None:
        async with database.transaction() as tx:
            return await publish(tx, plan, task, result, now)

    count = await retried(write)
    if count is not None:
        metrics.plan_duration.labels("total").observe((now - (plan.started_at or now)).total_seconds())
        log.info("plan.done", plan_id=str(plan.plan_id), gathering_id=str(plan.gathering_id), count=count)


async def _fail(database: Database, plan: Plan, reason: str) -> None:
    log.info("plan.failed", plan_id=str(plan.plan_id), gathering_id=str(plan.gathering_id))
    async with database.transaction() as tx:
        await plans.fail_plan(tx, plan.plan_id, reason)
