"""Start times of the local stack, and the delay from an accepted request to its effect in the next service."""

import asyncio
import shutil
import statistics
import time
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx

from deploy.demo.__main__ import key_for
from deploy.local.kafka import Kafka
from deploy.local.stack import Stack
from shared.platform import clock

BEGINS = clock.now() + timedelta(days=30)
RUNS = 3
IDLE_REQUESTS = 100
LOADED_REQUESTS = 300
LOAD = 60  # registrations a second beside the measured ones


async def start_times(folder: Path) -> dict[str, list[float]]:
    """Seconds until ready, `RUNS` times each; warm means that jars, class archive and data folder are there."""
    found: dict[str, list[float]] = {}
    for name, brokers in (("one broker, warm", 1), ("three brokers, warm", 3)):
        data = folder / f"kafka-{brokers}"
        kafka = Kafka(data, brokers=brokers)
        await kafka.start()  # formats, and leaves the class archive behind
        await kafka.stop()
        for _ in range(RUNS):
            started = time.perf_counter()
            await kafka.start()
            found.setdefault(name, []).append(time.perf_counter() - started)
            await kafka.stop()
    for run in range(RUNS):
        for name in ("whole stack, new data folder", "whole stack, warm"):
            data = folder / f"stack-{run}"
            stack = Stack(data)
            started = time.perf_counter()
            await stack.start()
            found.setdefault(name, []).append(time.perf_counter() - started)
            await stack.stop()
        shutil.rmtree(folder / f"stack-{run}", ignore_errors=True)
    return found


async def delays(folder: Path) -> dict[str, list[float]]:
    """Milliseconds from the answer of a registration to its row in survey's database, idle and under load."""
    stack = Stack(folder / "delay", services=("registration", "survey"))
    await stack.start()
    try:
        headers = {"Authorization": f"Bearer {await key_for(stack, 'Bench')}"}
        async with httpx.AsyncClient(base_url=stack.url("registration"), headers=headers, timeout=30) as client:
            body = {
                "title": "Bench",
                "starts_at": BEGINS.isoformat(),
                "ends_at": (BEGINS + timedelta(hours=3)).isoformat(),
                "capacity": 5000,
            }
            gathering = (await client.put("/v1/gatherings/bench", json=body)).json()["gathering_id"]
            reader = await asyncpg.connect(stack.replicas["survey-0"].env["MIGRATION_DATABASE_URL"])
            await _one(client, gathering, reader, "warm-up")
            idle = []
            for n in range(IDLE_REQUESTS):
                await asyncio.sleep(0.05)
                idle.append(await _one(client, gathering, reader, f"idle-{n}"))
            loading = asyncio.create_task(_load(client, gathering))
            await asyncio.sleep(1)
            loaded = [await _one(client, gathering, reader, f"loaded-{n}") for n in range(LOADED_REQUESTS)]
            loading.cancel()
            await reader.close()
    finally:
        await stack.stop()
    return {"idle": idle, f"beside {LOAD} registrations a second": loaded}


def _person(name: str) -> dict[str, str]:
    return {
        "external_id": name,
        "name": "試験",
        "email": f"{name}@example.com",
        "purpose": "information",
        "offers": "工場見学",
    }


async def _one(
    client: httpx.AsyncClient, gathering: str, reader: "asyncpg.Connection[asyncpg.Record]", name: str
) -> float:
    answer = await client.post(f"/v1/gatherings/{gathering}/registrations", json=_person(name))
    accepted, registration = time.perf_counter(), UUID(answer.json()["registration_id"])
    while not await reader.fetchval("select true from registration where registration_id = $1", registration):
        await asyncio.sleep(0.001)
    return (time.perf_counter() - accepted) * 1000


async def _load(client: httpx.AsyncClient, gathering: str) -> None:
    number = 0
    async with asyncio.TaskGroup() as tasks:
        while True:
            number += 1
            tasks.create_task(client.post(f"/v1/gatherings/{gathering}/registrations", json=_person(f"load-{number}")))
            await asyncio.sleep(1 / LOAD)


def percentile(values: list[float], share: float) -> float:
    """The value below which this share lies."""
    return statistics.quantiles(values, n=1000)[round(share * 1000) - 1]
