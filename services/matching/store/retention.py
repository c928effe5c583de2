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


async def forget_words(tx: Connection, keep: timedelta, limit: int) -> int:
    """The words of introductions, once nobody's page shows them. Seats and revisions stay: they name nobody to anybody."""
    return _count(
        await tx.execute(
            "update matched set introductions = '[]' where registration_id = any(array(select registration_id from matched"
            f" where introductions <> '[]' and gathering_id in ({_OVER}) limit $2 for update skip locked))",
            keep,
            limit,
        )
    )


async def forget_unlisted(tx: Connection, keep: timedelta, limit: int) -> int:
    """Whom pages left out. Revisions stay: readers would take a later word that begins at 1 again for an old one."""
    return _count(
        await tx.execute(
            "update unlisted set others = '{}' where registration_id = any(array(select registration_id from unlisted"
            f" where others <> '{{}}' and gathering_id in ({_OVER}) limit $2 for update skip locked))",
            keep,
            limit,
        )
    )


OF_AN_EVENING: Final = ("presence", "pin", "closed_table", "proposal", "wish")
"""Tables whose rows only serve one evening; taps, meetings and draws are learned from, and stay."""

RULES: Final[tuple[Rule, ...]] = (
    forget_steps,
    forget_words,
    forget_unlisted,
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
