"""What has been kept long enough, at most so many rows at once. Rows that somebody holds are left for the next time."""

from datetime import timedelta
from typing import Final

from shared.platform.database import Connection


async def forget_due_items(tx: Connection, keep: timedelta, limit: int) -> int:
    """Due items that no message can tell of any more. That their steps fired stays with the follow-up.

    Follow-ups are locked in the order of their ids and before what hangs on them, as by everybody else. The two halves
    are all items: each has an index.
    """
    return await _count(
        tx,
        "with old as materialized (select followup_id, step from due_item"
        " where (fired_at < now() - $1::interval and delivery_id is null and not skipped"
        " or fired_at < now() - $1::interval and (delivery_id is not null or skipped))"
        " and until_at < now() limit $2"
        "), held as materialized (select id from followup where id in (select followup_id from old) order by id"
        " for update skip locked"
        "), noted as (update followup as f set fired = f.fired || each.steps from (select followup_id,"
        " array_agg(step) as steps from old group by followup_id) as each join held on held.id = each.followup_id"
        " where f.id = held.id)"
        " delete from due_item as d using old join held on held.id = old.followup_id"
        " where d.followup_id = old.followup_id and d.step = old.step",
        keep,
        limit,
    )


async def forget_deliveries(tx: Connection, keep: timedelta, limit: int) -> int:
    """Messages that are over: too old to count for anybody's limits, or to come back."""
    return await _count(
        tx,
        "delete from delivery where id = any(array(select id from delivery where state not in ('queued', 'sending', 'data')"
        " and coalesce(ended_at, created_at) < now() - $1::interval limit $2 for update skip locked))",
        keep,
        limit,
    )


async def forget_undone_reports(tx: Connection, keep: timedelta, limit: int) -> int:
    """Reports that were taken back. Those that stand are what states, rates and people's own tables are made of."""
    return await _count(
        tx,
        "delete from report where report_id = any(array(select report_id from report"
        " where undone_at < now() - $1::interval limit $2 for update skip locked))",
        keep,
        limit,
    )


async def forget_reminders(tx: Connection, keep: timedelta, limit: int) -> int:
    """Briefs and survey invitations that are over. What people planned for themselves stays on their page."""
    return await _count(
        tx,
        "delete from reminder where id = any(array(select id from reminder where kind <> 'own_task'"
        " and until_at < now() - $1::interval limit $2 for update skip locked))",
        keep,
        limit,
    )


RULES: Final = (forget_due_items, forget_deliveries, forget_undone_reports, forget_reminders)


async def _count(tx: Connection, statement: str, keep: timedelta, limit: int) -> int:
    status = await tx.execute(statement, keep, limit)
    return int(status.rpartition(" ")[2])
