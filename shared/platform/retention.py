"""Forgets what has been kept long enough, every hour, in transactions that stay short."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

import structlog

from shared.platform.database import Connection, Database

log: Final = structlog.stdlib.get_logger(__name__)

Rule = Callable[[Connection, timedelta, int], Awaitable[int]]
"""Forgets what is older than so long, at most so many rows; returns how many. Skips rows that somebody holds."""

EVERY: Final = 3600.0  # seconds
AT_ONCE: Final = 5_000  # rows in one transaction


async def forget(database: Database, rules: Sequence[Rule], keep: timedelta, at_once: int = AT_ONCE) -> int:
    """Forget all that is older than `keep` by these rules; return how many rows."""
    total = 0
    for rule in rules:
        count = at_once
        while count == at_once:
            async with database.transaction() as tx:
                count = await rule(tx, keep, at_once)
            total += count
    return total


async def run(database: Database, rules: Sequence[Rule], keep: timedelta) -> None:
    """Forget for ever."""
    while True:
        if count := await forget(database, rules, keep):
            log.info("retention.forgot", count=count)
        await asyncio.sleep(EVERY)
