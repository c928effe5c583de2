"""Follow-ups with their plans and timers."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from services.followup.domain.cadence import Planned
from services.followup.domain.course import Course, Followup
from services.followup.domain.states import Report, Standing, State
from services.followup.store import reports as report_rows
from shared.platform.database import Connection


class Known(NamedTuple):
    """A follow-up as it is stored, with what its course follows from."""

    followup: Followup
    course: Course
    revision: int
    plan_revision: int
    reports: tuple[Report, ...] = ()
    fired: frozenset[int] = frozenset()


async def load(tx: Connection, ids: Collection[UUID]) -> dict[UUID, Known]:
    """Read and lock follow-ups.

    Their timers are locked first: a step is then fired either before, and seen here, or after and with the new plan.
    """
    wanted = sorted(ids, key=lambda id_: id_.int)  # the same order as that of ids, ten times as fast
    await tx.fetch("select from timer where followup_id = any($1::uuid[]) order by followup_id for update", wanted)
    rows = await tx.fetch("select * from followup where id = any($1::uuid[]) order by id for update", wanted)
    if not rows:
        return {}
    present = [row["id"] for row in rows]
    reports: dict[UUID, list[Report]] = {}
    for row in await tx.fetch("select * from report where followup_id = any($1::uuid[])", present):
        reports.setdefault(row["followup_id"], []).append(report_rows.of(row))
    fired: dict[UUID, list[int]] = {}
    for row in await tx.fetch("select followup_id, step from due_item where followup_id = any($1::uuid[])", present):
        fired.setdefault(row["followup_id"], []).append(row["step"])
    return {
        row["id"]: Known(
            _followup(row),
            _course(row),
            row["revision"],
            row["plan_revision"],
            tuple(reports.get(row["id"], ())),
            frozenset((*(row["fired"] or ()), *fired.get(row["id"], ()))),
        )
        for row in rows
    }


def _followup(row: asyncpg.Record) -> Followup:
    return Followup(*(row[name] for name in Followup._fields))


def _course(row: asyncpg.Record) -> Course:
    standing = Standing(
        State(row["state"]),
        row["state_since"],
        row["occurred_at"],
        row["outcome"],
        row["first_touch_at"],
        row["appointment_at"],
        row["closed"],
    )
    steps = zip(row["steps"], row["kinds"], row["due"], row["until"], strict=True)
    return Course(standing, row["deadline_at"], row["late"], row["expires_at"], tuple(Planned(*each) for each in steps))


async def save(tx: Connection, rows: Sequence[Known]) -> None:
    """Write follow-ups as they are now, and set, move or delete their timers."""
    if not rows:
        return
    rows = sorted(rows, key=lambda each: each.followup.id.int)  # two transactions write in the same order
    # Courses that are the same object are sent once. Telling them apart by what is in them would cost more than it saves.
    distinct = {id(each.course): each.course for each in rows}
    numbers = {key: number for number, key in enumerate(distinct, 1)}
    await tx.execute(
        "with row as materialized (select * from unnest($1::followup_known[]) as r"
        " join unnest($2::followup_course[]) with ordinality as c (deadline_at, late, state, state_since, occurred_at,"
        " outcome, first_touch_at, appointment_at, closed, expires_at, steps, kinds, due, until, number)"
        " on c.number = r.course), saved as (insert into followup select id, gathering_id, meeting_id, owner, other, met_at, known_at,"
        " met_revision, mutual_interest, policy, paused_until, expired_at, deadline_at, late, state, state_since,"
        " occurred_at, outcome, first_touch_at, appointment_at, closed, expires_at, steps, kinds, due, until, revision,"
        " plan_revision from row on conflict (id) do update set"
        " meeting_id = excluded.meeting_id, met_at = excluded.met_at, known_at = excluded.known_at,"
        " met_revision = excluded.met_revision, mutual_interest = excluded.mutual_interest, policy = excluded.policy,"
        " paused_until = excluded.paused_until, expired_at = excluded.expired_at, deadline_at = excluded.deadline_at,"
        " late = excluded.late, state = excluded.state, state_since = excluded.state_since,"
        " occurred_at = excluded.occurred_at, outcome = excluded.outcome, first_touch_at = excluded.first_touch_at,"
        " appointment_at = excluded.appointment_at, closed = excluded.closed, expires_at = excluded.expires_at,"
        " steps = excluded.steps, kinds = excluded.kinds, due = excluded.due, until = excluded.until,"
        " revision = excluded.revision, plan_revision = excluded.plan_revision)"
        " insert into timer (followup_id, owner, step, due_at, plan_revision)"
        " select id, owner, steps[1], due[1], plan_revision from row where cardinality(steps) > 0"
        " on conflict (followup_id) do update set step = excluded.step, due_at = excluded.due_at,"
        " plan_revision = excluded.plan_revision",
        [_known(each, numbers[id(each.course)]) for each in rows],
        [_course_row(each) for each in distinct.values()],
    )
    if ended := [each.followup.id for each in rows if not each.course.steps]:
        await tx.execute("delete from timer where followup_id = any($1::uuid[])", ended)


def _known(known: Known, course: int) -> tuple[Any, ...]:
    """In the order of the type `followup_known`."""
    followup = known.followup
    return (
        followup.id,
        followup.gathering_id,
        followup.meeting_id,
        followup.owner,
        followup.other,
        followup.met_at,
        followup.known_at,
        followup.met_revision,
        followup.mutual_interest,
        followup.policy,
        followup.paused_until,
        followup.expired_at,
        known.revision,
        known.plan_revision,
        course,
    )


def _course_row(course: Course) -> tuple[Any, ...]:
    """In the order of the type `followup_course`."""
    standing = course.standing
    steps, kinds, due, until = zip(*course.steps, strict=True) if course.steps else ((), (), (), ())
    return (
        course.deadline_at,
        course.late,
        standing.state,
        standing.since,
        standing.occurred_at,
        standing.outcome,
        standing.first_touch_at,
        standing.appointment_at,
        standing.closed,
        course.expires_at,
        steps,
        kinds,
        due,
        until,
    )


async def ids_of_owners(tx: Connection, registrations: Collection[UUID]) -> list[UUID]:
    rows = await tx.fetch("select id from followup where owner = any($1::uuid[])", list(registrations))
    return [row["id"] for row in rows]


async def ids_of_gatherings(tx: Connection, gatherings: Collection[UUID]) -> list[UUID]:
    rows = await tx.fetch("select id from followup where gathering_id = any($1::uuid[])", list(gatherings))
    return [row["id"] for row in rows]


async def pause(tx: Connection, followup: UUID, until: datetime) -> None:
    await tx.execute("update followup set paused_until = $2 where id = $1", followup, until)


async def over(tx: Connection, limit: int) -> list[UUID]:
    """Follow-ups whose time has run out. They are not locked."""
    rows = await tx.fetch("select id from followup where expires_at <= now() order by expires_at limit $1", limit)
    return [row["id"] for row in rows]


async def expire(tx: Connection, ids: Collection[UUID]) -> list[UUID]:
    """Mark those whose time has run out; return them. Their course is not computed yet."""
    rows = await tx.fetch(
        "update followup set expired_at = expires_at where id = any($1::uuid[]) and expires_at <= now() returning id",
        list(ids),
    )
    return [row["id"] for row in rows]
