"""Which Kafka: the one in `KAFKA_BOOTSTRAP_SERVERS`, else a real one of our own, else the mock with a loud line."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Protocol

from deploy.local.jars import JarsUnavailable
from deploy.local.java import JavaUnavailable
from deploy.local.kafka import Kafka
from deploy.local.mock_kafka import WARNING
from deploy.local.places import StackError
from deploy.local.processes import Process


class Brokers(Protocol):
    """Something that speaks Kafka's protocol."""

    @property
    def bootstrap_servers(self) -> str: ...

    async def stop(self) -> None: ...

    def check(self) -> None: ...


class Given:
    """A cluster that somebody else runs."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers

    async def stop(self) -> None:
        """Not ours to stop."""

    def check(self) -> None:
        """Not ours to watch."""


class Mock:
    """The mock cluster in a child process."""

    def __init__(self, data: Path) -> None:
        self._address = data / "mock-kafka.json"
        command: list[str | Path] = [sys.executable, "-m", "deploy.local.mock_kafka", self._address]
        self._process = Process("mock-kafka", command, data / "mock-kafka.log", cwd=Path.cwd())
        self.bootstrap_servers = ""

    async def start(self) -> None:
        self._address.unlink(missing_ok=True)
        self._process.start()
        async with asyncio.timeout(60):
            while not self._address.exists():
                self._process.check()
                await asyncio.sleep(0.02)
        self.bootstrap_servers = json.loads(self._address.read_text())

    async def stop(self) -> None:
        await self._process.stop()

    def check(self) -> None:
        self._process.check()


async def start(data: Path, *, brokers: int = 1, ports: list[int] | None = None) -> Brokers:
    """Start what can be had. `ENISHI_REQUIRE_KAFKA` makes the mock an error. Raises `StackError`."""
    if servers := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        return Given(servers)
    kafka = Kafka(data, brokers=brokers, ports=ports)
    try:
        await kafka.start()
    except (JarsUnavailable, JavaUnavailable) as error:
        if os.environ.get("ENISHI_REQUIRE_KAFKA"):
            raise StackError(f"a real Kafka is required: {error}") from error
        print(f"{error}\n{WARNING}", file=sys.stderr)
        mock = Mock(data)
        await mock.start()
        return mock
    return kafka
