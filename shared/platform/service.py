"""A service, as its `app.py` declares it, and how it runs: HTTP, consumer, relay, upkeep and its own tasks."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import structlog
from fastapi import FastAPI

from shared.delivery import broker, dead_letter, inbox, outbox, relay
from shared.delivery.consumer import Consumer, Handlers
from shared.platform import idempotency, logging, metrics, retention, runtime, tracing
from shared.platform.database import Database, migrate, open_database
from shared.platform.runtime import Part
from shared.platform.settings import Settings

log: Final = structlog.stdlib.get_logger(__name__)

SettingsT = TypeVar("SettingsT", bound=Settings)
_SHARED: Final = Path(__file__).parents[1]
MEASURE_EVERY: Final = 5.0  # seconds
FORGET_EVERY: Final = 720  # measurements: an hour
START_PATIENCE: Final = 60.0  # seconds that PostgreSQL may take to come up before this process gives up

Command = Callable[[Any, Database, argparse.Namespace], Awaitable[None]]
"""An operator's command of one service: (settings, database, arguments)."""


@dataclass(frozen=True)
class Service(Generic[SettingsT]):
    """Everything that makes one service, built by its `app.py`, the only place that wires things together."""

    name: str
    settings: type[SettingsT]
    migrations: Path
    http: Callable[[SettingsT, Database], FastAPI]
    handlers: Callable[[SettingsT], Handlers]
    tasks: Callable[[SettingsT, Database], Mapping[str, Part]] = field(default=lambda settings, database: {})
    """Parts of its own, by name: timers, workers. Each is started over when the database or Kafka went away."""
    commands: Callable[[Any], None] = field(default=lambda subparsers: None)
    """Adds the service's own commands to the command line; each sets `run` to a `Command`."""

    async def migrate(self, settings: SettingsT) -> list[str]:
        """Bring the database's schema up to date; return the names of the migrations applied."""
        folders = [
            ("delivery", _SHARED / "delivery" / "migrations"),
            ("platform", _SHARED / "platform" / "migrations"),
            (self.name, self.migrations),
        ]
        return await migrate(settings.migration_database_url or settings.database_url, folders)

    async def serve(self, settings: SettingsT) -> None:
        """Run until SIGTERM. Raises what ended it otherwise."""
        logging.configure(self.name, settings.replica_name, settings.log_level)
        tracing.configure(self.name, settings.replica_name, settings.otlp_endpoint, settings.trace_sample_ratio)
        runtime.spare_collector()
        async with AsyncExitStack() as stack:
            opening = open_database(
                settings.database_url,
                name=self.name,
                connections=settings.database_connections,
                patience=START_PATIENCE,
            )
            database = await stack.enter_async_context(opening)
            app = self.http(settings, database)
            parts: dict[str, Part] = {
                "consumer": lambda: self._consume(settings, database),
                "relay": lambda: relay.run(
                    settings.database_url,
                    settings.kafka_bootstrap_servers,
                    f"{self.name}-{settings.replica_name}",
                    database.committed,
                ),
                "upkeep": lambda: _upkeep(database),
                **self.tasks(settings, database),
            }
            await stack.enter_async_context(runtime.serving(app, settings.http_host, settings.http_port))
            log.info("service.started")
            await runtime.until_stopped({name: runtime.keep(name, part) for name, part in parts.items()})
            log.info("service.stopping")

    async def _consume(self, settings: SettingsT, database: Database) -> None:
        consumer = Consumer(self.name, database, self.handlers(settings))
        async with broker.consuming(
            consumer,
            servers=settings.kafka_bootstrap_servers,
            group=self.name,
            replica=settings.replica_name,
        ) as inner:
            watching = asyncio.ensure_future(broker.watch(inner, lambda: consumer.progress))
            try:
                await asyncio.wait([watching, consumer.failed], return_when=asyncio.FIRST_COMPLETED)
                if consumer.failed.done():
                    consumer.failed.result()
                watching.result()
            finally:
                watching.cancel()


async def _upkeep(database: Database) -> None:
    """Measure the outbox; every hour delete what has been kept long enough."""
    turn = 0
    while True:
        async with database.connection() as connection:
            waiting, age = await outbox.measure(connection)
            metrics.outbox_unsent.set(waiting)
            metrics.outbox_age.set(age)
        if turn % FORGET_EVERY == 0:
            log.info("upkeep.forgot", count=await forget(database))
        turn += 1
        await asyncio.sleep(MEASURE_EVERY)


async def forget(database: Database) -> int:
    """Delete what every service has kept long enough; return how many rows."""
    count = await retention.forget(database, [inbox.forget], inbox.RETENTION)
    async with database.transaction() as tx:
        return count + await dead_letter.forget(tx) + await idempotency.forget(tx)
