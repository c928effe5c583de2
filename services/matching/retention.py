"""Forgets what has been kept long enough, every hour, in transactions that stay short."""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from services.matching.store import retention
from shared.platform.database import Database

log: Final = structlog.stdlib.get_logger(__name__)

EVERY: Final = 3600.0  # seconds
AT_ONCE: Final = 5_000  # rows in one transaction


async def forget(database: Database, keep: timedelta, at_once: int = AT_ONCE) -> int:
    """Forget all that is older than `keep`; return how many rows."""
    total = 0
    for rule in retention.ALL:
        count = at_once
        while count == at_once:
            async with database.transaction() as tx:
                count = await rule(tx, keep, at_once)
            total += count
    return total


async def run(database: Database, keep: timedelta) -> None:
    """Forget for ever."""
    while True:
        if count := await forget(database, keep):
            log.info("retention.forgot", count=count)
        await asyncio.sleep(EVERY)
