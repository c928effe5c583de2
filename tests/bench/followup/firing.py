"""Firing: all of follow-up's model and the least that a timer can be, from Python and from pgbench."""

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, Final

import asyncpg

from services.followup.store import timers
from services.followup.timers import drain
from tests.bench.followup.ground import Ground

LEAN: Final = """
with due as materialized (
    select id from lean_timer where due_at <= now() order by due_at, id limit $1 for update skip locked
), gone as (
    delete from lean_timer where id = any(array(select id from due)) returning id
)
insert into lean_outbox (payload) select id::text from gone
"""
"""One row away, one outbox row: what the figures of queue libraries are to be compared with."""


APART: Final = timedelta(milliseconds=1)  # between due times


async def full(
    ground: Ground, name: str, due: int, pending: int, batch: int, connections: int = 1, apart: timedelta = APART
) -> None:
    """Follow-up's own loop over what is due."""
    await ground.fill(due, pending, apart)
    async with AsyncExitStack() as stack:
        opened = [await _opened(stack, timers.connect(ground.database.url)) for _ in range(connections)]
        with ground.timed(name, due):
            fired = await drain(opened, ground.database, batch)
    assert fired == due, (fired, due)


async def lean(
    ground: Ground, name: str, due: int, pending: int, batch: int, connections: int = 1, apart: timedelta = APART
) -> None:
    """The same way of claiming, but only one row away and one outbox row for each."""
    await fill_lean(ground, due, pending, apart)
    async with AsyncExitStack() as stack:
        connecting = [asyncpg.connect(ground.owner_url, server_settings=timers.PINNED) for _ in range(connections)]
        opened = [await _opened(stack, each) for each in connecting]
        with ground.timed(name, due):
            await asyncio.gather(*(_drain_lean(each, batch) for each in opened))
        assert await opened[0].fetchval("select count(*) from lean_timer where due_at <= now()") == 0


async def fill_lean(ground: Ground, due: int, pending: int, apart: timedelta = APART) -> None:
    """As `Ground.fill`, in tables of their own."""
    await ground.sql("drop table if exists lean_timer, lean_outbox")
    await ground.sql("create table lean_timer (id uuid primary key, due_at timestamptz not null)")
    await ground.sql("create index on lean_timer (due_at, id)")
    await ground.sql("create table lean_outbox (seq bigint generated always as identity primary key, payload text)")
    for count, step in ((pending, timedelta(days=1)), (due, -apart)):
        await ground.sql(
            "insert into lean_timer select gen_random_uuid(), now() + n * $2::interval from generate_series(1, $1::int) n",
            count,
            step,
        )
    await ground.sql("vacuum analyze lean_timer")


async def _drain_lean(connection: "asyncpg.Connection[Any]", batch: int) -> None:
    while (await connection.execute(LEAN, batch)) != "INSERT 0 0":
        pass


async def _opened(stack: AsyncExitStack, connecting: Any) -> "asyncpg.Connection[Any]":
    connection: asyncpg.Connection[Any] = await connecting
    stack.push_async_callback(connection.close)
    return connection


def has_pgbench() -> bool:
    return shutil.which("pgbench") is not None


async def pgbench_full(ground: Ground, name: str, due: int, batch: int, clients: int) -> None:
    """Follow-up's own statement, each from where the last one ended, as follow-up itself sends it."""
    await ground.fill(due, 0)
    statement = timers.FIRE.replace("$1::int", str(batch))
    statement = statement.replace("$2::timestamptz", ":due_at::timestamptz").replace("$3::uuid", ":followup_id::uuid")
    start = ("-D", "due_at=-infinity", "-D", "followup_id=00000000-0000-0000-0000-000000000000")
    await _pgbench(ground, name, f"{_line(statement)} \\gset", due, batch, clients, start)


async def pgbench_lean(ground: Ground, name: str, due: int, pending: int, batch: int, clients: int) -> None:
    """The lean statement."""
    await fill_lean(ground, due, pending)
    await _pgbench(ground, name, f"{_line(LEAN.replace('$1', str(batch)))};", due, batch, clients)


def _line(statement: str) -> str:
    return " ".join(statement.split())


async def _pgbench(
    ground: Ground, name: str, script: str, due: int, batch: int, clients: int, variables: Sequence[str] = ()
) -> None:
    """From C, prepared. It stops before the end, where clients would find nothing."""
    rounds = due * 9 // 10 // batch // clients
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(f"{script}\n")
        file.flush()
        command = ["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", str(clients), "-t", str(rounds)]
        options = " ".join(f"-c {name}={value}" for name, value in timers.PINNED.items())
        output = await asyncio.to_thread(
            subprocess.run,
            [*command, *variables, "-f", file.name, ground.owner_url],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PGOPTIONS": options},
        )
    found = re.search(r"tps = ([\d.]+)", output.stdout)
    assert found, output.stderr
    assert "ABORTED" not in output.stderr.upper(), output.stderr
    ground.rates[name].append(float(found[1]) * batch)
