"""Topic in, transaction, relay, topic out: ours, the way a tutorial shows it, and the floor. One run, same broker, same data.

* ours: batch consumer with inbox and outbox, relay (`shared.delivery`)
* tutorial: FastStream, one record at a time, one commit each, its own publisher; no inbox, no outbox
* floor: aiokafka `getmany`, one batch insert, produced at once; no inbox, no outbox, no dead letters
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition
from faststream.kafka import KafkaBroker
from pydantic import BaseModel

from shared.contracts.catalogue import KafkaTopic
from shared.contracts.followup_done import FollowupDone
from shared.contracts.met import Met
from shared.contracts.topics import ensure_topics
from shared.delivery import broker, relay
from shared.delivery.consumer import Consumer
from shared.delivery.outbox import Outgoing
from shared.delivery.record import Record
from shared.platform import clock
from shared.platform.database import Database
from tests.component.delivery.ledger import met, on_met

EVENTS = 30_000
TUTORIAL_EVENTS = 3_000  # at its pace the full count would take minutes
PATIENCE = 120  # seconds for one measurement; longer means that something broke
OUT = {"ours": FollowupDone.topic, "floor": "bench-floor", "tutorial": "bench-tutorial"}


async def prepare(servers: str) -> None:
    """Topics, and the input: `EVENTS` meetings."""
    await ensure_topics(servers)
    await ensure_topics(servers, topics=[KafkaTopic(OUT[name], 12, {}) for name in ("floor", "tutorial")])
    producer = relay.build_producer(servers, "bench-input")
    await producer.start()
    out = Outgoing("matching", clock.now())
    for number in range(EVENTS):
        event = out.event(met(number))
        headers = [(name, text.encode()) for name, text in event.headers().items()]
        await producer.send(event.topic, value=event.value(), key=event.key.encode(), headers=headers)
    await producer.flush()
    await producer.stop()


async def rate(servers: str, topic: str, count: int, running: Callable[[], Any]) -> tuple[float, float]:
    """Events a second until `count` new records are on the topic, and client CPU microseconds an event."""
    consumer = AIOKafkaConsumer(bootstrap_servers=servers)
    await consumer.start()
    await consumer._client.set_topics([topic])
    partitions = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]

    async def total() -> int:
        return sum((await consumer.end_offsets(partitions)).values())

    before = await total()
    async with running(), asyncio.timeout(PATIENCE):
        while await total() == before:  # joining the group is not throughput
            await asyncio.sleep(0.005)
        first, started, cpu = await total(), time.perf_counter(), time.process_time()
        while (now := await total()) < before + count:
            await asyncio.sleep(0.02)
        seconds, spent = time.perf_counter() - started, time.process_time() - cpu
    await consumer.stop()
    done = max(now - first, 1)
    return done / seconds, spent / done * 1e6


async def measure(servers: str, database: Database) -> dict[str, tuple[float, float]]:
    """Rates of the three, each with a fresh group on the same input."""

    @asynccontextmanager
    async def ours() -> AsyncIterator[None]:
        consumer = Consumer("survey", database, {Met: on_met})
        async with _task(lambda: relay.run(database.url, servers, "bench", database.committed)):  # noqa: SIM117
            async with broker.consuming(consumer, servers=servers, group=f"ours-{uuid4().hex[:6]}", replica="0"):
                yield

    @asynccontextmanager
    async def floor() -> AsyncIterator[None]:
        async with _task(lambda: _floor(servers, database)):
            yield

    @asynccontextmanager
    async def tutorial() -> AsyncIterator[None]:
        app = _tutorial(servers, database)
        await app.start()
        try:
            yield
        finally:
            await app.stop()

    return {
        "floor": await rate(servers, OUT["floor"], EVENTS, floor),
        "ours": await rate(servers, OUT["ours"], EVENTS, ours),
        "tutorial": await rate(servers, OUT["tutorial"], TUTORIAL_EVENTS, tutorial),
    }


@asynccontextmanager
async def _task(work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _floor(servers: str, database: Database) -> None:
    consumer = AIOKafkaConsumer(
        Met.topic,
        bootstrap_servers=servers,
        group_id=f"floor-{uuid4().hex[:6]}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = relay.build_producer(servers, "floor")
    await consumer.start()
    await producer.start()
    try:
        while True:
            batch = [
                r for rs in (await consumer.getmany(timeout_ms=20, max_records=broker.MAX_RECORDS)).values() for r in rs
            ]
            if not batch:
                continue
            payloads = [Met.read(record.value) for record in batch]
            async with database.transaction() as tx:
                await _insert(tx, [each.meeting_id for each in payloads], [each.revision for each in payloads])
            sent = [await producer.send(OUT["floor"], value=r.value, key=r.key, headers=list(r.headers)) for r in batch]
            await asyncio.gather(*sent)
            await consumer.commit()
    finally:
        await consumer.stop()
        await producer.stop()


async def _insert(tx: Any, ids: Sequence[UUID], revisions: Sequence[int]) -> None:
    await tx.execute(
        "insert into ledger (meeting_id, revision) select * from unnest($1::uuid[], $2::int[])", ids, revisions
    )


class Meeting(BaseModel):
    """What a tutorial would write."""

    meeting_id: UUID
    gathering_id: UUID
    revision: int
    a: UUID
    b: UUID


def _tutorial(servers: str, database: Database) -> KafkaBroker:
    app = KafkaBroker(servers, logger=None)  # two log lines a record would not be a fair comparison

    @app.subscriber(Met.topic, group_id=f"tutorial-{uuid4().hex[:6]}", auto_offset_reset="earliest")
    @app.publisher(OUT["tutorial"])
    async def handle(meeting: Meeting) -> Meeting:
        async with database.pool.acquire() as connection:
            await connection.execute(
                "insert into ledger (meeting_id, revision) values ($1, $2)", meeting.meeting_id, meeting.revision
            )
        return meeting

    return app


async def decoding(servers: str) -> dict[str, float]:
    """Client CPU microseconds a record for fetching and understanding, without a database."""

    class Only:
        """A consumer that understands every record and does nothing else."""

        topics = (Met.topic,)
        seen = 0

        async def consume(self, raw: Sequence[Any]) -> None:
            for each in raw:
                Record.of(each).event()
            self.seen += len(raw)

    async def raw_floor() -> float:
        consumer = AIOKafkaConsumer(Met.topic, bootstrap_servers=servers, auto_offset_reset="earliest")
        await consumer.start()
        seen, cpu = 0, time.process_time()
        while seen < EVENTS:
            for records in (await consumer.getmany(timeout_ms=100, max_records=500)).values():
                for record in records:
                    Met.model_validate_json(record.value)
                seen += len(records)
        spent = time.process_time() - cpu
        await consumer.stop()
        return spent / seen * 1e6

    only: Any = Only()
    async with broker.consuming(only, servers=servers, group=f"cpu-{uuid4().hex[:6]}", replica="0"):
        while only.seen == 0:
            await asyncio.sleep(0.001)
        start, cpu = only.seen, time.process_time()
        while only.seen < EVENTS:
            await asyncio.sleep(0.02)
        ours = (time.process_time() - cpu) / (only.seen - start) * 1e6
    return {"getmany and validate_json": await raw_floor(), "batch subscriber, envelope and payload": ours}
