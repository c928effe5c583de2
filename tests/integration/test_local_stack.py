"""The local stack: real servers that keep their data, refuse what was not pinned, and leave nothing behind."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local import brokers, jars
from deploy.local.kafka import Kafka
from deploy.local.places import ROOT, StackError
from deploy.local.postgres import Postgres
from shared.contracts.topics import ensure_topics
from tests.integration.conftest import read_all

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


async def test_a_killed_broker_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    kafka = Kafka(tmp_path / "kafka")
    await kafka.start()
    try:
        assert (await ensure_topics(kafka.bootstrap_servers)).differences == []
        producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers, acks="all")
        await producer.start()
        for number in range(100):
            await producer.send_and_wait("met", b"value", key=str(number).encode())
        await producer.stop()
        kafka.kill(1)
        await kafka.restart(1)
        assert len(await read_all(kafka.bootstrap_servers, "met")) == 100
        again = await ensure_topics(kafka.bootstrap_servers)
        assert (again.created, again.differences) == ([], [])
        pids = kafka.pids
    finally:
        await kafka.stop()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


async def test_three_brokers_survive_one(tmp_path: Path) -> None:
    kafka = Kafka(tmp_path / "kafka", brokers=3)
    await kafka.start()
    try:
        await ensure_topics(kafka.bootstrap_servers)
        producer = AIOKafkaProducer(
            bootstrap_servers=kafka.bootstrap_servers, acks="all", enable_idempotence=True, metadata_max_age_ms=1000
        )
        await producer.start()
        await producer.send_and_wait("met", b"before", key=b"1")
        kafka.kill(2)
        for number in range(20):
            await asyncio.wait_for(producer.send_and_wait("met", b"after", key=str(number).encode()), 30)
        await producer.stop()
        await kafka.restart(2)
        assert len(await read_all(kafka.bootstrap_servers, "met")) == 21
    finally:
        await kafka.stop()


async def test_postgres_recovers_from_a_crash_and_the_service_role_is_small(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    postgres = Postgres(tmp_path / "postgres")
    await postgres.start()
    try:
        one, other = await postgres.create_database("one"), await postgres.create_database("other")
        owner = await asyncpg.connect(one.owner_url)
        await owner.execute("create table thing (n int); insert into thing values (1)")
        await owner.close()
        await postgres.crash()
        await postgres.restart()
        service = await asyncpg.connect(one.url)
        await service.execute("insert into thing values (2)")
        assert await service.fetchval("select count(*) from thing") == 2
        for statement in (
            "create table mine (n int)",
            "drop table thing",
            "alter table thing add m int",
            "truncate thing",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await service.execute(statement)
        await service.close()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(f"{one.url.rpartition('/')[0]}/{other.name}")
    finally:
        await postgres.stop()
    assert postgres.pids == []


def test_a_jar_that_was_not_pinned_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kafka.jar").write_bytes(b"something else")
    with pytest.raises(StackError, match=r"kafka\.jar"):
        jars.check(tmp_path, {"kafka.jar": "0" * 64})
    with pytest.raises(StackError, match=r"missing\.jar"):
        jars.check(tmp_path, {"missing.jar": "0" * 64})


async def test_without_jars_the_mock_stands_in_loudly_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENISHI_CACHE", str(tmp_path / "empty"))
    monkeypatch.setattr("deploy.local.jars.shutil.which", lambda name: None)
    monkeypatch.delenv("ENISHI_REQUIRE_KAFKA", raising=False)
    mock = await brokers.start(tmp_path)
    try:
        assert "NO REAL KAFKA" in capsys.readouterr().err
        producer = AIOKafkaProducer(bootstrap_servers=mock.bootstrap_servers)
        await producer.start()
        await producer.stop()
    finally:
        await mock.stop()
    monkeypatch.setenv("ENISHI_REQUIRE_KAFKA", "1")
    with pytest.raises(StackError, match="a real Kafka is required"):
        await brokers.start(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_however_the_parent_ends_no_child_is_left(tmp_path: Path, number: signal.Signals) -> None:
    tmp_path.chmod(0o755)
    command = [sys.executable, "-m", "deploy.local", "postgres", "--data", str(tmp_path / "data")]
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert parent.stdout
    assert parent.stdout.readline().startswith("DATABASE_URL=")
    children = [int(pid) for pid in Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()]
    assert children
    os.kill(parent.pid, number)
    code = parent.wait(30)
    assert code == (0 if number is signal.SIGINT else -signal.SIGKILL)
    for _ in range(1200):
        if not any(_alive(pid) for pid in children):
            break
        subprocess.run(["sleep", "0.05"], check=True)
    assert not any(_alive(pid) for pid in children)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL runs as somebody else")
def test_what_lies_elsewhere_for_a_closed_folder_lasts_as_long_as_the_folder() -> None:
    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name)
        temporary.chmod(0o755)
        closed = temporary / "closed"
        closed.mkdir(mode=0o700)
        command = [sys.executable, "-m", "deploy.local", "postgres", "--data", str(closed / "data")]
        kept = set()
        for _ in range(2):
            with subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, "TMPDIR": name}, stdout=subprocess.PIPE, text=True
            ) as parent:
                assert parent.stdout
                assert parent.stdout.readline().startswith("DATABASE_URL=")
                parent.send_signal(signal.SIGINT)
            kept |= set(temporary.glob("enishi-postgres-data-*"))
        assert len(kept) == 1
        assert all((each / "cluster" / "PG_VERSION").exists() for each in kept)
        shutil.rmtree(closed)
        subprocess.run(
            [sys.executable, "-c", "import deploy.local.postgres"],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": name},
            check=True,
        )
        assert list(temporary.glob("enishi-postgres-data-*")) == []


def _alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
