"""The inbox: which events this service has already taken."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

from shared.platform.database import Connection

# Longer than any fact stays on its topic, so that a redelivered fact is always recognised. State topics live for
# ever; what protects them is the revision.
RETENTION: Final = timedelta(days=35)


async def claim(tx: Connection, event_ids: Collection[UUID]) -> set[UUID]:
    """Return the ids that nobody claimed before, now claimed by this transaction.

    Another transaction that holds one of them makes this one wait for its end, so that two members that overlap
    during a rebalance never both apply an event. Ids are sorted, so that two batches cannot wait for each other.
    """
    ids = set(event_ids)
    # What comes back are the others, which are few; sorting by number is the order of ids, and much faster.
    rows = await tx.fetch(
        "with fresh as (insert into inbox (event_id) select unnest($1::uuid[]) on conflict do nothing returning event_id)"
        " select id from unnest($1::uuid[]) as id where id not in (select event_id from fresh)",
        sorted(ids, key=lambda id_: id_.int),
    )
    return ids.difference([row["id"] for row in rows])


async def forget(tx: Connection, keep: timedelta, limit: int) -> int:
    """Delete claims that are older than `keep`, at most `limit`; return how many."""
    status = await tx.execute(
        "delete from inbox where event_id = any(array("
        "select event_id from inbox where received_at < now() - $1::interval limit $2))",
        keep,
        limit,
    )
    return int(status.rpartition(" ")[2])
