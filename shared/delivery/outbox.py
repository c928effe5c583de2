"""The outbox: events wait here, written by the transaction that caused them, until Kafka has acknowledged them.

Nothing reaches Kafka by another way. To keep the order of a key, lock the aggregate's row before adding its event:
then the order of `seq` is the order of commits within that key.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from shared.contracts.contract import Contract
from shared.contracts.envelope import Event
from shared.platform import tracing
from shared.platform.database import Connection
from shared.platform.ids import uuid7


class Outgoing:
    """Makes the events of one service at one moment."""

    def __init__(self, service: str, time: datetime) -> None:
        self._source = f"/enishi/{service}"
        self._time = time

    def event(self, payload: Contract, *, event_id: UUID | None = None) -> Event[Contract]:
        """An event that carries `payload`. Give an id where repeating the cause must repeat the event."""
        return Event(event_id or uuid7(), type(payload), payload.key(), self._time, self._source, payload)

    def tombstone(self, contract: type[Contract], key: UUID) -> Event[Contract]:
        """An event that erases `key` from a state topic."""
        return Event(uuid7(), contract, str(key), self._time, self._source, None)


async def add(tx: Connection, events: Sequence[Event[Contract]]) -> None:
    """Put events in the outbox, in order. They carry the trace context of the caller."""
    if not events:
        return
    trace = tracing.carry()
    await add_raw(tx, [(event.topic, event.key, {**event.headers(), **trace}, event.value()) for event in events])


async def add_raw(tx: Connection, rows: Sequence[tuple[str, str, dict[str, str], bytes | None]]) -> None:
    """Put (topic, key, headers, value) rows in the outbox, in order."""
    topics, keys, headers, values = zip(*rows, strict=True)
    await tx.execute(
        "insert into outbox (topic, key, headers, payload) select topic, key, headers::json, payload"
        " from unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) with ordinality"
        " as row (topic, key, headers, payload, position) order by position",
        topics,
        keys,
        [orjson.dumps(each).decode() for each in headers],
        values,
    )


async def measure(connection: Connection) -> tuple[int, float]:
    """Rows waiting (counted up to 100,000) and the age of the oldest in seconds."""
    row = await connection.fetchrow(
        "select (select count(*) from (select from outbox limit 100000) as head) as waiting,"
        " coalesce(extract(epoch from now() - (select created_at from outbox order by seq limit 1)), 0)::float8 as age"
    )
    return (row["waiting"], row["age"]) if row else (0, 0.0)


async def withdraw(tx: Connection, topics: Sequence[str], keys: Sequence[str]) -> None:
    """Take back events of these keys that were not published yet, before their tombstone is added."""
    await tx.execute(
        "delete from outbox where topic = any($1::text[]) and key = any($2::text[])", list(topics), list(keys)
    )
