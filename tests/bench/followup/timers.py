"""How fast follow-up's timers are, against procrastinate and pgbench on the same PostgreSQL, in one run.

    python -m tests.bench.followup.timers [--timers 20000] [--pending 10000 100000] [--jobs 300] [--lateness-at 100000]

Prints a table and ratios: on a shared machine only the ratios mean much. Runs are interleaved, the best of three counts.
"""

import argparse
import asyncio
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import procrastinate
import uvloop
from procrastinate.types import JSONDict

from deploy.local.postgres import Server
from deploy.local.testing import running_postgres
from services.followup import handlers
from services.followup.app import SERVICE, read_rules
from services.followup.settings import FollowupSettings
from services.followup.store import timers
from services.followup.timers import drain, run
from shared.contracts.envelope import Event
from shared.contracts.met import Met
from shared.platform.database import Database, open_database

ROUNDS: Final = 3

FILL: Final = """
insert into followup select r.* from (
    select gen_random_uuid() as id, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), now(),
        now(), 1, false, 1, null::timestamptz, null::timestamptz, now() + interval '1 day', false, 'open', now(), now(),
        null::text, null::timestamptz, null::timestamptz, false, null::timestamptz, '{1,2,3}'::smallint[],
        '{thank_draft,thank_last_call,next_step}'::text[],
        array[due, due + interval '1 year', due + interval '2 years'],
        array_fill(now() + interval '9 years', array[3]), 1, 1
    from (select now() + n * $2::interval as due from generate_series(1, $1::int) as n) as times) as r
"""

LEAN: Final = """
with due as materialized (
    select id from lean_timer where due_at <= now() order by due_at, id limit $1 for update skip locked
), gone as (
    delete from lean_timer where id = any(array(select id from due)) returning id
)
insert into lean_outbox (payload) select id::text from gone
"""


class Bench:
    """One database of follow-up on one server, and what was measured."""

    def __init__(self, server: Server, database: Database, url: str) -> None:
        self.server, self.database, self.url = server, database, url
        self.rates: dict[str, float] = {}

    async def sql(self, statement: str, *arguments: Any) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(statement, *arguments, timeout=600)
        finally:
            await connection.close()

    async def empty(self) -> None:
        await self.sql("truncate followup, timer, due_item, outbox, inbox, report")

    async def fill(self, due: int, pending: int) -> None:
        """`pending` timers far ahead, first, and `due` that are due now."""
        await self.empty()
        await self.sql(FILL, pending, timedelta(seconds=60))
        await self.sql(FILL, due, timedelta(milliseconds=-1))
        await self.sql("insert into timer select id, owner, 1, due[1], 1 from followup")
        await self.sql("vacuum analyze timer, followup")

    def keep(self, name: str, rate: float) -> None:
        self.rates[name] = max(rate, self.rates.get(name, 0))

    async def ours(self, name: str, due: int, pending: int, batch: int) -> None:
        await self.fill(due, pending)
        connection = await timers.connect(self.database.url)
        started = time.perf_counter()
        fired = await drain(connection, self.database, batch)
        seconds = time.perf_counter() - started
        await connection.close()
        assert fired == due, (fired, due)
        self.keep(name, due / seconds)

    async def pgbench(self, due: int, pending: int, batch: int) -> None:
        """The same statement from C, prepared, on one connection."""
        await self.fill(due, pending)
        statement = timers.FIRE.replace("$1::int", str(batch)).replace("$2::timestamptz", "'-infinity'")
        statement = statement.replace("$3::uuid", "'00000000-0000-0000-0000-000000000000'")
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            script.write(" ".join(statement.split()) + ";\n")
            script.flush()
            options = " ".join(f"-c {name}={value}" for name, value in timers.PINNED.items())
            command = ["pgbench", "-n", "-M", "prepared", "-c", "1", "-t", str(due // batch), "-f", script.name]
            output = await asyncio.to_thread(
                subprocess.run,
                [*command, self.database.url],
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "PGOPTIONS": options},
            )
        found = re.search(r"tps = ([\d.]+)", output.stdout)
        assert found, output.stderr
        self.keep("pgbench", float(found[1]) * batch)

    async def lean(self, due: int, pending: int, batch: int) -> None:
        """One row, one outbox row, nothing else: what a timer costs at least."""
        await self.sql("drop table if exists lean_timer, lean_outbox")
        await self.sql("create table lean_timer (id uuid primary key, due_at timestamptz not null)")
        await self.sql("create index on lean_timer (due_at, id)")
        await self.sql("create table lean_outbox (seq bigint generated always as identity primary key, payload text)")
        await self.sql(
            "insert into lean_timer select gen_random_uuid(), now() + interval '1 day' * n"
            " from generate_series(1, $1::int) as n",
            pending,
        )
        await self.sql(
            "insert into lean_timer select gen_random_uuid(), now() - interval '1 ms' * n from generate_series(1, $1::int) n",
            due,
        )
        await self.sql("vacuum analyze lean_timer")
        connection = await asyncpg.connect(self.url, server_settings=timers.PINNED)
        started = time.perf_counter()
        count = batch
        while count == batch:
            count = int((await connection.execute(LEAN, batch)).rpartition(" ")[2])
        seconds = time.perf_counter() - started
        left = await connection.fetchval("select count(*) from lean_timer where due_at <= now()")
        await connection.close()
        assert left == 0
        self.keep("lean", due / seconds)

    async def procrastinate(self, name: str, jobs: int, pending: int, concurrency: int) -> None:
        """No-op tasks, deleted on success, deferred after the future ones, as when long timers precede short ones."""
        database = await self.server.create_database(f"procrastinate_{uuid4().hex[:8]}")
        app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=database.owner_url))

        @app.task
        async def nothing(n: int) -> None:
            del n

        async with app.open_async():
            await app.schema_manager.apply_schema_async()
            later = nothing.configure(schedule_at=datetime.now(UTC) + timedelta(days=90))
            for start in range(0, pending, 1000):
                await later.batch_defer_async(*jobs_of(start, min(start + 1000, pending)))
            await nothing.batch_defer_async(*jobs_of(0, jobs))
            connection = await asyncpg.connect(database.owner_url)
            await connection.execute("vacuum analyze procrastinate_jobs")
            await connection.close()
            started = time.perf_counter()
            worker = app.run_worker_async(
                wait=False, concurrency=concurrency, delete_jobs="always", install_signal_handlers=False
            )
            await worker
            seconds = time.perf_counter() - started
        await self.server.drop_database(database.name)
        self.keep(name, jobs / seconds)

    async def ingest(self, meetings: int) -> None:
        """Meetings in batches of 500, as the consumer hands them over, inbox and decoding apart."""
        await self.empty()
        known = handlers.build(read_rules(settings_of(self.database.url)))
        now = datetime.now(UTC)
        events = [self._met(n, now) for n in range(meetings)]
        for name in ("ingest", "replay"):
            started = time.perf_counter()
            for start in range(0, meetings, 500):
                async with self.database.transaction() as tx:
                    await known[Met](tx, events[start : start + 500])
            self.keep(name, meetings / (time.perf_counter() - started))

    @staticmethod
    def _met(n: int, now: datetime) -> Event[Any]:
        met = Met(
            meeting_id=uuid4(),
            gathering_id=UUID(int=1),
            revision=1,
            a=UUID(int=1000 + 2 * n),
            b=UUID(int=1001 + 2 * n),
            met_at=now - timedelta(minutes=n % 60),
            source="qr",
        )
        return Event(uuid4(), Met, met.key(), now, "/enishi/bench", met)

    async def lateness(self, pending: int, per_second: int, seconds: int) -> list[float]:
        """Milliseconds from due to fired, by the database's clock, of timers that become due one after the other."""
        await self.fill(1, pending)
        await self.sql("update timer set due_at = now() + interval '1 year' where due_at <= now()")
        await self.sql(
            "update timer set due_at = now() + interval '2 seconds' + n * $2::interval from (select followup_id as id,"
            " row_number() over () as n from timer order by followup_id limit $1) as picked where picked.id = followup_id",
            per_second * seconds,
            timedelta(seconds=1 / per_second),
        )
        await self.sql("vacuum analyze timer")
        task = asyncio.create_task(run(self.database, 500, 30))
        await asyncio.sleep(seconds + 3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with self.database.connection() as connection:
            rows = await connection.fetch("select extract(epoch from fired_at - due_at)::float8 as late from due_item")
        assert len(rows) == per_second * seconds, len(rows)
        return sorted(row["late"] * 1000 for row in rows)

    async def burst(self, count: int) -> float:
        """Seconds until all of `count` timers that are due at one instant have fired."""
        await self.fill(1, count)
        await self.sql("update timer set due_at = now()")
        connection = await timers.connect(self.database.url)
        started = time.perf_counter()
        fired = await drain(connection, self.database, 500)
        await connection.close()
        assert fired == count + 1
        return time.perf_counter() - started


def jobs_of(first: int, last: int) -> list[JSONDict]:
    return [{"n": n} for n in range(first, last)]


def settings_of(url: str) -> FollowupSettings:
    return FollowupSettings(
        database_url=url, kafka_bootstrap_servers="127.0.0.1:9", link_secret="a-secret-of-the-benchmark"
    )


async def measure(server: Server, arguments: argparse.Namespace) -> None:
    created = await server.create_database(f"bench_{uuid4().hex[:8]}")
    settings = settings_of(created.url).model_copy(update={"migration_database_url": created.owner_url})
    await SERVICE.migrate(settings)
    async with open_database(created.url, name="bench") as database:
        bench = Bench(server, database, created.owner_url)
        await compare(bench, arguments)
    await server.drop_database(created.name)


async def compare(bench: Bench, arguments: argparse.Namespace) -> None:
    n, jobs = arguments.timers, arguments.jobs
    has_pgbench = shutil.which("pgbench") is not None
    for _ in range(ROUNDS):
        await bench.ours("ours b=500", n, 0, 500)
        if has_pgbench:
            await bench.pgbench(n, 0, 500)
        await bench.lean(n * 4, n, 500)
        await bench.ours("ours b=1", jobs * 4, 0, 1)
        await bench.procrastinate("procrastinate", jobs * 4, 0, 10)
        await bench.ingest(n // 2)
    for pending in arguments.pending:
        for _ in range(ROUNDS if pending < 100_000 else 1):
            await bench.ours(f"ours b=500 {pending}", n, pending, 500)
            await bench.ours(f"ours b=1 {pending}", jobs, pending, 1)
            await bench.procrastinate(f"procrastinate {pending}", jobs, pending, 10)
    report(bench, arguments, has_pgbench)
    late = await bench.lateness(arguments.lateness_at, 40, 10)
    print(
        f"lateness with {arguments.lateness_at:,} pending, 40 due a second: p50 {statistics.median(late):.1f} ms,"
        f" p99 {late[int(len(late) * 0.99)]:.1f} ms, max {late[-1]:.1f} ms"
    )
    print(f"100,000 due at one instant: {await bench.burst(100_000):.2f} s")


def report(bench: Bench, arguments: argparse.Namespace, has_pgbench: bool) -> None:
    rates = bench.rates
    print(f"\n{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    for name, rate in rates.items():
        print(f"  {name:<24}{rate:>12,.0f} /s")
    print("\nratios")
    if has_pgbench:
        print(f"  full model to pgbench, same SQL, batch 500    {rates['ours b=500'] / rates['pgbench']:8.2f}")
    print(f"  to procrastinate, nothing pending, one by one {rates['ours b=1'] / rates['procrastinate']:8.1f}")
    print(f"  to procrastinate, nothing pending, batch 500  {rates['ours b=500'] / rates['procrastinate']:8.0f}")
    for pending in arguments.pending:
        theirs = rates[f"procrastinate {pending}"]
        for batch in (1, 500):
            ratio = rates[f"ours b={batch} {pending}"] / theirs
            print(f"  to procrastinate, {pending:>9,} pending before, batch {batch:<3} {ratio:8.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--timers", type=int, default=20_000, help="due timers per run, a multiple of 500")
    parser.add_argument("--pending", type=int, nargs="*", default=[10_000, 100_000], help="timers that lie ahead")
    parser.add_argument("--jobs", type=int, default=300, help="procrastinate's jobs per run")
    parser.add_argument("--lateness-at", type=int, default=100_000, help="pending timers while lateness is measured")
    arguments = parser.parse_args()
    with running_postgres() as server:
        uvloop.run(measure(server, arguments))


if __name__ == "__main__":
    main()
