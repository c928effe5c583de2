"""A service that writes down every event it applies, in a table without any unique key: `python -m tests.fault.ledger`.

It joins under a new group each time it starts, so that every start brings the whole topic again. `LEDGER_MUTANT=no-inbox`
turns the inbox off: a checker that does not convict that proves nothing.
"""

import asyncio
import os
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID, uuid4

from shared.contracts.envelope import Event
from shared.contracts.registered import Registered
from shared.delivery import broker, inbox
from shared.delivery.consumer import Consumer
from shared.platform import runtime
from shared.platform.database import Connection, open_database

TABLE = (
    "create table if not exists applied (at bigint generated always as identity, event_id uuid, registration_id uuid,"
    " revision int, attendance text)"
)


async def on_registered(tx: Connection, events: Sequence[Event[Registered]]) -> None:
    """Write every event down, in record order."""
    payloads = [event.payload for event in events if event.payload]
    await tx.execute(
        "insert into applied (event_id, registration_id, revision, attendance)"
        " select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[])",
        [event.id for event in events if event.payload],
        [each.registration_id for each in payloads],
        [each.revision for each in payloads],
        [each.attendance for each in payloads],
    )


async def _claim_everything(tx: Connection, event_ids: Collection[UUID]) -> set[UUID]:
    return set(event_ids)


async def main() -> None:
    """Consume until killed."""
    if os.environ.get("LEDGER_MUTANT") == "no-inbox":
        inbox.claim = _claim_everything

    async def consume() -> None:
        async with open_database(os.environ["DATABASE_URL"], name="ledger", patience=30) as database:
            consumer = Consumer("survey", database, {Registered: on_registered})
            servers: Any = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
            async with broker.consuming(consumer, servers=servers, group=f"ledger-{uuid4().hex[:8]}", replica="0"):
                await consumer.failed

    await runtime.until_stopped({"consumer": runtime.keep("consumer", consume)})


if __name__ == "__main__":
    asyncio.run(main())
