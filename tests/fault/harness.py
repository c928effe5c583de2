"""Load and faults at the same time: people register and check in while processes, database and broker die."""

import asyncio
import random
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.demo.__main__ import key_for
from deploy.local.kafka import Kafka
from deploy.local.places import ROOT
from deploy.local.postgres import Postgres
from deploy.local.processes import Process
from deploy.local.stack import Stack
from shared.contracts.registered import Registered
from shared.platform import clock
from tests.fault.checker import Effect, History, Published
from tests.fault.ledger import TABLE

BEGINS = clock.now() + timedelta(days=30)
READERS = ("matching", "survey")
"""Services that keep a copy of what registration says."""
RATE = 40  # requests a second
EACH_KIND = 10  # faults, after which each kind has happened, however long this machine takes for them
IN_FLIGHT = 50  # requests at once: a client that piles up more after a fault only waits for itself


class Run:
    """One fault run: a stack, a ledger beside it, a client and a nemesis."""

    def __init__(self, data: Path, *, readers: Sequence[str] = READERS, mutant: str = "", seed: int = 1) -> None:
        data.chmod(0o755)
        self.stack = Stack(data / "stack", services=("registration", *readers))
        self._readers = readers
        self.history = History()
        self.faults: list[str] = []
        self._dice = random.Random(seed)
        self._mutant = mutant
        self._in_flight = asyncio.Semaphore(IN_FLIGHT)
        self._ledger: Process | None = None
        self._url = ""
        self._gathering = ""
        self._headers: dict[str, str] = {}

    async def start(self) -> None:
        """Start everything and open a gathering."""
        await self.stack.start()
        assert isinstance(self.stack.brokers, Kafka), "a fault run needs a real Kafka"
        database = await self.stack.postgres.create_database("ledger")
        self._url = database.owner_url
        connection = await asyncpg.connect(self._url)
        for path in sorted((ROOT / "shared/delivery/migrations").glob("*.sql")):
            await connection.execute(path.read_text())
        await connection.execute(TABLE)
        await connection.close()
        env = {
            "DATABASE_URL": self._url,
            "KAFKA_BOOTSTRAP_SERVERS": self.stack.brokers.bootstrap_servers,
            "LEDGER_MUTANT": self._mutant,
        }
        log = self.stack.data / "ledger.log"
        self._ledger = Process("ledger", [sys.executable, "-m", "tests.fault.ledger"], log, env=env, cwd=ROOT)
        self._ledger.start()
        self._headers = {"Authorization": f"Bearer {await key_for(self.stack, 'Fault run')}"}
        body = {
            "title": "Fault run",
            "starts_at": BEGINS.isoformat(),
            "ends_at": (BEGINS + timedelta(hours=3)).isoformat(),
            "capacity": 5000,
        }
        async with self._client() as client:
            made = await client.put("/v1/gatherings/fault-run", json=body)
            self._gathering = made.json()["gathering_id"]

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.stack.url("registration"), headers=self._headers, timeout=5)

    async def load(self, seconds: float) -> None:
        """Register `RATE` people a second; a request without an answer is sent again under the same id."""
        async with self._client() as client, asyncio.TaskGroup() as tasks:
            for number in range(int(RATE * seconds)):
                tasks.create_task(self._one(client, f"p-{number}"))
                await asyncio.sleep(1 / RATE)

    async def _one(self, client: httpx.AsyncClient, name: str) -> None:
        body = {
            "external_id": name,
            "name": "試験",
            "email": f"{name}@example.com",
            "purpose": "information",
            "offers": "工場見学",
        }
        self.history.unanswered.add(name)
        made = await self._until_answered(client, f"/v1/gatherings/{self._gathering}/registrations", body)
        if made is None:
            return
        registration = made["registration_id"]
        self.history.unanswered.discard(name)
        self.history.accepted[name] = registration
        if await self._until_answered(client, f"/v1/registrations/{registration}/check-in", None):
            self.history.checked_in.add(registration)

    async def _until_answered(self, client: httpx.AsyncClient, path: str, body: Any) -> Any:
        for _ in range(200):
            async with self._in_flight:
                with suppress(httpx.TransportError):
                    answer = await client.post(path, json=body)
                    if answer.status_code < 300:
                        return answer.json()
                    assert answer.status_code >= 500, answer.text
            await asyncio.sleep(0.1)
        return None

    async def nemesis(self, seconds: float) -> None:
        """Kill something every second or so: services, the ledger, PostgreSQL, the broker."""
        loop = asyncio.get_running_loop()
        end, turn = loop.time() + seconds, 0
        while loop.time() < end - 2 or turn < EACH_KIND:
            await asyncio.sleep(self._dice.uniform(0.5, 1.2))
            turn += 1
            if turn % 12 == 5:
                await self._crash_postgres()
            elif turn % 12 == 10:
                await self._kill_broker()
            elif turn % 3 == 0:
                await self._kill_ledger()
            else:
                await self._kill_service()

    async def _kill_service(self) -> None:
        name = f"{self._dice.choice(('registration', *self._readers))}-0"
        self.faults.append(f"kill -9 {name}")
        self.stack.kill(name)
        await self.stack.revive(name)

    async def _kill_ledger(self) -> None:
        assert self._ledger
        self.faults.append("kill -9 ledger")
        self._ledger.kill()
        await self._ledger.wait(10)
        self._ledger.start()

    async def _crash_postgres(self) -> None:
        assert isinstance(self.stack.postgres, Postgres)
        self.faults.append("PostgreSQL crash")
        await self.stack.postgres.crash()
        await asyncio.sleep(0.5)
        await self.stack.postgres.restart()

    async def _kill_broker(self) -> None:
        kafka = self.stack.brokers
        assert isinstance(kafka, Kafka)
        self.faults.append("broker kill -9")
        kafka.kill(1)
        await asyncio.sleep(1)
        await kafka.restart(1)

    async def settle(self, seconds: float = 180) -> None:
        """Wait until everything accepted has come through, or time is up: the checker tells which."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while loop.time() < deadline:
            with suppress(OSError, asyncpg.PostgresError):
                effects = await self.effects()
                done = {e.registration_id for e in effects if e.attendance == "checked_in"}
                copies = (await self.copies()).values()
                complete = all(all(copy.get(key) == "checked_in" for key in self.history.checked_in) for copy in copies)
                if self.history.checked_in <= done and complete:
                    await asyncio.sleep(2)  # what comes twice comes late
                    return
            await asyncio.sleep(0.5)

    async def effects(self) -> list[Effect]:
        """What the ledger applied, in order."""
        connection = await asyncpg.connect(self._url)
        try:
            rows = await connection.fetch("select * from applied order by at")
        finally:
            await connection.close()
        return [Effect(str(r["event_id"]), str(r["registration_id"]), r["revision"], r["attendance"]) for r in rows]

    async def copies(self) -> dict[str, dict[str, str]]:
        """Registrations as each reader knows them."""
        return {service: await self._copy_of(service) for service in self._readers}

    async def _copy_of(self, service: str) -> dict[str, str]:
        attendance = "attendance" if service == "survey" else "snapshot->>'attendance'"
        connection = await asyncpg.connect(self.stack.replicas[f"{service}-0"].env["MIGRATION_DATABASE_URL"])
        try:
            rows = await connection.fetch(f"select registration_id, {attendance} as attendance from registration")
        finally:
            await connection.close()
        return {str(row["registration_id"]): row["attendance"] for row in rows}

    async def published(self) -> list[Published]:
        """The whole topic."""
        assert self.stack.brokers
        consumer = AIOKafkaConsumer(bootstrap_servers=self.stack.brokers.bootstrap_servers)
        await consumer.start()
        found: list[Published] = []
        try:
            await consumer._client.set_topics([Registered.topic])
            partitions = [TopicPartition(Registered.topic, p) for p in consumer.partitions_for_topic(Registered.topic)]
            ends = {each: end for each, end in (await consumer.end_offsets(partitions)).items() if end}
            consumer.assign(list(ends))
            await consumer.seek_to_beginning()
            while any([await consumer.position(each) < end for each, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=300)).values():
                    for record in records:
                        payload = Registered.read(record.value)
                        event_id = dict(record.headers)["ce_id"].decode()
                        found.append(Published(event_id, record.key.decode(), payload.revision, record.value))
        finally:
            await consumer.stop()
        return found

    async def stop(self) -> None:
        """Stop everything."""
        if self._ledger:
            await self._ledger.stop()
        await self.stack.stop()
