"""The whole system: Kafka, PostgreSQL, topics, migrations, and the four services."""

import asyncio
import secrets
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local import brokers, postgres
from deploy.local.brokers import Brokers
from deploy.local.places import ROOT, StackError, free_ports
from deploy.local.postgres import Server
from deploy.local.processes import Process, run
from shared.contracts.catalogue import SERVICES
from shared.contracts.topics import ensure_topics

READY_TIMEOUT: Final = 180.0  # seconds: a busy machine


@dataclass
class Replica:
    """One running process of a service."""

    service: str
    name: str
    url: str
    env: dict[str, str]
    process: Process


class Stack:
    """Everything that runs, started together and stopped together."""

    def __init__(
        self,
        data: Path,
        *,
        broker_count: int = 1,
        port_base: int | None = None,
        services: tuple[str, ...] = SERVICES,
        env: dict[str, str] | None = None,
    ) -> None:
        self.data = data
        self.services = services
        self._broker_count = broker_count
        count = 2 * broker_count + 1 + len(services)
        ports = [port_base + n for n in range(count)] if port_base else free_ports(count)
        self._service_ports, ports = ports[: len(services)], ports[len(services) :]
        self._kafka_ports, postgres_port = ports[:-1], ports[-1]
        self.postgres: Server = postgres.server(data, port=postgres_port)
        self.brokers: Brokers | None = None
        self.replicas: dict[str, Replica] = {}
        self._env = env or {}

    async def start(self) -> None:
        """Start everything; independent things at the same time. Raises `StackError`, having stopped what ran."""
        self.data.mkdir(parents=True, exist_ok=True)
        try:
            async with asyncio.TaskGroup() as together:  # when one fails, the other is cancelled and stops its own
                together.create_task(self._start_brokers())
                together.create_task(self._start_databases())
            for replica in self.replicas.values():
                self._launch(replica)
            await asyncio.gather(*(self.ready(replica) for replica in self.replicas.values()))
        except BaseExceptionGroup as group:
            await self.stop()
            raise group.exceptions[0] from None
        except BaseException:
            await self.stop()
            raise

    async def _start_brokers(self) -> None:
        self.brokers = await brokers.start(self.data, brokers=self._broker_count, ports=self._kafka_ports)
        outcome = await ensure_topics(self.brokers.bootstrap_servers)
        if outcome.differences and not isinstance(self.brokers, brokers.Mock):
            raise StackError(f"topics differ from the catalogue: {'; '.join(outcome.differences[:5])}")

    async def _start_databases(self) -> None:
        await self.postgres.start()
        await asyncio.gather(*(self._prepare(service) for service in self.services))

    async def _prepare(self, service: str) -> None:
        database = await self.postgres.create_database(service)
        port = self._service_ports[self.services.index(service)]
        url = f"http://127.0.0.1:{port}"
        env = {
            "DATABASE_URL": database.url,
            "MIGRATION_DATABASE_URL": database.owner_url,
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": str(port),
            "PUBLIC_URL": url,
            "REPLICA_NAME": f"{service}-0",
            "LINK_SECRET": self._secret(),
            "PYTHONUNBUFFERED": "1",
            **self._env,
        }
        self._place(service, f"{service}-0", url, env)
        await run(
            f"{service} migrate",
            [sys.executable, "-m", f"services.{service}", "migrate"],
            {**env, "KAFKA_BOOTSTRAP_SERVERS": "not-needed-to-migrate"},
        )

    def _place(self, service: str, name: str, url: str, env: dict[str, str]) -> Replica:
        command = [sys.executable, "-m", f"services.{service}"]
        process = Process(name, command, self.data / f"{name}.log", env=env, cwd=ROOT)
        self.replicas[name] = Replica(service, name, url, env, process)
        return self.replicas[name]

    def _launch(self, replica: Replica) -> None:
        if self.brokers:
            replica.process.env["KAFKA_BOOTSTRAP_SERVERS"] = self.brokers.bootstrap_servers
        replica.process.start()

    def _secret(self) -> str:
        file = self.data / "link-secret"
        if not file.exists():
            file.write_text(secrets.token_urlsafe(32))
            file.chmod(0o600)
        return file.read_text()

    async def add_replica(self, service: str) -> Replica:
        """Run one more process of a service, on a port of its own."""
        first = self.replicas[f"{service}-0"]
        number = sum(1 for replica in self.replicas.values() if replica.service == service)
        (port,) = free_ports(1)
        name = f"{service}-{number}"
        env = {**first.env, "HTTP_PORT": str(port), "REPLICA_NAME": name}
        replica = self._place(service, name, f"http://127.0.0.1:{port}", env)
        self._launch(replica)
        await self.ready(replica)
        return replica

    def kill(self, name: str) -> None:
        """SIGKILL one replica."""
        self.replicas[name].process.kill()

    async def revive(self, name: str) -> None:
        """Start a replica that was killed, without waiting for it."""
        process = self.replicas[name].process
        await process.wait(10)
        process.start()

    async def ready(self, replica: Replica) -> None:
        """Wait until a replica answers `/readyz`."""
        deadline = time.monotonic() + READY_TIMEOUT
        while not await asyncio.to_thread(_answers, f"{replica.url}/readyz"):
            replica.process.check()
            if time.monotonic() > deadline:
                raise StackError(f"{replica.name} was not ready after {READY_TIMEOUT:.0f} s; see {replica.process.log}")
            await asyncio.sleep(0.05)

    def url(self, service: str) -> str:
        """Where a service answers."""
        return self.replicas[f"{service}-0"].url

    def check(self) -> None:
        """Raise `StackError` when a service, Kafka or PostgreSQL has ended by itself."""
        for replica in self.replicas.values():
            replica.process.check()
        self.postgres.check()
        if self.brokers:
            self.brokers.check()

    async def stop(self) -> None:
        """Stop services first, then what they stand on."""
        await asyncio.gather(*(each.process.stop() for each in self.replicas.values()))
        stopping = [self.postgres.stop()]
        if self.brokers:
            stopping.append(self.brokers.stop())
        await asyncio.gather(*stopping)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False
