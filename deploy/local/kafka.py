"""Apache Kafka in KRaft mode from its jars: one node, or three for failover tests."""

import asyncio
import base64
import hashlib
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.local import jars, java
from deploy.local.places import StackError, cache, free_ports
from deploy.local.processes import Process

BENCH_HEAP_MB: Final = 512  # above this a node is meant for load: both compilers, a concurrent collector
START_TIMEOUT: Final = 180.0  # seconds: a busy machine


@dataclass(frozen=True)
class Node:
    """One combined broker and controller."""

    number: int
    port: int
    controller_port: int
    folder: Path

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


class Kafka:
    """A cluster of one or three nodes on the loopback."""

    def __init__(self, data: Path, *, brokers: int = 1, ports: list[int] | None = None, heap_mb: int = 256) -> None:
        chosen = ports or free_ports(2 * brokers)
        self.nodes = [Node(n + 1, chosen[2 * n], chosen[2 * n + 1], data / f"node-{n + 1}") for n in range(brokers)]
        self._data, self._heap_mb = data, heap_mb
        self._processes: dict[int, Process] = {}
        self._archive: _ClassArchive | None = None

    @property
    def bootstrap_servers(self) -> str:
        return ",".join(node.address for node in self.nodes)

    async def start(self) -> None:
        """Start every node and wait until the cluster answers. Raises `StackError`, having stopped what ran."""
        runtime = java.find()
        class_path = ":".join(map(str, await asyncio.to_thread(jars.class_path)))
        cluster_id = self._cluster_id()
        self._archive = _ClassArchive(runtime, class_path)
        for node in self.nodes:
            _format(node, cluster_id)
            (node.folder / "server.properties").write_text(self._properties(node))
            command: list[str | Path] = [
                runtime.command,
                *_flags(self._heap_mb),
                *self._archive.flags(write=node is self.nodes[0]),
                "-cp",
                class_path,
                "kafka.Kafka",
                "server.properties",
            ]
            self._processes[node.number] = Process(
                f"kafka-{node.number}",
                command,
                self._data / f"kafka-{node.number}.log",
                # Started in its folder, with names relative to it: a properties file takes no 縁 and no comma in a path.
                cwd=node.folder,
                env={"LC_ALL": "C.UTF-8"},
            )
        try:
            for process in self._processes.values():
                process.start()
            await self.ready()
        except BaseException:
            await self.stop()
            raise

    async def ready(self) -> None:
        """Wait until every node is a broker of the cluster and answers metadata requests."""
        try:
            async with asyncio.timeout(START_TIMEOUT):
                while not await self._sees_all():
                    for process in self._processes.values():
                        process.check()
                    await asyncio.sleep(0.03)
        except TimeoutError:
            words = next(iter(self._processes.values())).last_words()
            raise StackError(f"Kafka was not ready after {START_TIMEOUT:.0f} s; see {self._data}\n{words}") from None

    async def _sees_all(self) -> bool:
        for node in self.nodes:  # a closed port answers at once; the client would try for longer and complain
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", node.port)
                writer.close()
            except OSError:
                return False
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers, request_timeout_ms=3000)
        try:
            await admin.start()
            cluster = await admin.describe_cluster()
            return len(cluster["brokers"]) == len(self.nodes)
        except (KafkaError, OSError, TimeoutError):
            return False
        finally:
            await admin.close()

    async def stop(self) -> None:
        """Stop every node in an orderly way."""
        await asyncio.gather(*(process.stop() for process in self._processes.values()))
        if self._archive:
            self._archive.keep()

    def kill(self, number: int) -> None:
        """SIGKILL one node."""
        self._processes[number].kill()

    async def restart(self, number: int, *, wait: bool = True) -> None:
        """Stop one node if it runs, start it, and by default wait until all answer."""
        process = self._processes[number]
        await process.stop(signal.SIGTERM)
        process.start()
        if wait:
            await self.ready()

    def check(self) -> None:
        """Raise `StackError` when a node has ended by itself."""
        for process in self._processes.values():
            process.check()

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes.values() if process.running]

    def _cluster_id(self) -> str:
        file = self._data / "cluster-id"
        if not file.exists():
            self._data.mkdir(parents=True, exist_ok=True)
            file.write_text(_random_id())
        return file.read_text()

    def _properties(self, node: Node) -> str:
        size = len(self.nodes)
        copies = 3 if size >= 3 else 1
        majority = 2 if size >= 3 else 1
        voters = ",".join(f"{each.number}@127.0.0.1:{each.controller_port}" for each in self.nodes)
        return _lines(
            {
                "process.roles": "broker,controller",
                "node.id": node.number,
                "listeners": f"PLAINTEXT://127.0.0.1:{node.port},CONTROLLER://127.0.0.1:{node.controller_port}",
                "advertised.listeners": f"PLAINTEXT://127.0.0.1:{node.port}",
                "controller.listener.names": "CONTROLLER",
                "inter.broker.listener.name": "PLAINTEXT",
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "controller.quorum.voters": voters,
                "log.dirs": "logs",
                "auto.create.topics.enable": "false",
                "default.replication.factor": copies,
                "min.insync.replicas": majority,
                "unclean.leader.election.enable": "false",
                "offsets.topic.replication.factor": copies,
                "offsets.topic.num.partitions": 3,  # 50 by default: the slowest part of the first group join
                "transaction.state.log.replication.factor": copies,
                "transaction.state.log.min.isr": majority,
                "transaction.state.log.num.partitions": 3,
                "share.coordinator.state.topic.replication.factor": copies,
                "share.coordinator.state.topic.min.isr": majority,
                "share.coordinator.state.topic.num.partitions": 1,
                "group.initial.rebalance.delay.ms": 0,  # 3,000 by default
                "group.min.session.timeout.ms": 1000,  # lets a test see a dead member in a second or two
                "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,  # 128 MiB of heap by default
                "num.network.threads": 2,
                "num.io.threads": 4,
                # A failover that tests can wait for; the defaults are 2,000 / 9,000 / 30,000.
                "broker.heartbeat.interval.ms": 500,
                "broker.session.timeout.ms": 3000,
                "replica.lag.time.max.ms": 5000,
                "controller.quorum.election.timeout.ms": 500,
                "controller.quorum.fetch.timeout.ms": 1000,
            }
        )


def _lines(properties: dict[str, object]) -> str:
    return "".join(f"{name}={value}\n" for name, value in properties.items())


def _random_id() -> str:
    """Kafka's own id format: 16 random bytes as base64url without padding, not beginning with a dash."""
    while (made := base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return made


def _format(node: Node, cluster_id: str) -> None:
    """Make the log folder a member of the cluster, as the storage tool does for a static quorum, without its JVM."""
    logs = node.folder / "logs"
    if (logs / "meta.properties").exists():
        return
    logs.mkdir(parents=True)
    meta = {"version": 1, "cluster.id": cluster_id, "node.id": node.number, "directory.id": _random_id()}
    (logs / "meta.properties").write_text(_lines(dict(meta)))


class _ClassArchive:
    """Parsed classes kept between starts: written by the first node when it stops, used by every later start.

    Class data sharing on Java 17 and newer, an ahead-of-time cache on 25 and newer. An archive fits one Java and one
    class path, so its name is derived from both.
    """

    def __init__(self, runtime: java.Java, class_path: str) -> None:
        identity = hashlib.sha256(f"{runtime.command} {runtime.version} {class_path}".encode()).hexdigest()[:12]
        self._ahead_of_time = runtime.major >= 25
        self._file = cache() / f"kafka-classes-{identity}"
        self._fresh = self._file.with_name(f"{self._file.name}.{uuid4().hex[:8]}")  # two clusters may write at once

    def flags(self, *, write: bool) -> list[str]:
        """JVM flags that use the archive, or that write it at exit where there is none."""
        if self._file.exists():
            # Both skip an archive that does not fit. Beside AOTCache a JVM refuses to start with any -Xshare.
            option = "AOTCache" if self._ahead_of_time else "SharedArchiveFile"
            return [f"-XX:{option}={self._file}", "-Xlog:disable", "-Xlog:all=off"]
        if not write:
            return []
        option = "AOTCacheOutput" if self._ahead_of_time else "ArchiveClassesAtExit"
        return [f"-XX:{option}={self._fresh}", "-Xlog:disable", "-Xlog:all=off"]

    def keep(self) -> None:
        """Put a freshly written archive in its place; one that is missing costs a second at the next start."""
        if self._fresh.exists():
            self._fresh.replace(self._file)


def _flags(heap_mb: int) -> list[str]:
    flags = [f"-Xms{heap_mb}m", f"-Xmx{heap_mb}m", "-Djava.awt.headless=true"]
    flags.append("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
    if heap_mb > BENCH_HEAP_MB:
        return [*flags, "-XX:+UseG1GC"]
    # One quick compiler suits a node that lives for minutes.
    return [*flags, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
