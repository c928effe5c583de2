"""A real Kafka for the session, and services that run as they do in production: processes with their own databases."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local.kafka import Kafka
from deploy.local.places import StackError
from deploy.local.testing import running_kafka
from shared.contracts.contract import Contract
from shared.contracts.envelope import Event
from shared.contracts.topics import ensure_topics
from shared.delivery import broker
from shared.delivery.consumer import Consumer, Handlers
from shared.platform.database import Database


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The address of a real broker with the catalogue's topics. Without one these tests are skipped, loudly."""
    try:
        with running_kafka() as running:
            servers = running.bootstrap_servers if isinstance(running, Kafka) else running
            asyncio.run(ensure_topics(servers))
            yield servers
    except StackError as error:
        if os.environ.get("ENISHI_REQUIRE_KAFKA"):
            raise
        pytest.skip(f"NO REAL KAFKA, NOTHING PROVEN: {error}")


async def publish(servers: str, events: Sequence[Event[Contract]], *, damage: dict[int, bytes] | None = None) -> None:
    """Put events on their topics; `damage` replaces the values at some places."""
    producer = AIOKafkaProducer(bootstrap_servers=servers, enable_idempotence=True)
    await producer.start()
    try:
        for at, event in enumerate(events):
            value = (damage or {}).get(at, event.value())
            headers = [(name, text.encode()) for name, text in event.headers().items()]
            await producer.send(event.topic, value=value, key=event.key.encode(), headers=headers)
        await producer.flush()
    finally:
        await producer.stop()


async def read_all(servers: str, topic: str) -> list[Any]:
    """Every record of a topic, from its beginning to its present end, in order within each partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        await consumer._client.set_topics([topic])
        partitions = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
        ends = {each: end for each, end in (await consumer.end_offsets(partitions)).items() if end}
        records: list[Any] = []
        if ends:
            consumer.assign(list(ends))
            await consumer.seek_to_beginning()
            while any([await consumer.position(each) < end for each, end in ends.items()]):
                for batch in (await consumer.getmany(timeout_ms=300)).values():
                    records += batch
        return records
    finally:
        await consumer.stop()


@asynccontextmanager
async def consuming(
    database: Database, servers: str, handlers: Handlers, *, group: str, replica: str = "test-0"
) -> AsyncIterator[Consumer]:
    """One member of a group, in this process, as a service runs it."""
    consumer = Consumer("survey", database, handlers)
    async with broker.consuming(consumer, servers=servers, group=group, replica=replica):
        yield consumer


def fresh_group() -> str:
    """A group that nobody used before."""
    return f"survey-{uuid4().hex[:8]}"
