"""The relay: publishes the outbox in order and deletes what Kafka acknowledged. One leader per service database.

Delete on publish needs no cursor, and so has no gap: sequence numbers are given out before commit, and a cursor over
them would lose the rows of slow transactions. One leader keeps the order; its lock lives on the very connection that
reads and deletes, so that a lost lock is a failing query.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any, Final

import asyncpg
import orjson
from aiokafka import AIOKafkaProducer

from shared.platform import metrics
from shared.platform.database import COMMAND_TIMEOUT

BATCH: Final = 1000  # rows; the knee of select and delete (29,000 rows/s at 100, 109,000 at 500, 227,000 at 2,000)
FOLLOWER_RETRY: Final = 1.0  # seconds between attempts to become the leader
POLL_FIRST: Final = 0.01  # seconds; doubles up to POLL_LAST while there is nothing to do
POLL_LAST: Final = 0.2  # seconds; bounds the delay of events that another replica committed


def build_producer(bootstrap_servers: str, client_id: str) -> AIOKafkaProducer:
    """The only producer of a service."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers,
        client_id=client_id,
        enable_idempotence=True,  # retries neither double nor reorder
        acks="all",
        compression_type="lz4",
        linger_ms=2,
        max_batch_size=128 * 1024,
        max_request_size=2 * 1024 * 1024,  # a dead letter carries the whole record that failed
        request_timeout_ms=10_000,
        metadata_max_age_ms=10_000,  # seconds until a new leader is known without an error telling so
    )


async def run(database_url: str, bootstrap_servers: str, client_id: str, wake: asyncio.Event) -> None:
    """Publish for ever. Raises when PostgreSQL or Kafka fails; what was not acknowledged is still in the outbox."""
    # A connection of its own, never the pool's: a pool's reset would give the lock away.
    connection = await asyncpg.connect(
        database_url,
        command_timeout=COMMAND_TIMEOUT,
        server_settings={"application_name": f"{client_id} relay", "jit": "off"},
    )
    try:
        while not await connection.fetchval("select pg_try_advisory_lock(hashtext('enishi.relay'))"):
            await asyncio.sleep(FOLLOWER_RETRY)
        producer = build_producer(bootstrap_servers, f"{client_id}-relay")
        try:
            await producer.start()
            metrics.relay_leader.set(1)
            await _publish(connection, producer, wake)
        finally:
            metrics.relay_leader.set(0)
            await asyncio.shield(_stop(producer))
    finally:
        # Terminate, not close: an unfinished query would hold the lock for as long as it runs.
        connection.terminate()


async def _stop(producer: AIOKafkaProducer) -> None:
    with suppress(Exception):  # what it still holds is in the outbox
        await asyncio.wait_for(producer.stop(), timeout=5)


async def _publish(connection: "asyncpg.Connection[Any]", producer: AIOKafkaProducer, wake: asyncio.Event) -> None:
    pause = POLL_FIRST
    while True:
        wake.clear()
        count = await publish_batch(connection, producer)
        if count == BATCH:
            continue
        pause = POLL_FIRST if count else min(pause * 2, POLL_LAST)
        with suppress(TimeoutError):  # and not wait_for: a cancellation that meets its result would be lost
            async with asyncio.timeout(pause):
                await wake.wait()


async def publish_batch(connection: "asyncpg.Connection[Any]", producer: AIOKafkaProducer) -> int:
    """Publish the oldest rows, wait for every acknowledgement, then delete them; return how many."""
    rows = await connection.fetch(
        "select seq, topic, key, headers::text as headers, payload,"
        " extract(epoch from now() - created_at)::float8 as age from outbox order by seq limit $1",
        BATCH,
    )
    if not rows:
        return 0
    sent = [
        await producer.send(
            row["topic"],
            value=row["payload"],
            key=row["key"].encode(),
            headers=[(name, text.encode()) for name, text in orjson.loads(row["headers"]).items()],
        )
        for row in rows
    ]
    await asyncio.gather(*sent)
    await connection.execute("delete from outbox where seq = any($1::bigint[])", [row["seq"] for row in rows])
    metrics.outbox_latency.observe(rows[0]["age"])
    for topic, count in Counter(row["topic"] for row in rows).items():
        metrics.outbox_published.labels(topic).inc(count)
    return len(rows)
