"""Fires timers on time: sleeps until the next one is due, is woken by commits of this process, and has a backstop."""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any, Final

import asyncpg
import structlog

from services.followup import operations
from services.followup.operations import Rules
from services.followup.store import timers
from shared.platform import clock, metrics
from shared.platform.database import Database

log: Final = structlog.stdlib.get_logger(__name__)

CHANGED_MEANWHILE: Final = 0.01  # seconds to wait for a follow-up that changed while it was to be fired
EXPIRE_AT_ONCE: Final = 500  # follow-ups in one transaction


async def run(database: Database, batch: int, backstop: float) -> None:
    """Fire for ever. Raises when PostgreSQL fails; what is due then is due still.

    Every replica runs this. Each is woken by its own commits only, so a new timer is fired on time by the replica that
    set it, or after the backstop by another if that one died.
    """
    wake = asyncio.Event()
    connection = await timers.connect(database.url)
    database.after_commit.append(wake.set)
    try:
        while True:
            wake.clear()
            await drain(connection, database, batch)
            seconds = await timers.next_due(connection)
            metrics.due_overdue.set(max(0.0, -(seconds or 0.0)))
            if seconds is None or seconds > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), min(backstop, seconds if seconds is not None else backstop))
            else:
                await asyncio.sleep(CHANGED_MEANWHILE)
    finally:
        database.after_commit.remove(wake.set)
        connection.terminate()


async def drain(connection: "asyncpg.Connection[Any]", database: Database, batch: int) -> int:
    """Fire all that is due; return how many.

    The watermark keeps each claim away from the dead index entries that earlier ones left at the head, which a reader
    with an old snapshot can pin. A last round from the start takes what came in behind it.
    """
    total, after = 0, timers.START
    while True:
        fired = await timers.fire(connection, batch, after)
        total += len(fired)
        if fired:
            database.committed.set()
            _measure(fired)
            after = max((each.due_at, each.followup_id) for each in fired)
        elif after == timers.START:
            return total
        else:
            after = timers.START


def _measure(fired: list[timers.Fired]) -> None:
    for kind, count in Counter("skipped_late" if each.skipped else each.kind for each in fired).items():
        metrics.due_fired.labels(kind).inc(count)
    # The oldest of a batch speaks for it: one observation for each timer would cost a tenth of the firing.
    metrics.due_lateness.observe(max(each.late_seconds for each in fired))


async def expire(database: Database, rules: Rules, every: float) -> None:
    """End silent follow-ups whose time has run out, for ever."""
    while True:
        count = EXPIRE_AT_ONCE
        while count == EXPIRE_AT_ONCE:
            async with database.transaction() as tx:
                count = await operations.expire(tx, rules, clock.now(), EXPIRE_AT_ONCE)
            if count:
                log.info("followups.expired", count=count)
        await asyncio.sleep(every)
