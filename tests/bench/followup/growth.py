"""What does not show in a rate: claims among millions, lateness, and all at one instant."""

import asyncio
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from time import perf_counter
from typing import Any, Final
from unittest.mock import patch

import asyncpg

from services.followup import digests, mail
from services.followup import timers as loop
from services.followup.app import build_links, read_rules
from services.followup.store import timers
from shared.platform import database as databases
from tests.bench.followup.firing import full, lean
from tests.bench.followup.ground import Ground, settings_of

CLAIM: Final = timers.FIRE[: timers.FIRE.index("), fired")] + ") select count(*) from due"
"""The claim alone, as the firing statement begins."""
CLAIMS: Final = 200
CLAIMED: Final = 100  # timers in one claim
ARRIVALS: Final = 40  # timers due a second while lateness is measured


async def claims(ground: Ground, pending: int) -> dict[str, float]:
    """Median milliseconds to claim `CLAIMED` timers, and to claim and fire them, among `pending` ones that lie ahead."""
    await ground.fill(2 * CLAIMS * CLAIMED, pending)
    await ground.checkpoint()
    found: dict[str, list[float]] = {"claim": [], "claim and fire": []}
    async with _connection(ground) as connection:
        claim, after = await connection.prepare(CLAIM), timers.START
        for _ in range(CLAIMS):
            started = perf_counter()
            transaction = connection.transaction()
            await transaction.start()
            await claim.fetchval(CLAIMED, *after)
            await transaction.rollback()
            found["claim"].append((perf_counter() - started) * 1000)
        for _ in range(CLAIMS):
            started = perf_counter()
            done = await timers.fire(connection, CLAIMED, after)
            found["claim and fire"].append((perf_counter() - started) * 1000)
            assert done.watermark is not None
            after = done.watermark
    return {name: statistics.median(values) for name, values in found.items()}


@asynccontextmanager
async def _connection(ground: Ground) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await timers.connect(ground.database.url)
    try:
        yield connection
    finally:
        await connection.close()


async def lateness(ground: Ground, pending: int, seconds: int) -> list[float]:
    """Milliseconds from due to fired, by the database's clock, of timers that become due one after the other."""
    await ground.fill(1, pending)
    await ground.sql("update timer set due_at = now() + interval '1 year' where due_at <= now()")
    await ground.checkpoint()
    await ground.sql(
        "update timer set due_at = now() + interval '5 seconds' + n * $2::interval from (select followup_id as id,"
        " row_number() over () as n from timer order by followup_id limit $1) as picked where picked.id = followup_id",
        ARRIVALS * seconds,
        timedelta(seconds=1 / ARRIVALS),
    )
    await ground.sql("vacuum analyze timer")
    task = asyncio.create_task(loop.run(ground.database, 500, 30))
    await asyncio.sleep(seconds + 7)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with ground.database.connection() as connection:
        rows = await connection.fetch("select extract(epoch from fired_at - due_at)::float8 as late from due_item")
    assert len(rows) == ARRIVALS * seconds, len(rows)
    return sorted(row["late"] * 1000 for row in rows)


async def instant(ground: Ground, count: int, batch: int) -> None:
    """`count` timers that are due at one instant, by the full and the lean model, one connection and two."""
    for connections in (1, loop.CONNECTIONS):
        await full(ground, f"instant, full, {connections}", count, 0, batch, connections, apart=timedelta(0))
        await lean(ground, f"instant, lean, {connections}", count, 0, batch, connections, apart=timedelta(0))


async def idle(ground: Ground, seconds: float) -> float:
    """Statements a second that timers and mail send while nothing is due, those of the pool included."""
    await ground.fill(1, 10)
    await ground.sql("delete from timer where due_at <= now()")
    settings = settings_of(ground.database.url)
    writer = digests.Writer(read_rules(settings), build_links(settings), settings.mail_from)
    relay = mail.Relay.of("smtp://127.0.0.1:9", settings.mail_from)
    sent: list[str] = []

    def listening(connect: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def connected(*arguments: Any) -> Any:
            connection = await connect(*arguments)
            (connection or arguments[0]).add_query_logger(lambda record: sent.append(record.query))
            return connection

        return connected

    with (
        patch.object(timers, "connect", listening(timers.connect)),
        patch.object(databases, "prepare", listening(databases.prepare)),
    ):
        async with databases.open_database(ground.database.url, name="idle") as database:
            tasks = [
                asyncio.create_task(loop.run(database, settings.fire_batch, settings.fire_backstop_seconds)),
                asyncio.create_task(
                    mail.run(database, writer, relay, settings.mail_connections, settings.mail_seconds)
                ),
            ]
            await asyncio.sleep(5)
            assert any("timer" in query for query in sent), "the timers have begun"
            assert any("mailbox" in query for query in sent), "mail has begun"
            sent.clear()
            await asyncio.sleep(seconds)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return len(sent) / seconds
