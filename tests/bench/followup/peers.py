"""procrastinate on the same PostgreSQL: no-op tasks, deleted on success."""

import logging
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import procrastinate
from procrastinate.types import JSONDict

from tests.bench.followup.ground import Ground


async def procrastinate_jobs(ground: Ground, name: str, jobs: int, pending: int, concurrency: int) -> None:
    """`jobs` that are due, deferred after `pending` future ones, as when 90-day timers precede those of 24 hours."""
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    database = await ground.server.create_database(f"procrastinate_{uuid4().hex[:8]}")
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=database.owner_url))

    @app.task
    async def nothing(n: int) -> None:
        del n

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        later = nothing.configure(schedule_at=datetime.now(UTC) + timedelta(days=90))
        for start in range(0, pending, 1000):
            await later.batch_defer_async(*_jobs(start, min(start + 1000, pending)))
        await nothing.batch_defer_async(*_jobs(0, jobs))
        connection = await asyncpg.connect(database.owner_url)
        await connection.execute("vacuum analyze procrastinate_jobs")
        await connection.close()
        with ground.timed(name, jobs):
            await app.run_worker_async(
                wait=False, concurrency=concurrency, delete_jobs="always", install_signal_handlers=False
            )
    await ground.server.drop_database(database.name)


def _jobs(first: int, last: int) -> list[JSONDict]:
    return [{"n": n} for n in range(first, last)]
