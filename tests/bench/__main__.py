"""`make bench`: measure, print, and write docs/benchmarks.md. Ratios of one run are what to quote: machines differ."""

import asyncio
import os
import platform
import re
import statistics
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import asyncpg

from deploy.local import java
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from shared.platform import runtime
from shared.platform.database import open_database
from tests.bench import end_to_end, running
from tests.component.delivery.ledger import LEDGER

ROOT = Path(__file__).parents[2]
ROUNDS = 3


async def main() -> None:
    """Run everything and write the report."""
    runtime.spare_collector()  # as a service does; it speeds up all three ways alike
    with tempfile.TemporaryDirectory(prefix="enishi-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        rounds, cpu, server = await _throughput(folder)
        starts = await running.start_times(folder)
        delays = await running.delays(folder)
    text = _report(rounds, cpu, starts, delays, server)
    report = ROOT / "docs" / "benchmarks.md"
    # Other parts are written by benchmarks of their own; headings of the first order begin them.
    others = re.split(r"^(?=# )", report.read_text(), flags=re.MULTILINE)[2:] if report.exists() else []
    report.write_text("\n".join([text, *others]))
    print(text)


async def _throughput(folder: Path) -> tuple[list[dict[str, tuple[float, float]]], dict[str, float], str]:
    kafka, postgres = Kafka(folder / "kafka", heap_mb=1024), Postgres(folder / "postgres")
    await asyncio.gather(kafka.start(), postgres.start())
    try:
        await end_to_end.prepare(kafka.bootstrap_servers)
        rounds = []
        for number in range(ROUNDS):
            created = await postgres.create_database(f"bench_{number}")
            settings = LEDGER.settings(
                database_url=created.url,
                migration_database_url=created.owner_url,
                kafka_bootstrap_servers=kafka.bootstrap_servers,
            )
            await LEDGER.migrate(settings)
            async with open_database(created.url, name="bench") as database:
                rounds.append(await end_to_end.measure(kafka.bootstrap_servers, database))
        cpu = await end_to_end.decoding(kafka.bootstrap_servers)
        connection = await asyncpg.connect(postgres.admin_url)
        server = str(await connection.fetchval("show server_version"))
        await connection.close()
        return rounds, cpu, server
    finally:
        await asyncio.gather(kafka.stop(), postgres.stop())


def _report(
    rounds: list[dict[str, tuple[float, float]]], cpu: dict[str, float], starts: Any, delays: Any, server: str
) -> str:
    best = {name: max(each[name][0] for each in rounds) for name in rounds[0]}
    spent = {name: min(each[name][1] for each in rounds) for name in rounds[0]}
    ratios = {
        "ours / floor": [each["ours"][0] / each["floor"][0] for each in rounds],
        "ours / tutorial": [each["ours"][0] / each["tutorial"][0] for each in rounds],
    }
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}. Kafka, PostgreSQL and clients share the machine, and other",
        "work may have run beside them: compare within a table, quote ratios.",
        "",
        f"Machine: {_cpus()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, Java"
        f" {java.find().version}, PostgreSQL {server} (fsync on), Kafka 4.3.1 (1 GiB heap for throughput), "
        + ", ".join(f"{name} {version(name)}" for name in ("faststream", "aiokafka", "asyncpg", "pydantic"))
        + ".",
        "",
        "## Topic in, transaction, relay, topic out",
        "",
        f"{end_to_end.EVENTS:,} events ({end_to_end.TUTORIAL_EVENTS:,} for the tutorial way), {ROUNDS} rounds, best of each.",
        "",
        "| way | events/s | client CPU, µs an event |",
        "|---|---|---|",
        *(f"| {name} | {best[name]:,.0f} | {spent[name]:.0f} |" for name in ("floor", "ours", "tutorial")),
        "",
        "*floor*: `getmany`, one batch insert, produced at once; no inbox, no outbox, no dead letters. *ours*: all three.",
        "*tutorial*: FastStream with one record, one insert and one commit at a time. What stands between ours and the floor is",
        "the price of effectively once: two more rows an event in PostgreSQL (inbox, outbox), one of them read and deleted again,",
        "and the envelope written to the row and parsed from it. Aims of the first release: 10,000 events/s or more, and 0.8 of",
        "the floor.",
        "",
        "| ratio | per round | median |",
        "|---|---|---|",
        *(
            f"| {name} | {', '.join(f'{value:.2f}' for value in values)} | {statistics.median(values):.2f} |"
            for name, values in ratios.items()
        ),
        "",
        "## Client CPU to fetch and understand one record",
        "",
        "| way | µs |",
        "|---|---|",
        *(f"| {name} | {value:.1f} |" for name, value in cpu.items()),
        "",
        "## Start of the local stack, seconds until ready",
        "",
        "| what | median | all runs |",
        "|---|---|---|",
        *(
            f"| {name} | {statistics.median(values):.2f} | {', '.join(f'{value:.2f}' for value in values)} |"
            for name, values in starts.items()
        ),
        "",
        "The very first start on a machine also fetches 44 MB of jars and writes the class archive when it stops.",
        "",
        "## From an accepted request to its effect in the next service, milliseconds",
        "",
        "HTTP answer of registration → outbox → relay → topic → consumer → row in survey's database.",
        "",
        "| when | p50 | p99 | max |",
        "|---|---|---|---|",
        *(
            f"| {name} (n={len(values)}) | {running.percentile(values, 0.5):.0f} | {running.percentile(values, 0.99):.0f}"
            f" | {max(values):.0f} |"
            for name, values in delays.items()
        ),
        "",
    ]
    return "\n".join(lines)


def _cpus() -> int:

    return len(os.sched_getaffinity(0))


if __name__ == "__main__":
    asyncio.run(main())
