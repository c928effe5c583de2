"""Firing: one statement that moves or deletes the timer, inserts the due item and inserts the outbox row.

There is no lease: the lock of a killed worker vanishes with its connection, and the next one finds the timer as it was.
"""

from dataclasses import dataclass
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

_ID: Final = (  # UUID version 3 (RFC 9562) of the hash; on bytes, because on text each function counts characters
    "encode(set_byte(set_byte(hash, 6, get_byte(hash, 6) & 15 | 48), 8, get_byte(hash, 8) & 63 | 128), 'hex')::uuid"
)

_NOW: Final = "(select to_json(now())::text)"  # written once, not once for each row

# The plan's revision on both sides: a follow-up that changed after this statement's snapshot was taken is left for the
# next one, which comes at once. The event's id is the twin of domain.identity.due_event_id, written out because a
# function in SQL costs more than the row; `concat` makes each text in one pass. What comes back is counted here, where
# it costs nothing. That a step is in due_item already cannot be: its timer had moved on in the same transaction. So the
# insert says nothing about it, which saves a look-up; `_FIRE_AGAIN` is for a database that somebody has repaired by hand.
FIRE: Final = f"""
with due as materialized (
    select followup_id, step, due_at, plan_revision from timer
    where due_at <= now() and (due_at, followup_id) > ($2::timestamptz, $3::uuid)
    order by due_at, followup_id limit $1::int for update skip locked
), fired as materialized (
    select due.followup_id, due.step, due.due_at, f.owner, f.other, f.gathering_id, f.deadline_at, f.policy,
        f.kinds[place.n] as kind, f.until[place.n] as until_at, f.until[place.n] < now() as skipped,
        f.steps[place.n + 1] as next_step, f.due[place.n + 1] as next_due,
        decode(md5(uuid_send(f.id) || convert_to(due.step || '|' || f.policy, 'UTF8')), 'hex') as hash
    from due join followup as f on f.id = due.followup_id and f.plan_revision = due.plan_revision
    cross join lateral (select array_position(f.steps, due.step) as n offset 0) as place
), moved as (
    update timer as t set step = fired.next_step, due_at = fired.next_due
    from fired where t.followup_id = fired.followup_id and fired.next_step is not null
), ended as (
    delete from timer as t using fired where t.followup_id = fired.followup_id and fired.next_step is null
), item as (
    insert into due_item (followup_id, step, owner, kind, due_at, fired_at, until_at, skipped)
    select followup_id, step, owner, kind, due_at, now(), until_at, skipped from fired
), published as (
    insert into outbox (topic, key, headers, payload)
    select '{FollowupDue.topic}', owner::text,
        concat('{_HEADERS},"ce_id":"', {_ID}, '","ce_time":', {_NOW}, '}}')::json,
        convert_to(concat('{{"followup_id":"', followup_id, '","gathering_id":"', gathering_id, '","owner":"', owner,
            '","other":"', other, '","step":', step, ',"kind":"', kind, '","due_at":', to_json(due_at),
            ',"fired_at":', {_NOW}, ',"deadline_at":', to_json(deadline_at), ',"policy":', policy, '}}'), 'UTF8')
    from fired where not skipped
)
select each.kind, each.skipped, each.count, each.late, last.due_at, last.followup_id from (select) as always
left join (select kind, skipped, count(*)::int as count, extract(epoch from now() - min(due_at))::float8 as late
    from fired group by kind, skipped) as each on true
left join (select due_at, followup_id from due offset $1::int - 1) as last on true
"""
_FIRE_AGAIN: Final = FIRE.replace("skipped from fired\n", "skipped from fired on conflict do nothing\n")


@dataclass(frozen=True, slots=True)
class Fired:
    """Timers of one kind that one statement fired, or that were too late to be of use and only recorded so."""

    kind: str
    skipped: bool
    count: int
    late_seconds: float
    """Of the oldest: the others are less late."""


class Round(NamedTuple):
    """What one statement did."""

    fired: list[Fired]
    watermark: tuple[datetime, UUID] | None
    """Where the next statement goes on; None when this one saw the end of what is due."""


async def connect(url: str) -> "asyncpg.Connection[Any]":
    """A connection of its own for firing."""
    return await asyncpg.connect(
        url, command_timeout=30, server_settings={"application_name": "followup timers", **PINNED}
    )


async def fire(connection: "asyncpg.Connection[Any]", limit: int, after: tuple[datetime, UUID] = START) -> Round:
    """Fire up to `limit` timers that are due, the oldest first, beyond the watermark `after`."""
    try:
        rows = await connection.fetch(FIRE, limit, *after)
    except asyncpg.UniqueViolationError:
        rows = await connection.fetch(_FIRE_AGAIN, limit, *after)
    last = (rows[0]["due_at"], rows[0]["followup_id"])
    fired = [Fired(*row[:4]) for row in rows if row["kind"] is not None]
    return Round(fired, None if last[0] is None else last)


async def next_due(connection: "asyncpg.Connection[Any]") -> float | None:
    """Seconds until the next timer is due, negative for one that is overdue; None without timers."""
    seconds: float | None = await connection.fetchval(
        "select extract(epoch from due_at - now())::float8 from timer order by due_at, followup_id limit 1"
    )
    return seconds
