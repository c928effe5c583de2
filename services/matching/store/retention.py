"""What has been kept long enough, at most so many rows at once. Rows that somebody holds are left for the next time."""

from datetime import timedelta
from functools import partial
from typing import Final

from services.matching.store.contacts import KEPT
from shared.platform.database import Connection
from shared.platform.retention import Rule

_OVER: Final = "select gathering_id from gathering where (definition->>'ends_at')::timestamptz < now() - $1::interval"


async def _forget(tx: Connection, keep: timedelta, limit: int, *, table: str, old: str) -> int:
    return _count(
        await tx.execute(
            f"delete from {table} where ctid = any(array(select ctid from {table} where {old} limit $2"
            " for update skip locked))",
            keep,
            limit,
        )
    )


async def forget_steps(tx: Connection, keep: timedelta, limit: int) -> int:
    """Steps that sensors saw: two days, however long `keep` is."""
    return await _forget(tx, KEPT, limit, table="contact_step", old="ends_at < now() - $1::interval")


async def _empty(tx: Connection, keep: timedelta, limit: int, *, table: str, column: str, nothing: str) -> int:
    return _count(
        await tx.execute(
            f"update {table} set {column} = {nothing} where registration_id = any(array(select registration_id from {table}"
            f" where {column} <> {nothing} and gathering_id in ({_OVER}) limit $2 for update skip locked))",
            keep,
            limit,
        )
    )


OF_AN_EVENING: Final = ("presence", "pin", "closed_table", "proposal", "wish")
"""Tables whose rows only serve one evening; taps, meetings and draws are learned from, and stay."""

RULES: Final[tuple[Rule, ...]] = (
    forget_steps,
    # Once nobody's page shows them. Seats and revisions stay: they name nobody to anybody, and readers would take a word
    # that begins at 1 again for an old one.
    partial(_empty, table="matched", column="introductions", nothing="'[]'"),
    partial(_empty, table="unlisted", column="others", nothing="'{}'"),
    *(partial(_forget, table=table, old=f"gathering_id in ({_OVER})") for table in OF_AN_EVENING),
    partial(
        _forget,
        table="embedding",
        old=f"registration_id in (select registration_id from registration where gathering_id in ({_OVER}))",
    ),
    # The newest finished plan of a gathering is what its board shows.
    partial(
        _forget,
        table="plan",
        old="finished_at < now() - $1::interval and (state <> 'done' or exists (select from plan newer"
        " where newer.gathering_id = plan.gathering_id and newer.state = 'done'"
        " and (newer.requested_at, newer.plan_id) > (plan.requested_at, plan.plan_id)))",
    ),
)


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
