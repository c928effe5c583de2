"""Audits that were asked for: who waits, how far one is, what it found. They are part of their plan's row."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.matching.store.plans import Plan, plan_of_row, try_lock, unlock
from shared.platform.database import Connection


async def ask(tx: Connection, plan_id: UUID, now: datetime) -> bool:
    """Ask for an audit, anew when there was one; one that waits keeps its turn.

    False when the plan is not done, or when another was published after it: only published seats are known.
    """
    status = await tx.execute(
        "update plan set audit = null, step = null, share = null,"
        " audit_asked_at = case when audit is null then coalesce(audit_asked_at, $2) else $2 end"
        " where plan_id = $1 and state = 'done' and not exists (select from plan newer"
        "  where newer.gathering_id = plan.gathering_id and newer.state = 'done'"
        "  and (newer.requested_at, newer.plan_id) > (plan.requested_at, plan.plan_id))",
        plan_id,
        now,
    )
    return status == "UPDATE 1"


async def next_audit(connection: Connection, asked_by: datetime) -> Plan | None:
    """The plan that waits for an audit longest, since `asked_by` or before, and whose gathering nobody works on.

    Its gathering is then locked, as for a plan in the making.
    """
    for row in await connection.fetch(
        "select * from plan where audit_asked_at <= $1 and audit is null order by audit_asked_at limit 20", asked_by
    ):
        if await try_lock(connection, row["gathering_id"]):
            fresh = await connection.fetchrow(
                "select * from plan where plan_id = $1 and audit_asked_at is not null and audit is null", row["plan_id"]
            )
            if fresh is not None:  # nobody ended it before the lock
                return plan_of_row(fresh)
            await unlock(connection, row["gathering_id"])
    return None


async def show_progress(connection: Connection, plan_id: UUID, step: str | None, share: float | None) -> None:
    """How far an audit is; None: it waits."""
    await connection.execute(
        "update plan set step = $2, share = $3 where plan_id = $1 and audit_asked_at is not null and audit is null",
        plan_id,
        step,
        share,
    )


async def finish(tx: Connection, plan_id: UUID, audit: dict[str, Any]) -> None:
    """Keep what an audit found."""
    await tx.execute("update plan set audit = $2 where plan_id = $1", plan_id, audit)


async def supersede(tx: Connection, gathering_id: UUID) -> None:
    """New seats are published: what waits cannot be audited any more."""
    await tx.execute(
        "update plan set audit = $2 where gathering_id = $1 and audit_asked_at is not null and audit is null",
        gathering_id,
        {"state": "failed", "reason": "a newer plan was published"},
    )
