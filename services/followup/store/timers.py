"""Firing: one statement that moves or deletes the timer, inserts the due item and inserts the outbox row.

There is no lease: the lock of a killed worker vanishes with its connection, and the next one finds the timer as it was.
"""

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg

from shared.contracts.envelope import CONTENT_TYPE
from shared.contracts.followup_due import FollowupDue

PINNED: Final = {
    # The planner has two bad plans for a claim (a merge join over the whole key, a sort of all that is due), which
    # depend on whether statistics were taken by day or by night. With these it has none. See EXPLAIN's test.
    "enable_bitmapscan": "off",
    "enable_sort": "off",
    "enable_seqscan": "off",
    "enable_mergejoin": "off",
    "enable_hashjoin": "off",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "timezone": "UTC",
}
"""Server settings of the connection that fires. Only that one."""

START: Final = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
"""A watermark before every timer."""

_HEADERS: Final = (
    f'{{"ce_specversion":"1.0","ce_type":"{FollowupDue.event_type()}","ce_source":"/enishi/followup",'
    f'"ce_dataschema":"/schemas/{FollowupDue.topic}.v{FollowupDue.version}.json","content-type":"{CONTENT_TYPE}"'
)

# The plan's revision on both sides: a follow-up that changed after this statement's snapshot was taken is left for the
# next one, which comes at once.
FIRE: Final = f"""
with due as materialized (
    select followup_id, step, due_at, plan_revision from timer
    where due_at <= now() and (due_at, followup_id) > ($2::timestamptz, $3::uuid)
    order by due_at, followup_id limit $1::int for update skip locked
), fired as materialized (
    select due.followup_id, due.step, due.due_at, f.owner, f.other, f.gathering_id, f.deadline_at, f.policy,
        f.kinds[place.n] as kind, f.until[place.n] as until_at, f.until[place.n] < now() as skipped,
        f.steps[place.n + 1] as next_step, f.due[place.n + 1] as next_due
    from due join followup as f on f.id = due.followup_id and f.plan_revision = due.plan_revision
    cross join lateral (select array_position(f.steps, due.step) as n) as place
), moved as (
    update timer as t set step = fired.next_step, due_at = fired.next_due
    from fired where t.followup_id = fired.followup_id and fired.next_step is not null
), ended as (
    delete from timer as t using fired where t.followup_id = fired.followup_id and fired.next_step is null
), item as (
    insert into due_item (followup_id, step, owner, kind, due_at, fired_at, until_at, skipped)
    select followup_id, step, owner, kind, due_at, now(), until_at, skipped from fired on conflict do nothing
), published as (
    insert into outbox (topic, key, headers, payload)
    select '{FollowupDue.topic}', owner::text,
        ('{_HEADERS},"ce_id":"' || due_event_id(followup_id, step, policy) || '","ce_time":' || to_json(now()) || '}}')::json,
        convert_to('{{"followup_id":"' || followup_id || '","gathering_id":"' || gathering_id || '","owner":"' || owner
         || '","other":"' || other || '","step":' || step || ',"kind":"' || kind || '","due_at":' || to_json(due_at)
         || ',"fired_at":' || to_json(now()) || ',"deadline_at":' || to_json(deadline_at) || ',"policy":' || policy
         || '}}', 'UTF8')
    from fired where not skipped
)
select followup_id, kind, due_at, skipped, extract(epoch from now() - due_at)::float8 as late_seconds from fired
"""


class Fired(NamedTuple):
    """One timer that fired, or was too late to be of use and only recorded so."""

    followup_id: UUID
    kind: str
    due_at: datetime
    skipped: bool
    late_seconds: float


async def connect(url: str) -> "asyncpg.Connection[Any]":
    """A connection of its own for firing."""
    return await asyncpg.connect(
        url, command_timeout=30, server_settings={"application_name": "followup timers", **PINNED}
    )


async def fire(connection: "asyncpg.Connection[Any]", limit: int, after: tuple[datetime, UUID] = START) -> list[Fired]:
    """Fire up to `limit` timers that are due, the oldest first, beyond the watermark `after`."""
    rows = await connection.fetch(FIRE, limit, *after)
    return list(map(Fired._make, rows))


async def next_due(connection: "asyncpg.Connection[Any]") -> float | None:
    """Seconds until the next timer is due, negative for one that is overdue; None without timers."""
    seconds: float | None = await connection.fetchval(
        "select extract(epoch from due_at - now())::float8 from timer order by due_at, followup_id limit 1"
    )
    return seconds
