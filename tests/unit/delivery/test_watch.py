"""Liveness: who stands still while records wait is started again, and who works on is not."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.delivery import broker

PARTITION = TopicPartition("met", 0)


class Standing:
    """A consumer that has taken ten records and works on them, with `waiting` more behind."""

    def __init__(self, waiting: int) -> None:
        self._waiting, self.looks = waiting, 0

    def assignment(self) -> set[TopicPartition]:
        self.looks += 1
        return {PARTITION}

    async def position(self, partition: TopicPartition) -> int:
        return 10

    def highwater(self, partition: TopicPartition) -> int:
        return 10 + self._waiting


async def watched(monkeypatch: pytest.MonkeyPatch, waiting: int, progress: Callable[[], float]) -> None:
    """Until it is stuck, or has been looked at twenty times."""
    monkeypatch.setattr(broker, "WATCH_EVERY", 0.001)
    monkeypatch.setattr(broker, "STUCK_AFTER", 0.0)
    standing: Any = Standing(waiting)
    watching = asyncio.create_task(broker.watch(cast(AIOKafkaConsumer, standing), progress))
    try:
        while standing.looks < 20 and not watching.done():
            await asyncio.sleep(0)
    finally:
        watching.cancel()
        await asyncio.wait([watching])
    if not watching.cancelled():
        watching.result()


async def test_records_that_wait_behind_nothing_that_moves_end_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(broker.ConsumerStuck, match="met/0 stands at 10 with 3 records waiting"):
        await watched(monkeypatch, 3, lambda: 0.0)


async def test_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    await watched(monkeypatch, 0, lambda: 0.0)


async def test_a_batch_that_is_taken_in_pieces_moves_on(monkeypatch: pytest.MonkeyPatch) -> None:
    await watched(monkeypatch, 3, time.monotonic)
