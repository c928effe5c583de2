"""Fires timers on time: sleeps until the next one is due, is woken by commits of this process, and has a backstop."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog

from services.followup import operations
from services.followup.rules import Rules
from services.followup.store import timers
from shared.platform import clock, metrics
from shared.platform.database import Database

log: Final = structlog.stdlib.get_logger(__name__)

CHANGED_MEANWHILE: Final = 0.01  # seconds to wait for a follow-up that changed while it was to be fired
CONNECTIONS: Final = 2  # that share a burst: each keeps one core of PostgreSQL busy and takes little of this process
FIRST: Final = 250  # timers in the first statement: enough for most, and soon over where the others are to be shared
EXPIRE_AT_ONCE: Final = 500  # follow-ups in one transaction


async def run(database: Database, batch: int, backstop: float) -> None:
    """Fire for ever. Raises when PostgreSQL fails; what is due then is due still.

    Every replica runs this. Each is woken by its own commits only, so a new timer is fired on time by the replica that
    set it, or after the backstop by another if that one died.
    """
    wake = asyncio.Event()
    database.after_commit.append(wake.set)
    opened: list[asyncpg.Connection[Any]] = []
    try:
        for _ in range(CONNECTIONS):
            opened.append(await timers.connect(database.url))
        due = True
        while True:
            wake.clear()
            fired = await drain(opened, database, batch) if due else None
            if fired:
                for tell in database.after_commit:
                    if tell != wake.set:  # this loop knows
                        tell()
            seconds = await timers.next_due(opened[0])
            metrics.due_overdue.set(max(0.0, -(seconds or 0.0)))
            wait = backstop if seconds is None else min(seconds, backstop)
            due = wait == seconds
            if wait > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):  # not wait_for, which can swallow a cancellation
                        await wake.wait()
                    due = False  # most commits set no timer: ask first
            elif fired == 0 and wait < -CHANGED_MEANWHILE:  # else it has become due since the statement began
                await asyncio.sleep(CHANGED_MEANWHILE)
    finally:
        database.after_commit.remove(wake.set)
        for connection in opened:
            connection.terminate()


async def drain(connections: "Sequence[asyncpg.Connection[Any]]", database: Database, batch: int) -> int:
    """Fire what is due; return how many. What one statement cannot take is shared among all connections.

    What becomes due behind a watermark meanwhile is left for the next time.
    """
    first = await timers.fire(connections[0], min(batch, FIRST))
    total = _note(database, first)
    if first.watermark is not None:
        total += sum(await asyncio.gather(*(_go_on(each, database, batch, first.watermark) for each in connections)))
    return total


async def _go_on(
    connection: "asyncpg.Connection[Any]", database: Database, batch: int, watermark: tuple[datetime, UUID]
) -> int:
    """Fire to the end of what is due.

    The watermark keeps each claim away from the dead index entries that earlier ones left at the head, which a reader
    with an old snapshot can pin.
    """
    total, after = 0, watermark
    while True:
        done = await timers.fire(connection, batch, after)
        total += _note(database, done)
        if done.watermark is None:
            return total
        after = done.watermark


def _note(database: Database, done: timers.Round) -> int:
    """Measure one statement and wake the relay; return how many timers it fired."""
    if not done.fired:
        return 0
    database.committed.set()
    for each in done.fired:
        metrics.due_fired.labels("skipped_late" if each.skipped else each.kind).inc(each.count)
    # The oldest of a batch speaks for it: one observation for each timer would cost a tenth of the firing.
    metrics.due_lateness.observe(max(each.late_seconds for each in done.fired))
    return sum(each.count for each in done.fired)


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
