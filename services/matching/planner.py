"""Makes the plans that were asked for, one gathering at a time, away from the event loop."""

import asyncio
import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog

from services.matching.domain import seating
from services.matching.domain.people import Person
from services.matching.domain.plan import Proposed, Result, Task, make_plan
from services.matching.domain.proof import Proof
from services.matching.domain.seating_problem import NoPlan
from services.matching.settings import MatchingSettings
from services.matching.store import facts, plans
from services.matching.store.plans import MatchedRow, Plan
from shared.contracts.gathering import Gathering
from shared.contracts.matched import Introduction, Matched, Reason, Seat
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.delivery import outbox
from shared.delivery.outbox import Outgoing
from shared.platform import clock, metrics
from shared.platform.database import COMMAND_TIMEOUT, Database, is_transient, prepare

log: Final = structlog.stdlib.get_logger(__name__)

LOOK_EVERY: Final = 0.25  # seconds between looks for a plan that was asked for
WATCH_EVERY: Final = 0.5  # seconds between looks whether the plan that is being made was cancelled


async def run(settings: MatchingSettings, database: Database) -> None:
    """Make plans for ever. Raises when PostgreSQL goes away; a plan in the making is then taken up again."""
    pool = ProcessPoolExecutor(settings.planner_processes, mp_context=multiprocessing.get_context("spawn"))
    # The locks of gatherings live on this connection, so that a planner that dies lets go of them.
    connection = await asyncpg.connect(settings.database_url, command_timeout=COMMAND_TIMEOUT)
    try:
        await prepare(connection)
        warm = asyncio.get_running_loop().run_in_executor(pool, seating.warm)
        while True:
            plan = await plans.next_plan(connection)
            if plan is None:
                await asyncio.sleep(LOOK_EVERY)
                continue
            await warm
            try:
                await _make(settings, database, pool, plan)
            except Exception as error:
                if is_transient(error):
                    raise
                # Another attempt would fail alike: one gathering's plan must not stop everybody else's.
                log.error("plan.broke", plan_id=str(plan.plan_id), exc_info=error)
                await _fail(
                    database, plan, f"this plan cannot be made ({type(error).__name__}); the operator's log says more"
                )
            finally:
                with suppress(asyncpg.InterfaceError):
                    await plans.unlock(connection, plan.gathering_id)
    finally:
        connection.terminate()
        for process in list((pool._processes or {}).values()):  # a cancelled service does not wait for a plan
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)


async def _make(settings: MatchingSettings, database: Database, pool: ProcessPoolExecutor, plan: Plan) -> None:
    async with database.connection() as connection:
        gathering = await facts.gathering(connection, plan.partner_id, plan.gathering_id)
        attendees = await facts.attendees(connection, plan.gathering_id)
        met_before = await facts.met_before(connection, plan.gathering_id)
    if gathering is None:
        await _fail(database, plan, "the gathering is gone")
        return
    task = Task(
        people=tuple(person_of(registered, profile) for registered, profile in attendees),
        rounds=len(gathering.rounds) or 1,
        tables=tuple(table.seats for table in gathering.tables),
        met_before=tuple(met_before),
        seed=plan.seed,
        proposals=settings.plan_proposals,
    )
    working = asyncio.get_running_loop().run_in_executor(pool, make_plan, task)
    while not (await asyncio.wait([working], timeout=WATCH_EVERY))[0]:
        async with database.connection() as connection:
            if await plans.is_cancelled(connection, plan.plan_id):
                working.add_done_callback(lambda done: done.cancelled() or done.exception())
                return
    try:
        result = working.result()
    except NoPlan as error:
        await _fail(database, plan, str(error))
        return
    await _publish(database, plan, gathering, result, clock.now())


async def _fail(database: Database, plan: Plan, reason: str) -> None:
    log.info("plan.failed", plan_id=str(plan.plan_id), gathering_id=str(plan.gathering_id))
    async with database.transaction() as tx:
        await plans.fail_plan(tx, plan.plan_id, reason)


async def _publish(database: Database, plan: Plan, gathering: Gathering, result: Result, now: datetime) -> None:
    numbers = [table.number for table in gathering.tables]
    seats = {
        registration_id: [{"round": r, "table": numbers[k] if numbers else k + 1} for r, k in found]
        for registration_id, found in result.seats.items()
    }
    rows = [
        MatchedRow(
            registration_id, [_words(at, each) for at, each in enumerate(found, start=1)], seats[registration_id]
        )
        for registration_id, found in result.introductions.items()
    ]
    async with database.transaction() as tx:
        if not await plans.finish_plan(tx, plan.plan_id, _proof(result.proof, len(rows))):
            return
        revisions = await plans.replace_matched(tx, plan.gathering_id, plan.plan_id, rows)
        out = Outgoing("matching", now)
        events = [
            out.event(_matched(plan, row, result.introductions[row.registration_id], revisions, now))
            for row in rows
            if row.registration_id in revisions
        ]
        await outbox.add(tx, events)
    metrics.plan_duration.labels("total").observe((now - (plan.started_at or now)).total_seconds())
    log.info("plan.done", plan_id=str(plan.plan_id), gathering_id=str(plan.gathering_id), count=len(rows))


def _matched(
    plan: Plan, row: MatchedRow, proposed: Sequence[Proposed], revisions: Mapping[UUID, int], now: datetime
) -> Matched:
    return Matched(
        registration_id=row.registration_id,
        gathering_id=plan.gathering_id,
        revision=revisions[row.registration_id],
        plan_id=plan.plan_id,
        planned_at=now,
        introductions=tuple(
            Introduction(
                counterpart=each.counterpart,
                rank=rank,
                reasons=tuple(Reason(kind=reason.kind, concept=reason.concept) for reason in each.words.reasons),
            )
            for rank, each in enumerate(proposed, start=1)
        ),
        seats=tuple(Seat(round=seat["round"], table=seat["table"]) for seat in row.seats),
    )


def _words(rank: int, proposed: Proposed) -> dict[str, Any]:
    return {"counterpart": str(proposed.counterpart), "rank": rank, **asdict(proposed.words)}


def _proof(proof: Proof, people: int) -> dict[str, Any]:
    return {
        "people": people,
        "value": round(proof.value, 1),
        "bound": round(proof.bound, 1),
        "share_of_bound": round(proof.value / proof.bound, 4) if proof.bound else None,
        "violations": list(proof.violations),
        "good_meetings": {str(count): number for count, number in proof.good_meetings.items()},
        "unattainable": len(proof.unattainable),
    }


def person_of(registered: Registered, profile: Profile | None) -> Person:
    """An attendee as the domain sees them; without a profile only attributes and tags speak."""
    attributes = registered.attributes
    words = (
        {}
        if profile is None
        else {
            field: getattr(profile, field) or ""
            for field in "name company region industry_text goal needs offers pitch talk_topics avoid".split()
        }
    )
    return Person(
        registration_id=registered.registration_id,
        person_id=registered.person_id,
        purpose=registered.purpose,
        industry=attributes.industry or "",
        company_size=attributes.company_size or "",
        role=attributes.role or "",
        need_tags=registered.need_tags,
        offer_tags=registered.offer_tags,
        times_attended=attributes.times_attended,
        **words,
    )
