"""FastStream on aiokafka: one subscriber per service, for all its topics, with every knob and its reason."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared.delivery.consumer import Consumer
from shared.platform import metrics
from shared.platform.errors import EnishiError

MAX_RECORDS: Final = 1000  # in a batch; PostgreSQL needs a tenth less for each than with 500, 2,000 save no more
STUCK_AFTER: Final = 60.0  # seconds without a step forward while records wait
WATCH_EVERY: Final = 5.0  # seconds
DRAIN: Final = 20.0  # seconds that a batch in flight gets at shutdown; below the orchestrator's grace period of 40


_LOGGER: Final = logging.getLogger("shared.delivery.faststream")
_LOGGER.setLevel(logging.ERROR)  # below that it says at each start that topics are not created automatically


class ConsumerStuck(EnishiError):
    """Records wait and none is processed; start this process again."""


@asynccontextmanager
async def consuming(consumer: Consumer, *, servers: str, group: str, replica: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Consume the consumer's topics while the context lasts; at its end the batch in flight is finished and committed.

    One subscriber for all topics keeps one group membership, one fetch loop and one transaction per batch; groups are
    named like their service, and each partition keeps its own offset, so topics can still be replayed one by one.
    Raises `KafkaConnectionError` when no broker can be reached.
    """
    broker = KafkaBroker(
        servers.split(","),
        client_id=f"{group}-{replica}",
        consumer_only=True,  # only the relay produces
        allow_auto_create_topics=False,  # topics come from the catalogue
        apply_types=False,
        parser=_without_headers,
        decoder=_as_it_is,  # 4.6 us a record instead of 11.4: payloads are parsed once, by us
        graceful_timeout=DRAIN,
        metadata_max_age_ms=10_000,
        retry_backoff_ms=100,
        logger=_LOGGER,
        log_level=logging.DEBUG,  # two lines a batch otherwise
    )
    subscriber = broker.subscriber(
        *consumer.topics,
        batch=True,
        max_records=MAX_RECORDS,
        batch_timeout_ms=20,  # an empty poll is followed by a sleep of the same length: 20 ms keeps idle latency low
        fetch_max_wait_ms=500,
        auto_offset_reset="earliest",  # a new group starts with history
        ack_policy=AckPolicy.NACK_ON_ERROR,  # offsets after the transaction; a failed batch comes again
        group_id=group,
        # A static member that crashes and returns keeps its partitions: 0.5 s instead of up to 32 s (measured).
        group_instance_id=f"{group}-{replica}",
        session_timeout_ms=10_000,  # what scaling down costs, since a static member does not leave
        heartbeat_interval_ms=3_000,
        rebalance_timeout_ms=60_000,  # a batch may finish before its partitions move
        max_poll_interval_ms=300_000,
    )

    @subscriber
    async def consume(message: Any) -> None:
        await consumer.consume(_raw(message))

    try:
        await broker.start()
        inner = getattr(subscriber, "consumer", None)
        if inner is None:
            raise ConsumerStuck("the subscriber has no consumer")
        yield inner
    finally:
        await asyncio.shield(broker.stop())


async def _without_headers(records: Any, parse: Any) -> Any:
    """FastStream's message, from one record without headers: it would decode those of every record, which is done by us,
    and ask for ever again for a batch in which one of them is no text."""
    message = await parse((replace(records[0], headers=()),))
    message.raw_message = records
    return message


async def _as_it_is(message: Any) -> Any:
    return message


def _raw(message: Any) -> Any:
    return message.raw_message


async def watch(consumer: AIOKafkaConsumer, progress: Callable[[], float]) -> None:
    """Liveness means progress: raise `ConsumerStuck` when records wait and none was taken for `STUCK_AFTER`.

    `progress` is the monotonic time at which a piece of the batch at hand was done.
    """
    moved: dict[TopicPartition, tuple[int, float]] = {}
    while True:
        await asyncio.sleep(WATCH_EVERY)
        lag: dict[str, int] = {}
        present = time.monotonic()
        for partition in consumer.assignment():
            try:
                async with asyncio.timeout(WATCH_EVERY):  # and not wait_for, which can swallow a cancellation
                    position = await consumer.position(partition)
            except (IllegalStateError, TimeoutError):  # taken away by a rebalance, or not yet known
                continue
            waiting = (consumer.highwater(partition) or 0) - position
            lag[partition.topic] = lag.get(partition.topic, 0) + max(waiting, 0)
            before, since = moved.get(partition, (-1, present))
            moved[partition] = (position, since if position == before else present)
            if waiting > 0 and position == before and present - max(since, progress()) > STUCK_AFTER:
                where = f"{partition.topic}/{partition.partition}"
                raise ConsumerStuck(f"{where} stands at {position} with {waiting} records waiting")
        for topic, count in lag.items():
            metrics.consumer_lag.labels(topic).set(count)
