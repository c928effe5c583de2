"""Servers for a test session, started once and stopped at its end, from synchronous fixtures."""

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from deploy.local.kafka import Kafka
from deploy.local.postgres import Server, server

ResultT = TypeVar("ResultT")


class Background:
    """An event loop in a thread that lives as long as the session, while each test has a loop of its own.

    Children die with the thread that started them, so all of them are started here.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Run to the end and return the result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=f"enishi-{name}-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_postgres(*, durable: bool = True) -> Iterator[Server]:
    """A PostgreSQL server: the one in `DATABASE_URL`, or an embedded one."""
    with _folder("postgres") as folder:
        background, running = Background(), server(folder, durable=durable)
        background.run(running.start())
        try:
            yield running
        finally:
            background.run(running.stop())


@contextmanager
def running_kafka(*, brokers: int = 1) -> Iterator[Kafka | str]:
    """A real Kafka: its cluster, or the address in `KAFKA_BOOTSTRAP_SERVERS`. Raises `StackError` where none can be had."""
    if servers := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield servers
        return
    with _folder("kafka") as folder:
        background, kafka = Background(), Kafka(folder, brokers=brokers)
        background.run(kafka.start())
        try:
            yield kafka
        finally:
            background.run(kafka.stop())
