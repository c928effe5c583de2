"""A migrated database of follow-up on a server of its own, and how it is filled with timers."""

import os
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Final, NamedTuple
from uuid import uuid4

import asyncpg

from deploy.local.postgres import Postgres, Server
from services.followup.app import SERVICE
from services.followup.settings import FollowupSettings
from shared.platform.database import Database, open_database

# Ids are random, as derived ones are. Each follow-up has three steps: firing moves its timer.
FILL: Final = """
insert into followup (id, gathering_id, meeting_id, owner, other, met_at, known_at, met_revision, mutual_interest,
    policy, deadline_at, late, state, state_since, occurred_at, closed, steps, kinds, due, until, revision, plan_revision)
select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), now(), now(), 1,
    false, 1, now() + interval '1 day', false, 'open', now(), now(), false, '{1,2,3}',
    '{thank_draft,thank_last_call,next_step}', array[due, due + interval '1 year', due + interval '2 years'],
    array_fill(now() + interval '9 years', array[3]), 1, 1
from (select now() + n * $3::interval as due from generate_series($1::int, $2::int) as n) as times
"""
CHUNK: Final = 100_000  # follow-ups in one statement
TOMORROW: Final = 1440  # minutes, so that nothing becomes due while the rest is filled in


TICKS: Final = os.sysconf("SC_CLK_TCK")  # a second, in which Linux counts the CPU time of others


class Cpu(NamedTuple):
    """Microseconds of CPU for each of what was done."""

    process: float
    server: float
    """PostgreSQL, with its writers; 0 where it is not a server of our own."""


class Ground:
    """One database, and the rates that were measured on it, by name, one for each round."""

    def __init__(self, server: Server, database: Database, owner_url: str) -> None:
        self.server, self.database, self.owner_url = server, database, owner_url
        self.rates: dict[str, list[float]] = defaultdict(list)
        self.cpu: dict[str, list[Cpu]] = defaultdict(list)

    async def sql(self, statement: str, *arguments: Any) -> None:
        """One statement as the owner."""
        connection = await asyncpg.connect(self.owner_url)
        try:
            await connection.execute(statement, *arguments, timeout=1800)
        finally:
            await connection.close()

    async def checkpoint(self) -> None:
        """Write out what the filling left, so that it is not written while something is measured."""
        connection = await asyncpg.connect(self.server.admin_url)
        try:
            await connection.execute("checkpoint", timeout=600)
        finally:
            await connection.close()

    async def empty(self) -> None:
        """No follow-ups, no timers."""
        await self.sql("truncate followup, timer, due_item, outbox, inbox, report")

    async def fill(self, due: int, pending: int, apart: timedelta = timedelta(milliseconds=1)) -> None:
        """`pending` timers a minute apart, from tomorrow on, first; then `due` that are due now."""
        await self.empty()
        end = TOMORROW + pending
        for first in range(TOMORROW, end, CHUNK):
            await self.sql(FILL, first, min(first + CHUNK, end) - 1, timedelta(minutes=1))
        await self.sql(FILL, 1, due, -apart)
        await self.sql("insert into timer select id, owner, 1, due[1], 1 from followup")
        await self.sql("vacuum analyze timer, followup")

    @contextmanager
    def timed(self, name: str, count: int) -> Iterator[None]:
        """Keep how many of `count` a second were done, and what CPU each took."""
        server, process, started = self._server_seconds(), process_time(), perf_counter()
        yield
        self.rates[name].append(count / (perf_counter() - started))
        used = (process_time() - process, self._server_seconds() - server)
        self.cpu[name].append(Cpu(*(seconds / count * 1e6 for seconds in used)))

    def _server_seconds(self) -> float:
        """CPU time of the postmaster, of its children, and of those that have ended."""
        postmasters, total = set(self.server.pids if isinstance(self.server, Postgres) else ()), 0
        for place in Path("/proc").glob("[0-9]*/stat") if postmasters else ():
            with suppress(OSError):  # it has just ended, and is counted with its parent
                fields = place.read_text().rpartition(")")[2].split()
                if int(place.parent.name) in postmasters:
                    total += sum(int(each) for each in fields[11:15])
                elif int(fields[1]) in postmasters:
                    total += sum(int(each) for each in fields[11:13])
        return total / TICKS

    def best(self, name: str) -> float:
        return max(self.rates[name])

    def least_cpu(self, name: str) -> Cpu:
        """Of all rounds: what else runs can only add to it."""
        return Cpu(*(min(each) for each in zip(*self.cpu[name], strict=True)))

    def ratio(self, name: str, other: str) -> str:
        """The ratio of the best, and of each round, which shows how much to trust it."""
        each = [mine / theirs for mine, theirs in zip(self.rates[name], self.rates[other], strict=False)]
        return f"{self.best(name) / self.best(other):,.2f} ({', '.join(f'{value:,.2f}' for value in each)})"


def settings_of(url: str) -> FollowupSettings:
    """Settings for a database without a broker."""
    return FollowupSettings(
        database_url=url, kafka_bootstrap_servers="127.0.0.1:9", link_secret="a-secret-of-the-benchmark"
    )


@asynccontextmanager
async def ground(server: Server) -> AsyncIterator[Ground]:
    """A database of its own, removed afterwards."""
    created = await server.create_database(f"bench_{uuid4().hex[:8]}")
    await SERVICE.migrate(settings_of(created.url).model_copy(update={"migration_database_url": created.owner_url}))
    async with open_database(created.url, name="bench") as database:
        yield Ground(server, database, created.owner_url)
    await server.drop_database(created.name)
