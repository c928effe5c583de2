"""Dependencies that are away at the start or go away: nothing accepted is lost, and operators are told in one line."""

import asyncio
import os
import re
import signal
import sys
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from deploy.local.kafka import Kafka
from deploy.local.places import ROOT, free_ports
from deploy.local.postgres import Postgres
from deploy.local.processes import Process, run
from shared.contracts.met import Met
from shared.contracts.topics import ensure_topics
from shared.delivery import dead_letter
from shared.delivery.consumer import Consumer
from shared.platform import clock
from shared.platform.database import open_database
from tests.background import until
from tests.component.delivery.ledger import met, record_of
from tests.integration.conftest import read_all

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

BEGINS = clock.now() + timedelta(days=30)
PERSON = {
    "external_id": "p-1",
    "name": "試験",
    "email": "p1@example.com",
    "purpose": "information",
    "offers": "工場見学",
}
GATHERING = {
    "title": "試験会",
    "starts_at": BEGINS.isoformat(),
    "ends_at": (BEGINS + timedelta(hours=3)).isoformat(),
    "capacity": 10,
}


def service(name: str, folder: Path, env: dict[str, str]) -> Process:
    return Process(name, [sys.executable, "-m", f"services.{name}"], folder / f"{name}.log", env=env, cwd=ROOT)


async def answers(url: str) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            return (await client.get(f"{url}/readyz")).status_code == 200
        except httpx.TransportError:
            return False


async def test_registration_accepts_while_kafka_is_away_and_publishes_when_it_comes(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    http_port, kafka_port, controller_port = free_ports(3)
    postgres = Postgres(tmp_path / "postgres")
    kafka = Kafka(tmp_path / "kafka", ports=[kafka_port, controller_port])
    url = f"http://127.0.0.1:{http_port}"
    await postgres.start()
    created = await postgres.create_database("registration")
    env = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "HTTP_PORT": str(http_port),
        "REPLICA_NAME": "registration-0",
        "DATABASE_URL": created.url,
        "MIGRATION_DATABASE_URL": created.owner_url,
    }
    await run("migrate", [sys.executable, "-m", "services.registration", "migrate"], env)
    await postgres.stop()
    process = service("registration", tmp_path, env)
    process.start()  # PostgreSQL and Kafka are both away
    try:
        await asyncio.sleep(1.5)
        assert process.running, process.last_words()
        await postgres.start()
        await until(lambda: answers(url), "registration to be ready without Kafka")
        printed = await run(
            "partner", [sys.executable, "-m", "services.registration", "partner", "create", "--name", "P"], env
        )
        key = re.search(r"enishi_live_\w+", printed)
        assert key
        async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key[0]}"}) as client:
            made = (await client.put("/v1/gatherings/g", json=GATHERING)).json()
            answer = await client.post(f"/v1/gatherings/{made['gathering_id']}/registrations", json=PERSON)
            assert answer.status_code == 201
            await kafka.start()
            await ensure_topics(kafka.bootstrap_servers)

            async def published() -> bool:
                return len(await read_all(kafka.bootstrap_servers, "registered")) == 1

            await until(published, "the registration on its topic")
            await postgres.crash()
            refused = await client.post(f"/v1/gatherings/{made['gathering_id']}/registrations", json=PERSON)
            assert refused.status_code == 503
            assert refused.headers["retry-after"]
            await postgres.restart()

            async def served() -> bool:
                again = await client.post(f"/v1/gatherings/{made['gathering_id']}/registrations", json=PERSON)
                return again.status_code == 200 and again.json()["registration_id"] == answer.json()["registration_id"]

            await until(served, "the same answer after the crash")
        process.kill(signal.SIGTERM)
        assert await process.wait(30) == 0
    finally:
        await process.stop()
        await kafka.stop()
        await postgres.stop()


async def test_the_command_line_lists_shows_and_replays_dead_letters(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    postgres = Postgres(tmp_path / "postgres")
    await postgres.start()
    try:
        created = await postgres.create_database("survey")
        env = {
            "DATABASE_URL": created.url,
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
            "LINK_SECRET": "a-secret-for-tests",
        }
        command = [sys.executable, "-m", "services.survey"]
        await run("migrate", [*command, "migrate"], {**env, "MIGRATION_DATABASE_URL": created.owner_url})

        async def failing(tx: object, events: object) -> None:
            raise KeyError("a bug that has been mended since")

        async with open_database(created.url, name="test") as database:
            await Consumer("survey", database, {Met: failing}).apply([record_of(met(1)), record_of(met(2), offset=1)])
            async with database.connection() as connection:
                letters = await dead_letter.listed(connection)
        listed = await run("list", [*command, "dead-letters", "list"], env)
        assert listed.count('"reason":"handler"') == 2
        assert "gathering_id" not in listed, "values are not listed"
        shown = await run("show", [*command, "dead-letters", "show", str(letters[0].id)], env)
        assert "gathering_id" in shown
        assert "replayed 1 of 1" in await run("replay", [*command, "dead-letters", "replay", str(letters[0].id)], env)
        assert "discarded 1" in await run("discard", [*command, "dead-letters", "discard", str(letters[1].id)], env)
        assert await run("list", [*command, "dead-letters", "list"], env) == ""
        async with open_database(created.url, name="test") as database, database.connection() as connection:
            assert await connection.fetchval("select count(*) from meeting") == 1
    finally:
        await postgres.stop()


@pytest.mark.parametrize("name", ["registration", "matching", "followup", "survey"])
async def test_a_broken_setting_is_one_line_and_exit_code_2(name: str, tmp_path: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"services.{name}",
        cwd=ROOT, env={"PATH": os.environ["PATH"], "HTTP_PORT": "many", "LINK_SECRET": "a-secret-for-tests"},
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, stderr = await child.communicate()
    assert child.returncode == 2
    assert stderr.decode().count("\n") == 1
    assert "HTTP_PORT" in stderr.decode()
