"""How far each message came: queued, taken up, beyond the point of no return, over."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from shared.platform.database import Connection


async def queue(tx: Connection, person: UUID, dedupe: str, at: datetime) -> int | None:
    """Put a message in the queue; None if the very same is there already."""
    found: int | None = await tx.fetchval(
        "insert into delivery (person_id, dedupe, next_at) values ($1, $2, $3) on conflict do nothing returning id",
        person,
        dedupe,
        at,
    )
    return found


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that one worker has taken up."""

    id: int
    person_id: UUID
    attempt: int


async def take(tx: Connection, worker: UUID, lease: timedelta, limit: int) -> list[Delivery]:
    """Take messages up for a while. A worker that dies meanwhile has not sent them: the next one takes them up."""
    rows = await tx.fetch(
        "update delivery set state = 'sending', worker = $1, lease_until = now() + $2::interval, attempt = attempt + 1"
        " where id = any(array(select id from delivery where state = 'queued' and next_at <= now() order by next_at"
        " limit $3 for update skip locked)) returning id, person_id, attempt",
        worker,
        lease,
        limit,
    )
    return [Delivery(*row) for row in rows]


async def cross(tx: Connection, delivery: int, worker: UUID, message_id: str) -> bool:
    """The point of no return, before the message's text leaves. False: this worker has lost it and must let go."""
    return bool(
        await tx.fetchval(
            "update delivery set state = 'data', message_id = $3, lease_until = now() + interval '1 minute' where id = $1 and worker = $2 and state = 'sending'"
            " and lease_until > now() + interval '0.5 seconds' returning true",
            delivery,
            worker,
            message_id,
        )
    )


async def end(tx: Connection, delivery: int, worker: UUID, state: str, reason: str | None = None) -> None:
    await tx.execute(
        "update delivery set state = $3, reason = $4, ended_at = now() where id = $1 and worker = $2",
        delivery,
        worker,
        state,
        reason,
    )
    if state in ("dead", "uncertain"):
        await reopen(tx, [delivery])


async def postpone(tx: Connection, delivery: int, worker: UUID, until: datetime, reason: str) -> None:
    """Back into the queue: nothing has left."""
    await tx.execute(
        "update delivery set state = 'queued', next_at = $3, reason = $4, message_id = null"
        " where id = $1 and worker = $2",
        delivery,
        worker,
        until,
        reason,
    )


async def recover(tx: Connection) -> tuple[int, int]:
    """What dead workers left: before the point of no return back into the queue, beyond it in doubt for ever.

    What is in doubt is never sent again, but its items are in the next message. Returns (requeued, uncertain).
    """
    requeued = await tx.fetch(
        "update delivery set state = 'queued' where state = 'sending' and lease_until < now() returning id"
    )
    doubtful = await tx.fetch(
        "update delivery set state = 'uncertain', reason = 'worker_lost', ended_at = now()"
        " where state = 'data' and lease_until < now() returning id"
    )
    await reopen(tx, [row["id"] for row in doubtful])
    return len(requeued), len(doubtful)


async def reopen(tx: Connection, deliveries: Collection[int]) -> None:
    for table in ("due_item", "reminder"):
        await tx.execute(
            f"update {table} set delivery_id = null where delivery_id = any($1::bigint[])", list(deliveries)
        )
